"""The answers of repairs, for the HTTP API and for `--json`: plans, their steps, the switch."""

from reconciler.model.copies import Balance, BalanceView
from reconciler.model.mapping import Mappings
from reconciler.model.repair import (
    PlanState,
    RepairPlan,
    RepairStep,
    RepairSwitch,
    StepOutcome,
)
from reconciler.surfaces.answers import Answer, identity_answer, timestamp
from reconciler.surfaces.json_text import number

_WITHOUT_EFFECT = frozenset({StepOutcome.REFUSED, StepOutcome.STALE})


def plan_answer(plan: RepairPlan, mappings: Mappings) -> Answer:
    """Show a plan: what it would write, who made, approved and applied it, and its digest."""
    return {
        "plan_id": plan.plan_id,
        "digest": plan.digest,
        "state": plan.state.value,
        "policy": plan.policy.value,
        "reason": plan.reason,
        "override_reason": plan.override_reason,
        "reverts": plan.reverts,
        "needs_approval": plan.needs_approval,
        "value_usd": number(plan.value_usd),
        "owed_change": {name: number(change) for name, change in plan.owed_change.items()},
        "planned_by": plan.planned_by,
        "planned_at": timestamp(plan.planned_at),
        "expires_at": timestamp(plan.expires_at),
        "approved_by": plan.approved_by,
        "approved_at": plan.approved_at and timestamp(plan.approved_at),
        "applied_by": plan.applied_by,
        "steps": [step_answer(step, mappings) for step in plan.steps],
    }


def step_answer(step: RepairStep, mappings: Mappings) -> Answer:
    """Show what is planned for an account, or became of it: available amounts before and after.

    `after` is null where nothing is written: the step was refused, or it is stale.
    """
    after = None if step.outcome in _WITHOUT_EFFECT else step.after
    answer = identity_answer(step.account) | {
        "outcome": step.outcome.value,
        "before": available_before(step.before, mappings),
        "after": after and {name: number(after.available) for name in mappings.names},
        "locked_after": number(after.locked) if after else None,
        "policy": step.policy.value,
        "alternatives": {
            policy.value: _balance(balance) for policy, balance in step.alternatives.items()
        },
        "owed_change": number(step.owed_change),
        "finding_id": step.finding_id,
        "audit_sequence": step.audit_sequence,
    }
    return answer | ({"reason": step.refusal} if step.refusal is not None else {})


def available_before(view: BalanceView, mappings: Mappings) -> Answer:
    """Give the available amount of each copy; null where it is missing, doubled or no number."""
    amounts: Answer = {}
    for name in mappings.names:
        copy = view.copy_in(name)
        amounts[name] = number(None if copy is None or copy.is_malformed else copy.available_amount)
    return amounts


def switch_answer(switch: RepairSwitch) -> Answer:
    """Show the switch in the database."""
    return {
        "enabled": switch.is_on,
        "changed_by": switch.changed_by,
        "changed_at": switch.changed_at and timestamp(switch.changed_at),
        "reason": switch.reason,
    }


def waits_for_approval(plan: RepairPlan) -> bool:
    """Whether somebody else has to approve a plan before it can be applied."""
    return plan.needs_approval and plan.state is PlanState.PLANNED


def outcome_count(plan: RepairPlan, outcome: StepOutcome) -> int:
    """Count the accounts of a plan that had an outcome."""
    return sum(step.outcome is outcome for step in plan.steps)


def _balance(balance: Balance | None) -> Answer | None:
    if balance is None:
        return None
    return {"available": number(balance.available), "locked": number(balance.locked)}
