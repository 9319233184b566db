"""What happens to the watch, for those who count or log it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from reconciler.model.bypassing import BypassingWrite


class Restart(StrEnum):
    """Why a stream ended.

    All but the first lose what was written meanwhile, so that a full scan follows.
    """

    INTERRUPTED = "interrupted"
    HISTORY_LOST = "history_lost"
    INVALIDATED = "invalidated"
    FATAL = "fatal"
    FAULT = "fault"


class ScanWanted(StrEnum):
    """Why the watch asks for a full scan."""

    FIRST_START = "first_start"
    LOST = "lost"
    COLLECTION_CHANGED = "collection_changed"
    UNKNOWN_OWNER = "unknown_owner"


class WatchObserver(Protocol):
    """Is told what the watch does. It must return at once, and must not raise."""

    def watching(self, *, is_active: bool) -> None:
        """The watch follows the stream now, or does not: another daemon does, or it failed."""

    def unsupported(self, reason: str) -> None:
        """The server keeps no history: nothing can be watched. Told once."""

    def progressed(self, *, events: int, pending: int, lag_seconds: float) -> None:
        """So many events came; so many accounts wait; the last of it is so old."""

    def restarted(self, why: Restart, *, reason: str, error: BaseException | None = None) -> None:
        """The stream ended and is opened again."""

    def scan_wanted(self, why: ScanWanted, *, detail: str) -> None:
        """A full scan is asked for, because the watch alone cannot know."""

    def bypassing(self, writes: Sequence[BypassingWrite]) -> None:
        """Writes past the library were seen, and are written down."""

    def checked(self, *, accounts: int, mismatched: int) -> None:
        """So many accounts were looked at."""

    def confirmed(self, *, latency_seconds: float) -> None:
        """A mismatch was confirmed and is written down, so long after the write."""


class UnobservedWatch:
    """An observer that does nothing."""

    def watching(self, *, is_active: bool) -> None:
        """Do nothing."""

    def unsupported(self, reason: str) -> None:
        """Do nothing."""

    def progressed(self, *, events: int, pending: int, lag_seconds: float) -> None:
        """Do nothing."""

    def restarted(self, why: Restart, *, reason: str, error: BaseException | None = None) -> None:
        """Do nothing."""

    def scan_wanted(self, why: ScanWanted, *, detail: str) -> None:
        """Do nothing."""

    def bypassing(self, writes: Sequence[BypassingWrite]) -> None:
        """Do nothing."""

    def checked(self, *, accounts: int, mismatched: int) -> None:
        """Do nothing."""

    def confirmed(self, *, latency_seconds: float) -> None:
        """Do nothing."""
