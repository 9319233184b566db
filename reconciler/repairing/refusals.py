"""Whether a plan can be used at all, by whom, and what the trail keeps of it."""

from collections.abc import Callable, Mapping

from reconciler.errors import InvalidPosting, PlanStale, RepairRefused, SelfApproval
from reconciler.model.amounts import plain
from reconciler.model.audit import EVERYBODY
from reconciler.model.change import Rules
from reconciler.model.identity import Account, checked_reason
from reconciler.model.repair import PlanState, RepairPlan


def checked(reason: str) -> str:
    """Give the reason back, or refuse it.

    Raises:
        RepairRefused: it is blank, too long, or no text.
    """
    try:
        return checked_reason(reason)
    except InvalidPosting as error:
        raise RepairRefused(f"a repair needs a reason: {error}") from error


def refuse_unusable(plan: RepairPlan, digest: str) -> None:
    """Refuse a plan that is another one, too old or used.

    Raises:
        PlanStale: it says which.
    """
    if plan.digest != digest:
        raise PlanStale(plan.plan_id, "its digest is another one: show it, and use what is shown")
    if plan.state is PlanState.EXPIRED:
        raise PlanStale(plan.plan_id, f"it expired at {plan.expires_at.isoformat()}: plan again")
    if plan.state is PlanState.APPLIED:
        raise PlanStale(plan.plan_id, "it was applied already, and a plan is used once")


def refuse_other_mapping(plan: RepairPlan, rules_of: Callable[[Account], Rules]) -> None:
    """Refuse a plan that was made by another collection mapping: it would write what nobody saw.

    Raises:
        PlanStale.
    """
    if any(rules_of(each.account).mappings.fingerprint != plan.mapping for each in plan.steps):
        raise PlanStale(plan.plan_id, "the collections are mapped in another way since: plan again")


def refuse_unapproved(plan: RepairPlan, actor: str) -> None:
    """Refuse a plan that nobody approved, or that its approver would apply.

    Raises:
        RepairRefused, SelfApproval.
    """
    if plan.needs_approval and plan.approved_by is None:
        raise RepairRefused(
            f"plan {plan.plan_id!r} needs the approval of somebody other than {plan.planned_by}: "
            f"`reconciler repair approve {plan.plan_id} --digest {plan.digest}`"
        )
    if plan.approved_by == actor:
        raise SelfApproval(plan.plan_id, "you approved it, and cannot apply it as well")


def user_of(plan: RepairPlan) -> str:
    """Name the one user that a plan is about, or everybody."""
    users = {step.account.user_id.text for step in plan.steps}
    return users.pop() if len(users) == 1 else EVERYBODY


def summary_of(plan: RepairPlan) -> Mapping[str, object]:
    """Give what the audit trail keeps of a new plan."""
    return {
        "plan_id": plan.plan_id,
        "digest": plan.digest,
        "policy": plan.policy.value,
        "reason": plan.reason,
        "override_reason": plan.override_reason,
        "accounts": sum(step.after is not None for step in plan.steps),
        "refused": sum(step.after is None for step in plan.steps),
        "owed_change": {name: plain(change) for name, change in plan.owed_change.items()},
        "value_usd": plan.value_usd,
        "needs_approval": plan.needs_approval,
        "expires_at": plan.expires_at,
        "reverts": plan.reverts,
    }
