"""Runs the command line as a user does: in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

Environment = Mapping[str, str]


class CommandLine:
    """Starts `reconciler`, or the same over a fake backend, with nothing but what is given."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def argv(self, backend: str | None, words: Sequence[str]) -> list[str]:
        if backend is None:
            return [sys.executable, "-m", "reconciler", *words]
        return [sys.executable, "-m", "tests.fakes.command_line", backend, *words]

    def environment(self, changes: Environment | None = None) -> dict[str, str]:
        kept = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith("RECONCILER_") and name not in {"NO_COLOR", "COLUMNS"}
        }
        # What a mutant changed is not frozen: the tests of the freeze alone are to find that.
        unfrozen = {"RECONCILER_FREEZE__UNFROZEN_REPAIR_ALLOWED": "true"}
        return {**kept, "PYTHONPATH": str(ROOT), **unfrozen, **(changes or {})}

    def run(
        self, *words: str, backend: str | None = None, environment: Environment | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(backend, words),
            cwd=self._directory,
            env=self.environment(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    def start(self, *words: str, backend: str | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.argv(backend, words),
            cwd=self._directory,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)
