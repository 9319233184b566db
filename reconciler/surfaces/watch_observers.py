"""Tells several observers of the watch the same, in the order in which they are given."""

from collections.abc import Sequence

from reconciler.model.bypassing import BypassingWrite
from reconciler.watching.observer import Restart, ScanWanted, WatchObserver


class SeveralWatchObservers:
    """Tells each of several what the watch does."""

    def __init__(self, *observers: WatchObserver) -> None:
        self._observers: Sequence[WatchObserver] = observers

    def watching(self, *, is_active: bool) -> None:
        """The watch follows the stream now, or does not."""
        for each in self._observers:
            each.watching(is_active=is_active)

    def unsupported(self, reason: str) -> None:
        """Nothing can be watched."""
        for each in self._observers:
            each.unsupported(reason)

    def progressed(self, *, events: int, pending: int, lag_seconds: float) -> None:
        """So many events came."""
        for each in self._observers:
            each.progressed(events=events, pending=pending, lag_seconds=lag_seconds)

    def restarted(self, why: Restart, *, reason: str, error: BaseException | None = None) -> None:
        """The stream ended."""
        for each in self._observers:
            each.restarted(why, reason=reason, error=error)

    def scan_wanted(self, why: ScanWanted, *, detail: str) -> None:
        """A full scan is asked for."""
        for each in self._observers:
            each.scan_wanted(why, detail=detail)

    def bypassing(self, writes: Sequence[BypassingWrite]) -> None:
        """Writes past the library were seen."""
        for each in self._observers:
            each.bypassing(writes)

    def checked(self, *, accounts: int, mismatched: int) -> None:
        """So many accounts were looked at."""
        for each in self._observers:
            each.checked(accounts=accounts, mismatched=mismatched)

    def confirmed(self, *, latency_seconds: float) -> None:
        """A mismatch was confirmed."""
        for each in self._observers:
            each.confirmed(latency_seconds=latency_seconds)
