"""The standing as gauges: made from the last one that is known, and absent while none is.

What is not known is never 0, since a 0 would read as a recovery.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import product

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from reconciler.model.comparison import MismatchKind
from reconciler.model.finding import FindingState
from reconciler.model.report import Coverage, ScanMode
from reconciler.model.standing import Standing
from reconciler.model.valuation import value_in_usd
from reconciler.surfaces.metrics.labels import PREFIX, Bounded

OPEN_STATES = (FindingState.SUSPECT, FindingState.CONFIRMED)

HELP: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "integrity_failure": ("The verdict: 1 while any finding is confirmed, else 0.", ()),
    "findings": ("Open findings.", ("kind", "currency", "state")),
    "mismatched_users": ("Users with a confirmed finding.", ()),
    "mismatch_amount": (
        "Sum of the confirmed drifts in the currency's unit; never add currencies up.",
        ("currency",),
    ),
    "mismatch_value_usd": (
        "The confirmed drifts in US dollars; absent where it would be said too small.",
        (),
    ),
    "mismatch_unpriced_currencies": ("Drifted currencies without a configured price.", ()),
    "mismatch_unmeasured_findings": ("Confirmed findings whose drift cannot be said.", ()),
    "oldest_finding_timestamp_seconds": (
        "When the oldest confirmed finding was first seen; 0 if there is none.",
        (),
    ),
    "scan_last_success_timestamp_seconds": (
        "When a scan last had looked everywhere, whatever it found; 0 if none ever has.",
        ("mode",),
    ),
    "scan_last_completion_timestamp_seconds": (
        "When a scan last ended with a report, success or not; 0 if none ever has.",
        ("mode",),
    ),
    "scan_accounts": ("Accounts in the last full scan that looked everywhere.", ()),
    "scan_users": ("Users in the last full scan that looked everywhere.", ()),
    "scan_currencies": ("Currencies in the last full scan that looked everywhere.", ()),
}

_Sample = tuple[tuple[str, ...], float]


class StandingCollector(Collector):
    """Gives the gauges of the standing that was set last, at each scrape."""

    def __init__(self, *, currencies: Iterable[str], prices_usd: Mapping[str, Decimal]) -> None:
        self.standing: Standing | None = None
        self.configure(currencies=currencies, prices_usd=prices_usd)

    def configure(self, *, currencies: Iterable[str], prices_usd: Mapping[str, Decimal]) -> None:
        """Say which currencies are labels of their own, and what they are worth."""
        self._currencies = Bounded((*currencies, *prices_usd))
        self._prices_usd = dict(prices_usd)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name what there can be, so that nothing else in the registry takes the name."""
        for name in HELP:
            yield _family(name)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give what is known now; nothing while no standing is."""
        standing = self.standing
        if standing is None:
            return
        for name, samples in self._samples(standing).items():
            family = _family(name)
            for labels, value in samples:
                family.add_metric(labels, value)
            yield family

    def _samples(self, standing: Standing) -> dict[str, list[_Sample]]:
        return {
            "integrity_failure": _single(standing.is_failure),
            "findings": self._findings(standing),
            "mismatched_users": _single(standing.mismatched_users),
            "oldest_finding_timestamp_seconds": _single(_seconds(standing.oldest_first_seen)),
            **self._amounts(standing),
            **_scans(standing),
            **_coverage(standing.coverage),
        }

    def _findings(self, standing: Standing) -> list[_Sample]:
        counts: Counter[tuple[str, ...]] = Counter()
        for (kind, currency, state), count in standing.findings.items():
            counts[kind.value, self._currencies.of(currency), state.value] += count
        combinations = product(MismatchKind, self._currencies.all, OPEN_STATES)
        each = [(kind.value, currency, state.value) for kind, currency, state in combinations]
        return [(labels, counts[labels]) for labels in each]

    def _amounts(self, standing: Standing) -> dict[str, list[_Sample]]:
        """Give the drift. Unlisted currencies have no amount: they must not be added up."""
        drift = standing.drift
        valuation = value_in_usd(drift, self._prices_usd)
        amounts: list[_Sample] = [
            ((currency,), float(drift.get(currency, 0))) for currency in self._currencies.all[:-1]
        ]
        value: list[_Sample] = []
        if valuation.total_usd is not None and not standing.unmeasured:
            value = _single(float(valuation.total_usd))
        return {
            "mismatch_amount": amounts,
            "mismatch_value_usd": value,
            "mismatch_unpriced_currencies": _single(len(valuation.unpriced)),
            "mismatch_unmeasured_findings": _single(standing.unmeasured),
        }


def _family(name: str) -> GaugeMetricFamily:
    text, labels = HELP[name]
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=labels)


def _single(value: float) -> list[_Sample]:
    return [((), value)]


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0


def _scans(standing: Standing) -> dict[str, list[_Sample]]:
    success, completion = standing.last_success, standing.last_completion
    return {
        "scan_last_success_timestamp_seconds": [
            ((mode.value,), _seconds(success.get(mode))) for mode in ScanMode
        ],
        "scan_last_completion_timestamp_seconds": [
            ((mode.value,), _seconds(completion.get(mode))) for mode in ScanMode
        ],
    }


def _coverage(coverage: Coverage | None) -> dict[str, list[_Sample]]:
    if coverage is None:
        return {}
    return {
        "scan_accounts": _single(coverage.accounts),
        "scan_users": _single(coverage.users),
        "scan_currencies": _single(coverage.currencies),
    }
