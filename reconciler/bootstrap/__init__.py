"""The only place that knows everyone: builds a running application from settings."""

import os
import sys
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from reconciler.bootstrap.backend import open_backend
from reconciler.bootstrap.gating import freeze_facts
from reconciler.bootstrap.stage import OpenBackend, open_stage
from reconciler.control.frozen import checksum
from reconciler.control.required_plan import Trial
from reconciler.settings import Settings
from reconciler.surfaces.cli.app import run
from reconciler.surfaces.cli.session import Wiring
from reconciler.surfaces.logs import Logs
from reconciler.surfaces.ports import RunningDaemon

__all__ = ["open_backend", "run_command_line", "wiring"]


def run_command_line() -> int:
    """Run the command line on the process's arguments and environment; give the exit code."""
    return run(sys.argv[1:], wiring=wiring(open_backend), environment=os.environ)


def wiring(backend_opener: OpenBackend) -> Wiring:
    """Give the command line what it works with."""
    return Wiring(
        open_backend=backend_opener,
        open_daemon=_open_daemon,
        open_stage=lambda settings, logs: open_stage(settings, logs, backend_opener),
        open_trial=_open_trial,
        checksum=checksum,
        freeze_facts=freeze_facts,
        clock=lambda: datetime.now(UTC),
    )


# The web framework and the scheduler take a third of the start of a command that needs neither.


def _open_daemon(settings: Settings, logs: Logs) -> AbstractAsyncContextManager[RunningDaemon]:
    from reconciler.bootstrap.daemon import open_daemon  # noqa: PLC0415

    return open_daemon(settings, logs)


def _open_trial(
    settings: Settings, logs: Logs, uri: str | None
) -> AbstractAsyncContextManager[Trial]:
    from reconciler.bootstrap.freezing import open_trial  # noqa: PLC0415

    return open_trial(settings, logs, uri)
