"""Measures what MongoDB takes to answer, by collection and operation."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from reconciler.surfaces.metrics.labels import OTHER, PREFIX, Bounded

OPERATIONS = (
    "abortTransaction",
    "aggregate",
    "commitTransaction",
    "count",
    "delete",
    "distinct",
    "find",
    "findAndModify",
    "getMore",
    "insert",
    "update",
    OTHER,
)
OPERATION_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30)


class MongoMetrics:
    """Observes the driver's commands; `collections` are those with a label value of their own."""

    def __init__(self, registry: CollectorRegistry, *, collections: Iterable[str]) -> None:
        self._collections = Bounded(collections)
        self._operations = Bounded(OPERATIONS)
        self._up = Gauge(
            f"{PREFIX}_mongo_up",
            "Whether MongoDB answered this daemon when it was last asked; 0 before that.",
            registry=registry,
        )
        # Not begun at zero: collections, operations and buckets make over a thousand series.
        self._durations = Histogram(
            f"{PREFIX}_mongo_operation_duration_seconds",
            "How long MongoDB took to answer a command, or to fail.",
            ["collection", "operation"],
            buckets=OPERATION_SECONDS,
            registry=registry,
        )
        self._failures = Counter(
            f"{PREFIX}_mongo_operation_failures_total",
            "Commands to MongoDB that failed, conflicts of transactions included.",
            ["operation"],
            registry=registry,
        )
        for operation in self._operations.all:
            self._failures.labels(operation)

    def set_up(self, *, is_up: bool) -> None:
        """Say whether MongoDB answers."""
        self._up.set(is_up)

    def operation_finished(
        self, collection: str, operation: str, seconds: float, *, failed: bool
    ) -> None:
        """Measure a command that was answered, or failed."""
        name = self._operations.of(operation)
        self._durations.labels(self._collections.of(collection), name).observe(seconds)
        if failed:
            self._failures.labels(name).inc()
