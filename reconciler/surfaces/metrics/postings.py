"""Counts what the sync library did; the library itself knows no metrics."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from reconciler.errors import DeadlineExceeded, PostingFailed, PostingRefused, ReconcilerError
from reconciler.model.comparison import Mismatch, MismatchKind
from reconciler.model.posting import EntryKind
from reconciler.surfaces.metrics.labels import PREFIX
from reconciler.sync.results import PostingResult

OPERATIONS = (
    EntryKind.CREDIT,
    EntryKind.DEBIT,
    EntryKind.LOCK,
    EntryKind.UNLOCK,
    EntryKind.RELEASE,
    EntryKind.UPDATE,
    EntryKind.POST,
)
APPLIED, REPLAYED, REFUSED, FAILED, UNKNOWN = OUTCOMES = (
    "applied",
    "replayed",
    "refused",
    "failed",
    "unknown",
)
POSTING_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class PostingMetrics:
    """Observes the sync library, and counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._postings = Counter(
            f"{PREFIX}_postings_total",
            "Postings that were asked for, by operation and by what became of them.",
            ["operation", "outcome"],
            registry=registry,
        )
        self._durations = Histogram(
            f"{PREFIX}_posting_duration_seconds",
            "How long postings took, whatever became of them.",
            ["operation"],
            buckets=POSTING_SECONDS,
            registry=registry,
        )
        self._retries = Counter(
            f"{PREFIX}_posting_retries_total",
            "Attempts at a posting that met a conflict or a lost connection and were repeated.",
            registry=registry,
        )
        self._drift = Counter(
            f"{PREFIX}_posting_drift_seen_total",
            "Times a posting met an account whose copies disagree.",
            ["kind"],
            registry=registry,
        )
        for operation in OPERATIONS:
            self._durations.labels(operation.value)
            for outcome in OUTCOMES:
                self._postings.labels(operation.value, outcome)
        for kind in MismatchKind:
            self._drift.labels(kind.value)

    def posting_done(self, result: PostingResult, *, duration_seconds: float) -> None:
        """Count a posting that was applied, now or before."""
        self._count(result.kind, REPLAYED if result.replayed else APPLIED, duration_seconds)

    def posting_refused(
        self, kind: EntryKind, error: PostingRefused, *, op_id: str | None, duration_seconds: float
    ) -> None:
        """Count a posting that wrote nothing: because of its content, or because of the server."""
        is_failure = isinstance(error, PostingFailed | DeadlineExceeded)
        self._count(kind, FAILED if is_failure else REFUSED, duration_seconds)

    def posting_unknown(
        self, kind: EntryKind, error: ReconcilerError, *, op_id: str, duration_seconds: float
    ) -> None:
        """Count a posting of which nobody knows whether it was applied."""
        self._count(kind, UNKNOWN, duration_seconds)

    def posting_retried(self, *, op_id: str, attempt: int, error: Exception) -> None:
        """Count an attempt that is repeated."""
        self._retries.inc()

    def drift_seen(self, mismatch: Mismatch, *, op_id: str) -> None:
        """Count an account that a posting found drifted."""
        self._drift.labels(mismatch.kind.value).inc()

    def _count(self, kind: EntryKind, outcome: str, seconds: float) -> None:
        self._postings.labels(kind.value, outcome).inc()
        self._durations.labels(kind.value).observe(seconds)
