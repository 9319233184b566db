"""What is logged of repairs, and in which words."""

from collections.abc import Mapping

from reconciler.model.amounts import plain
from reconciler.model.copies import Balance
from reconciler.model.mapping import Mappings
from reconciler.model.repair import (
    GuardRefusal,
    RepairPlan,
    RepairResult,
    RepairStep,
    RepairSwitch,
    StepOutcome,
)
from reconciler.surfaces.answers import timestamp
from reconciler.surfaces.logs import Logs


class RepairLog:
    """Logs what becomes of repairs: a line for each plan, and for each account of it.

    A plan has a bounded number of accounts: `repair.accounts_max`.
    """

    def __init__(self, logs: Logs, *, mappings: Mappings) -> None:
        self._logs = logs
        self._mappings = mappings

    def planned(self, plan: RepairPlan) -> None:
        """A plan was made and stored."""
        self._logs.with_fields(
            **_plan(plan),
            reason=plan.reason,
            override_reason=plan.override_reason,
            reverts=plan.reverts,
            needs_approval=plan.needs_approval,
            value_usd=None if plan.value_usd is None else plain(plan.value_usd),
            owed_change={name: plain(change) for name, change in plan.owed_change.items()},
            expires_at=timestamp(plan.expires_at),
        ).info("repair_planned")

    def shown(self, plan: RepairPlan) -> None:
        """A plan was made to be seen only."""
        self._logs.info("repair_shown", plan_id=plan.plan_id, actor=plan.planned_by)

    def refused(self, refusal: GuardRefusal, *, actor: str, plan_id: str | None) -> None:
        """A guard said no."""
        self._logs.warning(
            "repair_refused",
            guard=refusal.guard.value,
            reason=refusal.reason,
            plan_id=plan_id,
            actor=actor,
        )

    def approved(self, plan: RepairPlan) -> None:
        """A second person agreed."""
        self._logs.info(
            "repair_approved", plan_id=plan.plan_id, digest=plan.digest, approver=plan.approved_by
        )

    def step_done(self, plan: RepairPlan, step: RepairStep) -> None:
        """A step was applied or found stale."""
        is_applied = step.outcome is StepOutcome.APPLIED
        logs = self._logs.with_fields(
            plan_id=plan.plan_id,
            user_id=step.account.user_id.text,
            user_id_type=step.account.user_id.bson_type,
            currency=step.account.currency.text,
            before=self._before(step),
            actor=plan.applied_by,
            approver=plan.approved_by,
            audit_sequence=step.audit_sequence,
        )
        if is_applied:
            logs.with_fields(after=_balance(step.after)).info("repair_applied")
        else:
            logs.warning("repair_stale")

    def finished(self, result: RepairResult) -> None:
        """A plan was carried out and looked at again."""
        check = result.check
        logs = self._logs.with_fields(
            **_plan(result.plan),
            actor=result.plan.applied_by,
            approver=result.plan.approved_by,
            check=check.verdict.value if check else None,
            scan_id=check.scan_id if check else None,
        )
        if result.is_verified:
            logs.info("repair_finished")
        else:
            logs.error("repair_verify_failed")

    def failed(self, plan_id: str, *, actor: str, error: Exception) -> None:
        """Carrying a plan out ended by an error."""
        self._logs.error("repair_failed", error=error, plan_id=plan_id, actor=actor)

    def switched(self, switch: RepairSwitch) -> None:
        """Repairs were switched on or off."""
        self._logs.warning(
            "repair_switched", is_on=switch.is_on, actor=switch.changed_by, reason=switch.reason
        )

    def checkpoint_failed(self, reason: str, *, plan_id: str) -> None:
        """After a repair the trail could not be signed."""
        self._logs.error("repair_checkpoint_failed", plan_id=plan_id, reason=reason)

    def standing_known(self, standing: object) -> None:
        """Do nothing: each change of the switch has a line of its own."""

    def _before(self, step: RepairStep) -> Mapping[str, object]:
        found: dict[str, object] = {}
        for name in self._mappings.names:
            copy = step.before.copy_in(name)
            found[name] = copy and {"available": copy.available.text, "locked": copy.locked.text}
        return found


def _plan(plan: RepairPlan) -> Mapping[str, object]:
    counts = {each.value: 0 for each in StepOutcome}
    for step in plan.steps:
        counts[step.outcome.value] += 1
    return {
        "plan_id": plan.plan_id,
        "digest": plan.digest,
        "policy": plan.policy.value,
        "planned_by": plan.planned_by,
        "accounts": counts,
    }


def _balance(balance: Balance | None) -> Mapping[str, str] | None:
    if balance is None:
        return None
    return {"available": plain(balance.available), "locked": plain(balance.locked)}
