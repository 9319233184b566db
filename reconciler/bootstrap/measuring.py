"""Builds the metrics of a daemon."""

from reconciler import __version__
from reconciler.control.frozen import checksum
from reconciler.model.mapping import OWN_COLLECTIONS
from reconciler.settings import Settings
from reconciler.surfaces.daemon.schedule import Timing
from reconciler.surfaces.metrics.metrics import Metrics


def open_metrics(settings: Settings) -> Metrics:
    """Build them, with what the settings say in them."""
    metrics = Metrics(
        currencies=settings.currencies.scales,
        prices_usd=settings.valuation.prices_usd,
        collections=[*settings.mappings().names, *OWN_COLLECTIONS],
        balances=settings.mappings().names,
    )
    metrics.set_build_info(__version__, checksum(settings.freeze.checksum_prefix))
    metrics.set_scan_interval(Timing.of(settings.scan).longest_gap_seconds)
    audit = settings.audit
    metrics.audit.set_interval(
        audit.checkpoint_interval_seconds if audit.checkpoint_path is not None else None
    )
    return metrics
