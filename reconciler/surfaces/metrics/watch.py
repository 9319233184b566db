"""Counts what the watch does, and says how far behind it is.

The lag and the number of accounts that wait are absent on a daemon that does not watch: a 0 there
would read as if somebody did.
"""

from collections import Counter as Counts
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from reconciler.model.bypassing import BypassingWrite
from reconciler.surfaces.metrics.labels import PREFIX, Bounded
from reconciler.watching.observer import Restart, ScanWanted

LATENCY_SECONDS = (0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60)
_LAG = f"{PREFIX}_watch_lag_seconds"
_PENDING = f"{PREFIX}_watch_pending_accounts"


class WatchMetrics:
    """Observes the watch; `collections` are those whose writes are counted by name."""

    def __init__(self, registry: CollectorRegistry, *, collections: Iterable[str]) -> None:
        self._collections = Bounded(collections)
        self._events = Counter(
            f"{PREFIX}_watch_events_total",
            "Events of the stream of changes that the watch has taken.",
            registry=registry,
        )
        self._checks = Counter(
            f"{PREFIX}_watch_accounts_checked_total",
            "Accounts that the watch looked at because they changed.",
            registry=registry,
        )
        self._restarts = Counter(
            f"{PREFIX}_watch_restarts_total",
            "Times the stream of changes ended and was opened again, by reason.",
            ["reason"],
            registry=registry,
        )
        self._scans = Counter(
            f"{PREFIX}_watch_scans_wanted_total",
            "Full scans that the watch asked for, because it alone could not know, by reason.",
            ["reason"],
            registry=registry,
        )
        self._make_results(registry)
        self._progress = _ProgressCollector()
        registry.register(self._progress)
        for reason in Restart:
            self._restarts.labels(reason.value)
        for wanted in ScanWanted:
            self._scans.labels(wanted.value)
        for collection in self._collections.all[:-1]:
            self._bypassing.labels(collection)

    def _make_results(self, registry: CollectorRegistry) -> None:
        self._bypassing = Counter(
            f"{PREFIX}_bypassing_writes_total",
            "Writes to a balance that no journal entry accounts for.",
            ["collection"],
            registry=registry,
        )
        self._latency = Histogram(
            f"{PREFIX}_detection_latency_seconds",
            "From a write until the watch had its mismatch confirmed and written down.",
            buckets=LATENCY_SECONDS,
            registry=registry,
        )
        self._active = Gauge(
            f"{PREFIX}_watch_active",
            "1 on the daemon that follows the stream of changes now.",
            registry=registry,
        )
        self._unsupported = Gauge(
            f"{PREFIX}_watch_unsupported",
            "1 if this server keeps no history of changes, so that nothing can be watched.",
            registry=registry,
        )

    def watching(self, *, is_active: bool) -> None:
        """Say whether this daemon follows the stream; how far it was is not known any more."""
        self._active.set(is_active)
        if is_active:
            self._unsupported.set(0)
        else:
            self._progress.known = None

    def unsupported(self, reason: str) -> None:
        """Say that nothing can be watched."""
        self._unsupported.set(1)

    def progressed(self, *, events: int, pending: int, lag_seconds: float) -> None:
        """Count events, and say how far behind it is."""
        self._events.inc(events)
        self._progress.known = (lag_seconds, pending)

    def restarted(self, why: Restart, *, reason: str, error: BaseException | None = None) -> None:
        """Count a stream that ended."""
        self._restarts.labels(why.value).inc()

    def scan_wanted(self, why: ScanWanted, *, detail: str) -> None:
        """Count a full scan that was asked for."""
        self._scans.labels(why.value).inc()

    def bypassing(self, writes: Sequence[BypassingWrite]) -> None:
        """Count writes past the library."""
        for collection, count in Counts(write.collection for write in writes).items():
            self._bypassing.labels(self._collections.of(collection)).inc(count)

    def checked(self, *, accounts: int, mismatched: int) -> None:
        """Count accounts that were looked at."""
        self._checks.inc(accounts)

    def confirmed(self, *, latency_seconds: float) -> None:
        """Keep how long it took."""
        self._latency.observe(latency_seconds)


class _ProgressCollector(Collector):
    """Gives the gauges of progress while there is any."""

    def __init__(self) -> None:
        self.known: tuple[float, int] | None = None

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield from self._families()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if self.known is None:
            return
        for family, value in zip(self._families(), self.known, strict=True):
            family.add_metric((), value)
            yield family

    def _families(self) -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
        return (
            GaugeMetricFamily(_LAG, "How far the watch is behind what the server did last."),
            GaugeMetricFamily(_PENDING, "Accounts that changed and wait for the watch's look."),
        )
