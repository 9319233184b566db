"""What the schedule means and does: the interval, what was missed, and who scans."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from reconciler.model.report import ScanMode
from reconciler.surfaces.metrics.labels import PREFIX, Bounded

# It could not begin in time; the one before it was still at work; it ended by a fault of ours.
MISS_REASONS = ("too_late", "still_running", "fault")


class SchedulerMetrics:
    """Observes the scheduler and the lease."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reasons = Bounded(MISS_REASONS)
        self._missed = Counter(
            f"{PREFIX}_scheduler_missed_total",
            "Scheduled scans that did not begin or ended by a fault of ours, by reason.",
            ["reason"],
            registry=registry,
        )
        self._interval = Gauge(
            f"{PREFIX}_scan_interval_seconds",
            "The longest time between two scheduled scans, by the settings.",
            ["mode"],
            registry=registry,
        )
        self._leader = Gauge(
            f"{PREFIX}_leader",
            "1 on the daemon that holds the lease and scans on schedule, else 0.",
            registry=registry,
        )
        for reason in self._reasons.all:
            self._missed.labels(reason)

    def job_missed(self, reason: str, *, error: BaseException | None = None) -> None:
        """Count a scan that was due and did not begin, or ended by a fault."""
        self._missed.labels(self._reasons.of(reason)).inc()

    def set_interval(self, seconds: float) -> None:
        """Say how often full scans are due, so that alerts read the setting."""
        self._interval.labels(ScanMode.FULL.value).set(seconds)

    def set_leader(self, *, is_leader: bool) -> None:
        """Say whether this daemon scans."""
        self._leader.set(is_leader)
