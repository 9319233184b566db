"""What is logged of the watch, and in which words."""

from collections import Counter
from collections.abc import Sequence

from reconciler.model.bypassing import BypassingWrite
from reconciler.surfaces.answers import timestamp
from reconciler.surfaces.logs import Logs
from reconciler.watching.observer import Restart, ScanWanted


class WatchLog:
    """Logs what the watch meets; of writes that were seen together at most `lines_max` have a line.

    What goes on failing has one line, until it works again.
    """

    def __init__(self, logs: Logs, *, lines_max: int) -> None:
        self._logs = logs
        self._lines_max = lines_max
        self._is_active = False
        self._is_unsupported = False
        self._failure: str | None = None

    def watching(self, *, is_active: bool) -> None:
        """The stream is followed."""
        if is_active:
            self._failure = None
            if not self._is_active:
                self._logs.info("watch_started")
        self._is_active = is_active

    def unsupported(self, reason: str) -> None:
        """Nothing can be watched; said once."""
        if not self._is_unsupported:
            self._is_unsupported = True
            self._logs.warning("watch_unsupported", reason=reason)

    def progressed(self, *, events: int, pending: int, lag_seconds: float) -> None:
        """Do nothing: it is a gauge."""

    def restarted(self, why: Restart, *, reason: str, error: BaseException | None = None) -> None:
        """The stream ended."""
        if why is Restart.INTERRUPTED:
            if reason != self._failure:
                self._logs.warning("watch_interrupted", reason=reason)
            self._failure = reason
        elif error is not None:
            self._logs.error("watch_failed", error=error, why=why.value, reason=reason)
        else:
            self._logs.error("watch_failed", why=why.value, reason=reason)

    def scan_wanted(self, why: ScanWanted, *, detail: str) -> None:
        """A full scan is asked for."""
        self._logs.info("watch_wants_scan", why=why.value, detail=detail)

    def bypassing(self, writes: Sequence[BypassingWrite]) -> None:
        """Writes past the library were seen."""
        for write in writes[: self._lines_max]:
            account = write.account
            self._logs.warning(
                "bypassing_write",
                write_id=write.write_id,
                collection=write.collection,
                operation=write.operation.value,
                document_id=write.document_id,
                user_id=None if account is None else account.user_id.text,
                currency=None if account is None else account.currency.text,
                time=timestamp(write.time),
            )
        if len(writes) > self._lines_max:
            counts = Counter(write.collection for write in writes)
            self._logs.warning(
                "bypassing_writes_truncated", counts=dict(counts), logged=self._lines_max
            )

    def checked(self, *, accounts: int, mismatched: int) -> None:
        """Do nothing: what is wrong has lines of its own."""

    def confirmed(self, *, latency_seconds: float) -> None:
        """Do nothing: the finding has a line of its own."""
