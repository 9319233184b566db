"""What a failed command tells, and with which exit code it ends."""

import signal
from dataclasses import dataclass

from reconciler.auditing.keys import UnusableKey
from reconciler.errors import (
    CannotLook,
    CheckpointFailed,
    DatabaseUnavailable,
    MongodNotFound,
    ReadInterrupted,
    ReconcilerError,
    UnsupportedServer,
)
from reconciler.settings import InvalidSettings
from reconciler.surfaces.exits import Exit

_COULD_NOT_LOOK = (
    DatabaseUnavailable,
    CannotLook,
    ReadInterrupted,
    UnsupportedServer,
    CheckpointFailed,
    TimeoutError,
)


class Interrupted(Exception):
    """A signal asked the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(f"Interrupted by {signal.Signals(number).name}")
        self.number = number


class OutputLost(ReconcilerError):
    """Standard output cannot be written: the disk is full, say."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a command ended without its result; `kind` is the word for it in JSON."""

    kind: str
    message: str
    exit: int

    @property
    def is_unexpected(self) -> bool:
        """Whether a developer should see the traceback."""
        return self.kind == "unexpected"


def failure_of(error: BaseException) -> Failure:
    """Say what an exception means for whoever ran the command."""
    if isinstance(error, Interrupted):
        message = f"{error} before there was a result."
        return Failure("interrupted", message, 128 + error.number)
    if isinstance(error, InvalidSettings | MongodNotFound | UnusableKey):
        return Failure("usage", str(error), Exit.USAGE)
    if isinstance(error, _COULD_NOT_LOOK):
        return Failure("incomplete", str(error) or "time ran out", Exit.INCOMPLETE)
    if isinstance(error, ReconcilerError):
        return Failure("refused", str(error), Exit.UNEXPECTED)
    message = f"Unexpected error: {type(error).__name__}. The log has the traceback."
    return Failure("unexpected", message, Exit.UNEXPECTED)
