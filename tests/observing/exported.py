"""The metrics of a daemon to which everything has happened once."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from reconciler.model.audit import AuditHead
from reconciler.model.comparison import Mismatch, MismatchKind
from reconciler.model.finding import (
    Change,
    Finding,
    FindingState,
    ScanStamp,
    Sighting,
    sighted,
)
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import Coverage, ScanMode
from reconciler.model.standing import Standing
from reconciler.scanning.observer import ScanStage
from reconciler.surfaces.metrics import Metrics
from reconciler.surfaces.repair_watching import RepairStanding
from tests.unit.test_answers import mismatch, one, report

SEEN_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRICES = {"BTC": Decimal(88210), "ETH": Decimal(1825)}


def made() -> Metrics:
    """Metrics with three currencies and the default collections, of a daemon that just started."""
    return Metrics(currencies=["BTC", "GBP"], prices_usd=PRICES, collections=DEFAULT_MAPPINGS.names)


def standing(**changes: object) -> Standing:
    """Where an exchange stands on which one account drifted."""
    values: dict[str, object] = {
        "findings": {(MismatchKind.AMOUNT, "BTC", FindingState.CONFIRMED): 1},
        "mismatched_users": 1,
        "drift": {"BTC": Decimal("0.0005")},
        "unmeasured": 0,
        "oldest_first_seen": SEEN_AT,
        "last_success": {ScanMode.FULL: SEEN_AT},
        "last_completion": {ScanMode.FULL: SEEN_AT},
        "coverage": Coverage(accounts=20, users=5, currencies=3),
        "leader": "a",
    }
    return Standing(**{**values, **changes})  # type: ignore[arg-type]


def drifted(user_id: str = "abc123") -> Mismatch:
    """An account one of whose copies holds half."""
    return mismatch(user_id=user_id, crypto_balances=one("0.0005"))


def finding(user_id: str = "abc123") -> Finding:
    """A finding of that, just seen."""
    stamp = ScanStamp("s1", 1, SEEN_AT)
    seen = sighted(None, Sighting(drifted(user_id), "x", False), stamp, DEFAULT_MAPPINGS)
    assert seen is not None
    return seen.finding


def busy() -> Metrics:
    """Metrics of which each has at least one series."""
    metrics = made()
    metrics.set_standing(standing())
    metrics.set_build_info("1.0.0", "COINHUBX_abc")
    metrics.set_scan_interval(300)
    metrics.mongo.operation_finished("wallets", "find", 0.01, failed=False)
    metrics.audit.set_interval(60)
    metrics.audit.chain_proven(AuditHead("log", 1, "hash"))
    for stage in ScanStage:
        metrics.scans.stage_finished("s1", stage, mode=ScanMode.FULL, seconds=1)
    metrics.scans.scan_finished(report(drifted()))
    metrics.scans.finding_changed(finding(), Change.DETECTED, scan_id="s1")
    metrics.repairs.standing_known(RepairStanding(True, 1))
    metrics.watch.progressed(events=1, pending=1, lag_seconds=0.0)
    return metrics


def samples(metrics: Metrics) -> Iterator[Sample]:
    """Every series with its value, read from the text that Prometheus gets."""
    text, _ = metrics.exposition()
    for family in text_string_to_metric_families(text.decode()):
        yield from family.samples


def values(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """The values of one metric's series, by the values of their labels in their names' order."""
    return {
        tuple(text for _, text in sorted(sample.labels.items())): sample.value
        for sample in samples(metrics)
        if sample.name == f"reconciler_{name}"
    }


def exported_names() -> set[str]:
    """The name of every series there can be."""
    return {sample.name for sample in samples(busy())}
