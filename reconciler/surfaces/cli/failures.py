"""What a failed command tells, and with which exit code it ends."""

import signal
from dataclasses import dataclass

from reconciler.control.approving import FreezeRefused
from reconciler.control.imports import NotFreezable
from reconciler.control.linting import NothingToSearch
from reconciler.control.linting.baseline import UnusableBaseline
from reconciler.control.record import SpoiledRecord
from reconciler.control.verifying import FreezeBroken
from reconciler.errors import (
    CannotLook,
    CheckpointFailed,
    DatabaseUnavailable,
    MongodNotFound,
    PlanNotFound,
    PlanStale,
    ReadInterrupted,
    ReconcilerError,
    RepairRefused,
    SelfApproval,
    UnsupportedServer,
)
from reconciler.keys import UnusableKey
from reconciler.settings import InvalidSettings
from reconciler.surfaces.exits import Exit


class NotConsented(ReconcilerError):
    """Nobody said that the plan may be applied; the message says how to."""


_COULD_NOT_LOOK = (
    DatabaseUnavailable,
    CannotLook,
    ReadInterrupted,
    UnsupportedServer,
    CheckpointFailed,
    TimeoutError,
)

_WRONG_USAGE = (
    InvalidSettings,
    MongodNotFound,
    NotConsented,
    NothingToSearch,
    PlanNotFound,
    UnusableBaseline,
    UnusableKey,
    FreezeBroken,
)


_NOT_MET = (FreezeRefused, NotFreezable, SpoiledRecord)


class Interrupted(Exception):
    """A signal asked the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(f"Interrupted by {signal.Signals(number).name}")
        self.number = number


class OutputLost(ReconcilerError):
    """Standard output cannot be written: the disk is full, say."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a command ended without its result; `kind` is the word for it in JSON.

    `guard` is the name of the guard of a repair that said no, if it was one.
    """

    kind: str
    message: str
    exit: int
    guard: str | None = None

    @property
    def is_unexpected(self) -> bool:
        """Whether a developer should see the traceback."""
        return self.kind == "unexpected"


def failure_of(error: BaseException) -> Failure:
    """Say what an exception means for whoever ran the command."""
    if isinstance(error, Interrupted):
        message = f"{error} before there was a result."
        return Failure("interrupted", message, 128 + error.number)
    if isinstance(error, _WRONG_USAGE):
        return Failure("usage", str(error), Exit.USAGE)
    if isinstance(error, _COULD_NOT_LOOK):
        return Failure("incomplete", str(error) or "time ran out", Exit.INCOMPLETE)
    if isinstance(error, _NOT_MET):
        return Failure("not_met", str(error), Exit.NOT_MET)
    if isinstance(error, RepairRefused):
        guard = error.refusal.guard.value if error.refusal else None
        return Failure("refused", _refused(error), Exit.REFUSED, guard)
    if isinstance(error, PlanStale | SelfApproval):
        return Failure("refused", str(error), Exit.REFUSED)
    if isinstance(error, ReconcilerError):
        return Failure("refused", str(error), Exit.UNEXPECTED)
    message = f"Unexpected error: {type(error).__name__}. The log has the traceback."
    return Failure("unexpected", message, Exit.UNEXPECTED)


def _refused(error: RepairRefused) -> str:
    if error.refusal is None:
        return f"Nothing was written: {error}"
    guard, reason = error.refusal.guard.value, error.refusal.reason
    begin = "Stopped halfway." if error.is_halfway else "Nothing was written."
    return f"{begin} The guard {guard} says no: {reason}"
