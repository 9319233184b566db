"""A pytest plugin that proves which source a trial ran: the copy's, the broken modules included."""

import os
import sys
from pathlib import Path

import pytest

EXIT_WRONG_SOURCE = 97
MODULES_VARIABLE = "MUTATED_MODULES"


def wrong_source(root: Path, wanted: list[str]) -> list[str]:
    """Name the modules that were imported from elsewhere than `root`, or not at all."""
    ours = {
        name: Path(str(module.__file__))
        for name, module in list(sys.modules.items())
        if name.split(".")[0] in {"reconciler", "tests"} and getattr(module, "__file__", None)
    }
    strays = [f"{name} from {path}" for name, path in ours.items() if root not in path.parents]
    return strays + [f"{name} never" for name in wanted if name not in ours]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the whole run in a way of its own if it did not test the copy."""
    wanted = [name for name in os.environ.get(MODULES_VARIABLE, "").split(",") if name]
    found = wrong_source(session.config.rootpath.resolve(), wanted)
    if found:
        print("\nimported from elsewhere, or never:", *found, sep="\n  ", file=sys.stderr)
        session.exitstatus = EXIT_WRONG_SOURCE
