"""`RepairService`: plans, guards, has approved and applies repairs. Implements `Repairs`."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.errors import PlanNotFound, PlanStale, ReconcilerError, SelfApproval
from reconciler.model.audit import EVERYBODY, AuditEvent, AuditKind
from reconciler.model.guards import GuardFacts, first_refusal
from reconciler.model.planning import (
    Intent,
)
from reconciler.model.repair import (
    PlanState,
    RepairPlan,
    RepairResult,
    RepairSwitch,
    StepOutcome,
    TruthPolicy,
)
from reconciler.repairing.applying import Application
from reconciler.repairing.asking import RATE_TIME, Asking
from reconciler.repairing.planner import Planner, Proposing
from reconciler.repairing.refusals import (
    checked,
    refuse_other_mapping,
    refuse_unapproved,
    refuse_unusable,
    user_of,
)
from reconciler.repairing.rules import RepairOptions, RepairParts

_WAITING = {PlanState.PLANNED, PlanState.APPROVED}


class RepairService:
    """The guarded repair; safe with several daemons on one database.

    Args:
        parts: what does the work.
        options: limits and settings; they may be changed.
    """

    def __init__(self, parts: RepairParts, options: RepairOptions) -> None:
        self.options = options
        self._parts = parts
        self._asking = Asking(parts, options)
        self._planner = Planner(parts, options, self._asking)

    async def plan(
        self,
        *,
        user_id: str | None,
        currency: str | None,
        policy: TruthPolicy,
        reason: str,
        override_reason: str | None,
        actor: str,
        applies_at_once: bool = False,
    ) -> RepairPlan:
        """Plan the repair of confirmed findings, of one user or all, and store the plan.

        Postings on the accounts wait meanwhile; with `applies_at_once` they go on waiting for a
        moment, so that what is planned still holds when it is applied.

        Raises:
            RepairRefused: a guard said no, or there is no reason.
        """
        intent = Intent(policy, None if override_reason is None else checked(override_reason))
        request = Proposing(checked(reason), actor, intent, is_kept_quiet=applies_at_once)
        return await self._planner.plan(request, user_id, currency)

    async def plan_revert(self, plan_id: str, *, reason: str, actor: str) -> RepairPlan:
        """Plan what takes an applied plan back.

        Raises:
            RepairRefused, PlanNotFound. PlanStale: the plan was not applied.
        """
        why = checked(reason)
        plan = await self.show(plan_id)
        if plan.state is not PlanState.APPLIED:
            raise PlanStale(plan_id, f"it is {plan.state}, and only what was applied is taken back")
        return await self._planner.revert(plan, Proposing(why, actor, Intent(plan.policy)))

    async def show(self, plan_id: str) -> RepairPlan:
        """Give a plan as it is now.

        Raises:
            PlanNotFound. PlanStale: what is stored is not what its digest says.
        """
        plan = await self._parts.plans.find(plan_id)
        if plan is None:
            raise PlanNotFound(plan_id)
        if plan.state in _WAITING and plan.expires_at <= self._parts.now():
            return replace(plan, state=PlanState.EXPIRED)
        return plan

    async def approve(self, plan_id: str, *, digest: str, actor: str) -> RepairPlan:
        """Approve exactly this digest; never by who planned it or will apply it.

        Raises:
            PlanNotFound, PlanStale, SelfApproval.
        """
        plan = await self.show(plan_id)
        event = self._event(
            AuditKind.REPAIR_APPROVAL,
            "approved",
            actor,
            user_of(plan),
            {"plan_id": plan_id, "digest": digest, "planned_by": plan.planned_by},
        )
        audited = self._parts.audit.insertion(event)
        # The database keeps the rules: what is asked below only says why it refused.
        if not await self._parts.plans.approve(
            plan_id, digest=digest, actor=actor, audited=audited
        ):
            plan = await self.show(plan_id)
            refuse_unusable(plan, digest)
            if plan.planned_by == actor:
                raise SelfApproval(plan_id, "you planned it, and cannot approve it as well")
            raise PlanStale(plan_id, f"it is {plan.state} and waits for no approval")
        approved = await self.show(plan_id)
        self._parts.observer.approved(approved)
        return approved

    async def apply(self, plan_id: str, *, digest: str, reason: str, actor: str) -> RepairResult:
        """Carry a plan out, or go on where it was stopped; then look at the accounts again.

        Raises:
            RepairRefused, PlanNotFound, PlanStale, SelfApproval: nothing was written now.
            PostingRefused, OutcomeUnknown: it stopped halfway; applying it again goes on.
        """
        why = checked(reason)
        plan = await self.show(plan_id)
        refuse_unusable(plan, digest)
        refuse_other_mapping(plan, self._parts.rules_of)
        refuse_unapproved(plan, actor)
        await self._asking.again(plan, actor=actor)
        await self._asking.sign("before repair", actor=actor, plan_id=plan_id)
        applier = self._parts.new_id()
        if not await self._parts.plans.claim(
            plan_id,
            digest=digest,
            actor=actor,
            applier=applier,
            seconds=self.options.claim_seconds,
            begun_max=self.options.caps.plans_per_hour_max,
            since=self._parts.now() - RATE_TIME,
        ):
            plan = await self.show(plan_id)
            refuse_unusable(plan, digest)
            refuse_unapproved(plan, actor)
            await self._asking.again(plan, actor=actor)
            raise PlanStale(plan_id, "somebody else is applying it: show it in half a minute")
        application = Application(
            self._parts, self.options, self._asking, plan_id, applier, actor, why
        )
        done, is_verified = await application.carry_out()
        return await self._result(done, is_verified=is_verified)

    async def switch(self) -> RepairSwitch:
        """Say whether repairs are switched on in the database."""
        return await self._parts.switch.read()

    async def set_switch(self, *, is_on: bool, reason: str, actor: str) -> RepairSwitch:
        """Switch repairs on or off for every daemon at once; that is audited.

        Raises:
            RepairRefused: there is no reason, or the actor may not repair.
        """
        why = checked(reason)
        refusal = first_refusal(
            GuardFacts(is_in_scope=self._parts.may_repair(actor), accounts_known=0),
            self.options.caps,
        )
        if refusal is not None:
            await self._asking.refuse(refusal, actor=actor, plan_id=None)
        switch = RepairSwitch(is_on, actor, self._parts.now(), why)
        event = self._event(
            AuditKind.REPAIR_SWITCH, "on" if is_on else "off", actor, EVERYBODY, {"reason": why}
        )
        await self._parts.switch.write(switch, self._parts.audit.insertion(event))
        self._parts.observer.switched(switch)
        return await self._parts.switch.read()

    async def _result(self, plan: RepairPlan, *, is_verified: bool) -> RepairResult:
        planned = [step for step in plan.steps if step.after is not None]
        applied = bool(planned) and all(s.outcome is StepOutcome.APPLIED for s in planned)
        user = user_of(plan)
        try:
            check = await self._parts.check(None if user == EVERYBODY else user, None)
        except ReconcilerError:
            check = None  # the repair is done and verified; only this look is not to be had
        result = RepairResult(plan, applied, is_verified, check)
        self._parts.observer.finished(result)
        return result

    def _event(
        self,
        kind: AuditKind,
        outcome: str,
        actor: str,
        user: str,
        details: Mapping[str, object],
    ) -> AuditEvent:
        return AuditEvent(kind, outcome, self._parts.now(), actor, user, details)
