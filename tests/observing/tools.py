"""Runs the tools of Prometheus and Alertmanager to their end."""

import subprocess
from pathlib import Path

from tests.observing.processes import binary


def output_of(name: str, *words: str | Path, given: bytes = b"") -> str:
    """Run a tool to its end, which must be a good one; give what it said."""
    done = subprocess.run(
        [binary(name), *map(str, words)], input=given, capture_output=True, timeout=60, check=False
    )
    said = (done.stdout + done.stderr).decode()

    assert done.returncode == 0, said
    return said
