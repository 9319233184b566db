"""The answer of `db harden --json`, and the validators' part of that of `db status --json`."""

from reconciler.model.guarding import GuardReport, HardeningReport, ValidatorReport
from reconciler.surfaces.answers import Answer


def validator_answer(report: ValidatorReport) -> Answer:
    """Say how one collection is guarded."""
    return {
        "collection": report.collection,
        "exists": report.exists,
        "state": report.state.value,
        "level": report.level.value,
        "action": report.action,
        "guarded": report.is_guarded,
        "tampered": report.is_tampered,
        # null: it could not be counted, which is not zero.
        "nonconforming": report.nonconforming,
        "uncounted": report.uncounted,
        "found": report.found,
    }


def hardening_answer(report: HardeningReport) -> Answer:
    """Say what hardening would do, or did."""
    return {
        "status": "ready" if report.is_whole else "not_ready",
        "applied": report.applied,
        "collections": [_guard_answer(each) for each in report.guards],
        "roles": list(report.roles),
        "roles_failure": report.roles_failure,
    }


def _guard_answer(report: GuardReport) -> Answer:
    plan = report.plan
    return {
        "before": validator_answer(report.before),
        "level": plan.level.value if plan.level else None,
        "why": plan.why,
        "change": plan.is_change,
        "refused": plan.is_refused,
        "failure": report.failure,
    }
