"""Counts what became of repairs, and says whether there can be any and what waits.

A repair is one plan that somebody asked to see or to carry out, and is counted by what became of
all of it. What is not known of the switch is never 0 or 1: the gauges are absent until it is.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from reconciler.model.repair import (
    Guard,
    GuardRefusal,
    RepairPlan,
    RepairResult,
    RepairStep,
    RepairSwitch,
    StepOutcome,
)
from reconciler.surfaces.metrics.labels import PREFIX
from reconciler.surfaces.repair_watching import RepairStanding

APPLIED, DRY_RUN, STALE, REFUSED, FAILED, VERIFY_FAILED = OUTCOMES = (
    "applied",
    "dry_run",
    "stale",
    "refused",
    "failed",
    "verify_failed",
)
_ENABLED = f"{PREFIX}_repair_enabled"
_VERIFY_FAILURE = f"{PREFIX}_repair_last_verify_failure_timestamp_seconds"
_AWAITING = f"{PREFIX}_repairs_awaiting_approval"


class RepairMetrics:
    """Observes the repair."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._repairs = Counter(
            f"{PREFIX}_repairs_total",
            "Repairs that were asked for, by what became of them; stale: an account had changed.",
            ["outcome"],
            registry=registry,
        )
        self._refusals = Counter(
            f"{PREFIX}_repair_refusals_total",
            "Times a guard said no to a repair, by guard.",
            ["guard"],
            registry=registry,
        )
        self._standing = _StandingCollector()
        registry.register(self._standing)
        for outcome in OUTCOMES:
            self._repairs.labels(outcome)
        for guard in Guard:
            self._refusals.labels(guard.value)

    def planned(self, plan: RepairPlan) -> None:
        """Do nothing: what becomes of the plan is counted."""

    def shown(self, plan: RepairPlan) -> None:
        """Count a plan that was made to be seen only."""
        self._repairs.labels(DRY_RUN).inc()

    def refused(self, refusal: GuardRefusal, *, actor: str, plan_id: str | None) -> None:
        """Count a repair that was refused, and by which guard."""
        self._repairs.labels(REFUSED).inc()
        self._refusals.labels(refusal.guard.value).inc()

    def approved(self, plan: RepairPlan) -> None:
        """Do nothing: the gauge of what waits tells it."""

    def step_done(self, plan: RepairPlan, step: RepairStep) -> None:
        """Do nothing: the whole plan is counted."""

    def finished(self, result: RepairResult) -> None:
        """Count a plan that was carried out, by the worst that became of it."""
        outcomes = {step.outcome for step in result.plan.steps}
        outcome = STALE if StepOutcome.STALE in outcomes else APPLIED
        self._repairs.labels(outcome if result.is_verified else VERIFY_FAILED).inc()

    def failed(self, plan_id: str, *, actor: str, error: Exception) -> None:
        """Count a plan that ended by an error."""
        self._repairs.labels(FAILED).inc()

    def switched(self, switch: RepairSwitch) -> None:
        """Do nothing: the gauge is read from the database."""

    def checkpoint_failed(self, reason: str, *, plan_id: str) -> None:
        """Do nothing: the audit trail counts it."""

    def standing_known(self, standing: RepairStanding | None) -> None:
        """Say whether repairs are possible and what waits; None where that is not known."""
        self._standing.standing = standing


class _StandingCollector(Collector):
    """Gives the gauges of what is known now, at each scrape."""

    def __init__(self) -> None:
        self.standing: RepairStanding | None = None

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name what there can be."""
        yield _enabled()
        yield _awaiting()
        yield _verify_failure()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give what is known; nothing while nothing is."""
        if self.standing is None:
            return
        enabled, awaiting = _enabled(), _awaiting()
        enabled.add_metric([], float(self.standing.is_enabled))
        awaiting.add_metric([], self.standing.awaiting_approval)
        yield enabled
        yield awaiting
        failure, at = _verify_failure(), self.standing.last_verify_failure
        failure.add_metric([], at.timestamp() if at else 0)
        yield failure


def _enabled() -> GaugeMetricFamily:
    return GaugeMetricFamily(_ENABLED, "1 if repairs are switched on, 0 if the kill switch is on.")


def _awaiting() -> GaugeMetricFamily:
    return GaugeMetricFamily(_AWAITING, "Plans that wait for the approval of a second person.")


def _verify_failure() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        _VERIFY_FAILURE,
        "When a repair, by whichever process, last did not bring health; or 0.",
    )
