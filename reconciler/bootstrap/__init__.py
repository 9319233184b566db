"""The only place that knows everyone: builds a running application from settings."""

import os
import sys
from datetime import UTC, datetime

from reconciler.bootstrap.backend import open_backend
from reconciler.bootstrap.daemon import open_daemon
from reconciler.bootstrap.freezing import open_trial
from reconciler.bootstrap.gating import freeze_facts
from reconciler.bootstrap.stage import OpenBackend, open_stage
from reconciler.control.frozen import checksum
from reconciler.surfaces.cli.app import run
from reconciler.surfaces.cli.session import Wiring

__all__ = ["open_backend", "run_command_line", "wiring"]


def run_command_line() -> int:
    """Run the command line on the process's arguments and environment; give the exit code."""
    return run(sys.argv[1:], wiring=wiring(open_backend), environment=os.environ)


def wiring(backend_opener: OpenBackend) -> Wiring:
    """Give the command line what it works with."""
    return Wiring(
        open_backend=backend_opener,
        open_daemon=open_daemon,
        open_stage=lambda settings, logs: open_stage(settings, logs, backend_opener),
        open_trial=open_trial,
        checksum=checksum,
        freeze_facts=freeze_facts,
        clock=lambda: datetime.now(UTC),
    )
