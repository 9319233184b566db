"""What the audit trail has become: records, its size, checkpoints, and whether the chain holds."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from reconciler.model.audit import AuditHead, AuditKind, AuditRecord, ChainProblem, Checkpoint
from reconciler.surfaces.metrics.labels import PREFIX

_HELP = {
    "audit_size": "Records on the audit trail when this daemon last looked; absent before.",
    "audit_last_checkpoint_timestamp_seconds": (
        "When the audit trail was last signed; 0 if never, absent where nothing can be signed."
    ),
    "audit_checkpoint_interval_seconds": (
        "How often the audit trail is signed, by the settings; absent where nothing can be."
    ),
    "audit_chain_valid": (
        "1 if the audit trail was found right, 0 if it was changed; absent before the first proof."
    ),
}


class AuditMetrics(Collector):
    """Observes the audit trail; what is not known is absent, since a 0 would be read as one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._values: dict[str, float] = {}
        self._records = Counter(
            f"{PREFIX}_audit_records_total",
            "Records that this daemon wrote on the audit trail.",
            ["kind"],
            registry=registry,
        )
        self._failures = Counter(
            f"{PREFIX}_audit_append_failures_total",
            "Events that could not be written on the audit trail.",
            ["kind"],
            registry=registry,
        )
        for kind in AuditKind:
            self._records.labels(kind.value)
            self._failures.labels(kind.value)
        registry.register(self)

    def set_interval(self, seconds: float | None) -> None:
        """Say how often the trail is signed; None where nothing can be."""
        if seconds is not None:
            self._values["audit_checkpoint_interval_seconds"] = seconds
            self._values.setdefault("audit_last_checkpoint_timestamp_seconds", 0)

    def appended(self, record: AuditRecord, kind: AuditKind) -> None:
        """Count a record."""
        self._records.labels(kind.value).inc()
        self._values["audit_size"] = record.sequence

    def append_failed(self, kind: AuditKind, *, reason: str) -> None:
        """Count what could not be written."""
        self._failures.labels(kind.value).inc()

    def checkpointed(self, checkpoint: Checkpoint) -> None:
        """Say when the trail was signed."""
        self._values["audit_last_checkpoint_timestamp_seconds"] = checkpoint.signed_at.timestamp()

    def checkpoint_failed(self, why: str, *, reason: str) -> None:
        """Do nothing: the last checkpoint grows old."""

    def chain_proven(self, head: AuditHead) -> None:
        """Say that the chain holds."""
        self._values["audit_size"] = head.size
        self._values["audit_chain_valid"] = 1

    def chain_broken(self, problem: ChainProblem) -> None:
        """Say that it does not."""
        self._values["audit_chain_valid"] = 0

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name what there can be."""
        for name, text in _HELP.items():
            yield GaugeMetricFamily(f"{PREFIX}_{name}", text)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give what is known."""
        for name, value in self._values.items():
            yield GaugeMetricFamily(f"{PREFIX}_{name}", _HELP[name], value=value)
