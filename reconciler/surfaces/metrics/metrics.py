"""All metrics of one daemon, and their exposition."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from prometheus_client import CollectorRegistry, Gauge, disable_created_metrics
from prometheus_client.exposition import choose_encoder

from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import Verdict
from reconciler.model.standing import Standing
from reconciler.surfaces.metrics.audit import AuditMetrics
from reconciler.surfaces.metrics.http import ENDPOINTS, HttpMetrics
from reconciler.surfaces.metrics.labels import PREFIX
from reconciler.surfaces.metrics.mongo import MongoMetrics
from reconciler.surfaces.metrics.postings import PostingMetrics
from reconciler.surfaces.metrics.repairs import RepairMetrics
from reconciler.surfaces.metrics.scans import ScanMetrics
from reconciler.surfaces.metrics.scheduler import SchedulerMetrics
from reconciler.surfaces.metrics.standing import StandingCollector
from reconciler.surfaces.metrics.watch import WatchMetrics

OPENMETRICS = "application/openmetrics-text"


class Metrics:
    """What one daemon tells Prometheus; `scans`, `postings` and so on observe, each its own thing.

    Args:
        registry: where everything is registered; one of their own for each instance.
        currencies: those that are values of the label `currency`, beside those with a price.
        prices_usd: what a unit of a currency is worth.
        collections: those that are values of the label `collection`.
        balances: those that hold balances, and are values of it where such writes are counted.
        endpoints: method and route template of each HTTP call.
    """

    def __init__(
        self,
        registry: CollectorRegistry | None = None,
        *,
        currencies: Iterable[str],
        prices_usd: Mapping[str, Decimal],
        collections: Iterable[str],
        balances: Iterable[str] = DEFAULT_MAPPINGS.names,
        endpoints: Iterable[tuple[str, str]] = ENDPOINTS,
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry or CollectorRegistry()
        self.scans = ScanMetrics(self._registry)
        self.postings = PostingMetrics(self._registry)
        self.mongo = MongoMetrics(self._registry, collections=collections)
        self.http = HttpMetrics(self._registry, endpoints=endpoints)
        self.audit = AuditMetrics(self._registry)
        self.scheduler = SchedulerMetrics(self._registry)
        self.repairs = RepairMetrics(self._registry)
        self.watch = WatchMetrics(self._registry, collections=balances)
        self._standing = StandingCollector(currencies=currencies, prices_usd=prices_usd)
        self._registry.register(self._standing)
        self._build_info = Gauge(
            f"{PREFIX}_build_info",
            "Always 1; the version, and the digest of the frozen code.",
            ["version", "checksum"],
            registry=self._registry,
        )

        self._freeze_valid = Gauge(
            f"{PREFIX}_freeze_valid",
            "1 if the code of this daemon is what was frozen and approved, else 0.",
            registry=self._registry,
        )

    def set_standing(self, standing: Standing | None) -> None:
        """Say where the exchange stands; None if that is not known, which takes its series away."""
        self._standing.standing = standing

    def set_currencies(
        self, currencies: Iterable[str], *, prices_usd: Mapping[str, Decimal]
    ) -> None:
        """Take currencies and prices as the settings now have them."""
        self._standing.configure(currencies=currencies, prices_usd=prices_usd)

    def standing_known(self, standing: Standing) -> None:
        """Say where the exchange stands."""
        self.set_standing(standing)

    def verdict_changed(self, *, was: Verdict, is_now: Verdict) -> None:
        """Do nothing: the verdict is a gauge of the standing."""

    def set_mongo_up(self, is_up: bool) -> None:  # noqa: FBT001 - a gauge
        """Say whether MongoDB answers."""
        self.mongo.set_up(is_up=is_up)

    def mongo_up(self, is_up: bool, *, reason: str | None) -> None:  # noqa: FBT001 - a gauge
        """Say whether MongoDB answers; why not is for the logs."""
        self.set_mongo_up(is_up)

    def job_missed(self, reason: str, *, error: BaseException | None = None) -> None:
        """Count a scan that was due and did not begin, or ended by a fault."""
        self.scheduler.job_missed(reason, error=error)

    def set_leader(self, is_leader: bool) -> None:  # noqa: FBT001 - a gauge
        """Say whether this daemon scans on schedule."""
        self.scheduler.set_leader(is_leader=is_leader)

    def set_build_info(self, version: str, checksum: str) -> None:
        """Say what runs."""
        self._build_info.clear()
        self._build_info.labels(version, checksum).set(1)

    def set_freeze_valid(self, *, is_valid: bool) -> None:
        """Say whether the code that runs is what was frozen."""
        self._freeze_valid.set(is_valid)

    def set_scan_interval(self, seconds: float) -> None:
        """Say what may lie between two scheduled scans; of a cron line, its longest gap."""
        self.scheduler.set_interval(seconds)

    def exposition(self, accept: str | None = None) -> tuple[bytes, str]:
        """Give all series as text, and its content type: OpenMetrics to whoever accepts that.

        Only OpenMetrics has exemplars. Whatever a collector raises comes out here: an answer that
        lacks what could not be collected would read as if there were nothing.
        """
        kinds = [part.partition(";")[0].strip() for part in (accept or "").split(",")]
        encode, content_type = choose_encoder(OPENMETRICS if OPENMETRICS in kinds else "")
        return encode(self._registry), content_type
