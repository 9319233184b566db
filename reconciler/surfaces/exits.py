"""The exit codes of every command."""

import signal
from enum import IntEnum

from reconciler.model.report import Verdict


class Exit(IntEnum):
    """What a command's exit code says; 128 and the signal's number for an interruption."""

    HEALTHY = 0
    UNEXPECTED = 1
    USAGE = 2
    NOT_MET = 3
    INCOMPLETE = 4
    REFUSED = 5
    INTERRUPTED = 128 + signal.SIGINT
    TERMINATED = 128 + signal.SIGTERM


EXIT_OF_VERDICT = {
    Verdict.HEALTHY: Exit.HEALTHY,
    Verdict.INTEGRITY_FAILURE: Exit.NOT_MET,
    Verdict.INCOMPLETE: Exit.INCOMPLETE,
}
