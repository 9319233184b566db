"""What the library tells whoever wants to count and log, without knowing who that is."""

from typing import Protocol

from reconciler.errors import PostingRefused, ReconcilerError
from reconciler.model.comparison import Mismatch
from reconciler.model.posting import EntryKind
from reconciler.sync.results import PostingResult


class SyncObserver(Protocol):
    """Called on the event loop after the fact; must be quick. Its errors are only logged."""

    def posting_done(self, result: PostingResult, *, duration_seconds: float) -> None:
        """A posting was applied, or had been before (`result.replayed`)."""

    def posting_refused(
        self, kind: EntryKind, error: PostingRefused, *, op_id: str | None, duration_seconds: float
    ) -> None:
        """Nothing was written; `op_id` is None if the posting was refused without one."""

    def posting_unknown(
        self, kind: EntryKind, error: ReconcilerError, *, op_id: str, duration_seconds: float
    ) -> None:
        """Whether a posting was applied is not known."""

    def posting_retried(self, *, op_id: str, attempt: int, error: Exception) -> None:
        """An attempt (the first is 1) met a conflict or a lost connection; another one follows."""

    def drift_seen(self, mismatch: Mismatch, *, op_id: str) -> None:
        """A posting met an account whose copies disagree, whether it was refused or applied."""


class SilentObserver:
    """Takes no notice of anything: what `BalanceSync` uses when it is given no observer."""

    def posting_done(self, result: PostingResult, *, duration_seconds: float) -> None:
        """Do nothing."""

    def posting_refused(
        self, kind: EntryKind, error: PostingRefused, *, op_id: str | None, duration_seconds: float
    ) -> None:
        """Do nothing."""

    def posting_unknown(
        self, kind: EntryKind, error: ReconcilerError, *, op_id: str, duration_seconds: float
    ) -> None:
        """Do nothing."""

    def posting_retried(self, *, op_id: str, attempt: int, error: Exception) -> None:
        """Do nothing."""

    def drift_seen(self, mismatch: Mismatch, *, op_id: str) -> None:
        """Do nothing."""
