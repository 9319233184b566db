"""The digest of the frozen code is the same under another Python."""

import os
import subprocess

import pytest

from reconciler.control.frozen import running_code
from tests.unit.test_house import ROOT

# Nothing but the standard library is needed for it.
PROGRAM = "from reconciler.control.frozen import running_code; print(running_code().digest)"


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_the_digest_is_the_same_under_another_python(version: str) -> None:
    """Skipped where there is no such interpreter."""
    # With pyenv a name on the PATH may be a shim, which wants to be told the version.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYENV_VERSION": version}
    try:
        done = subprocess.run(
            [f"python{version}", "-c", PROGRAM],
            env=environment, capture_output=True, encoding="ascii", timeout=30, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip(f"there is no python{version}")
    if "pyenv: version" in done.stderr or "not found" in done.stderr:
        pytest.skip(f"there is no python{version}")

    assert done.stdout.strip() == running_code().digest, done.stderr
