"""An observer that remembers what it was told."""

from typing import Any

from reconciler.errors import PostingRefused, ReconcilerError
from reconciler.model.comparison import Mismatch
from reconciler.model.posting import EntryKind
from reconciler.sync import PostingResult


class Recorder:
    """Keeps each call as the name of what happened and what it was about."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def posting_done(self, result: PostingResult, *, duration_seconds: float) -> None:
        self.events.append(("done", result))

    def posting_refused(
        self, kind: EntryKind, error: PostingRefused, *, op_id: str | None, duration_seconds: float
    ) -> None:
        self.events.append(("refused", type(error)))

    def posting_unknown(
        self, kind: EntryKind, error: ReconcilerError, *, op_id: str, duration_seconds: float
    ) -> None:
        self.events.append(("unknown", op_id))

    def posting_retried(self, *, op_id: str, attempt: int, error: Exception) -> None:
        self.events.append(("retried", op_id))

    def drift_seen(self, mismatch: Mismatch, *, op_id: str) -> None:
        self.events.append(("drift", mismatch.kind))

    def of(self, name: str) -> list[Any]:
        """What was told under one name, in order."""
        return [about for event, about in self.events if event == name]
