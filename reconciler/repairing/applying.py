"""Carries a plan out, one small transaction for each account, so that it can stop anywhere."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.errors import (
    AccountPaused,
    DeadlineExceeded,
    OutcomeUnknown,
    PlanNotFound,
    PlanStale,
    PostingFailed,
    PostingRefused,
    ReconcilerError,
    StaleBefore,
)
from reconciler.model.amounts import plain
from reconciler.model.audit import EVERYBODY, AuditEvent, AuditKind
from reconciler.model.comparison import compare
from reconciler.model.identity import Account
from reconciler.model.repair import (
    VERIFICATION_OF,
    RepairPlan,
    RepairStep,
    RepairSwitch,
    StepOutcome,
)
from reconciler.repairing.asking import Asking, op_prefix
from reconciler.repairing.ports import Insertion
from reconciler.repairing.refusals import user_of
from reconciler.repairing.rules import RepairOptions, RepairParts
from reconciler.repairing.stores import Within

# A step whose commit was not answered is asked for again: under its op_id it is applied once.
_ATTEMPTS_MAX = 3
# What refuses a posting now and may not refuse it the next time: the plan stops there.
_MAY_PASS = (AccountPaused, DeadlineExceeded, PostingFailed)


@dataclass(frozen=True, slots=True)
class Application:
    """One application of one plan, by somebody who holds the claim."""

    parts: RepairParts
    options: RepairOptions
    asking: Asking
    plan_id: str
    applier: str
    actor: str
    reason: str

    async def carry_out(self) -> tuple[RepairPlan, bool]:
        """Do what is left of the plan, and look at it; give the plan, and whether all is well.

        Raises:
            PlanStale: somebody else goes on with it.
            RepairRefused: repairs were switched off in the middle of it.
            PostingRefused, OutcomeUnknown: it stopped; applying it again goes on from there.
        """
        plan = await self._plan()
        for number, step in enumerate(plan.steps):
            if step.outcome is StepOutcome.PLANNED:
                await self._paused_step(number, step)
        plan = await self._plan()
        wrong = await self._still_wrong(plan)
        if wrong:
            await self._switch_off(plan, wrong)
        await self._finish(plan, wrong)
        return await self._plan(), not wrong

    async def _paused_step(self, number: int, step: RepairStep) -> None:
        plan = await self._plan()
        await self.asking.before_a_step(plan, actor=self.actor)
        await self.parts.pauses.begin([step.account], seconds=self.options.pause_seconds)
        await self._step(plan, number, step)
        await self.parts.pauses.end([step.account])
        done = (await self._plan()).steps[number]
        self.parts.observer.step_done(plan, done)

    async def _step(self, plan: RepairPlan, number: int, step: RepairStep) -> None:
        assert step.after is not None, "a planned step has a balance"
        audited = self._audited(plan, number, step, StepOutcome.APPLIED)
        for attempt in range(1, _ATTEMPTS_MAX + 1):
            try:
                await self.parts.sync.replace(
                    step.before,
                    step.after,
                    reason=f"repair {plan.plan_id}: {plan.reason}"[:1000],
                    op_id=f"{op_prefix(plan.plan_id)}{number}",
                    within=self._outcome(number, StepOutcome.APPLIED, audited),
                )
                return
            except StaleBefore:
                audited = self._audited(plan, number, step, StepOutcome.STALE)
                await self.parts.plans.record(self._outcome(number, StepOutcome.STALE, audited))
                return
            except OutcomeUnknown:
                if attempt == _ATTEMPTS_MAX:
                    raise
            except _MAY_PASS:
                raise
            except PostingRefused as error:
                # It would be refused whenever it is tried, and the other accounts must not wait.
                audited = self._audited(plan, number, step, StepOutcome.REFUSED, str(error))
                await self.parts.plans.record(self._outcome(number, StepOutcome.REFUSED, audited))
                return

    def _outcome(self, number: int, outcome: StepOutcome, audited: Insertion) -> Within:
        return self.parts.plans.outcome(
            self.plan_id,
            number,
            outcome,
            applier=self.applier,
            seconds=self.options.claim_seconds,
            audited=audited,
        )

    def _audited(
        self,
        plan: RepairPlan,
        number: int,
        step: RepairStep,
        outcome: StepOutcome,
        problem: str | None = None,
    ) -> Insertion:
        assert step.after is not None, "a planned step has a balance"
        details = {
            "plan_id": plan.plan_id,
            "digest": plan.digest,
            "step": number,
            "currency": step.account.currency.text,
            "before": {
                name: [
                    {"available": copy.available.text, "locked": copy.locked.text}
                    for copy in copies
                ]
                for name, copies in step.before.copies.items()
            },
            "after": {
                "available": plain(step.after.available),
                "locked": plain(step.after.locked),
            },
            "policy": step.policy.value,
            "owed_change": plain(step.owed_change),
            "approved_by": plan.approved_by,
            "reason": self.reason,
            "problem": problem,
        }
        return self.parts.audit.insertion(
            self._event(AuditKind.REPAIR_STEP, outcome.value, step.account.user_id.text, details)
        )

    async def _still_wrong(self, plan: RepairPlan) -> list[Account]:
        """Look at what was repaired in a new snapshot; no limit cuts this."""
        applied = [s.account for s in plan.steps if s.outcome is StepOutcome.APPLIED]
        facts = await self.parts.facts.accounts(applied)
        wrong = []
        for account in applied:
            rules = self.parts.rules_of(account)
            view = facts[account].view
            if compare(view, rules.mappings, double_tolerance=rules.double_tolerance):
                wrong.append(account)
        return wrong

    async def _switch_off(self, plan: RepairPlan, wrong: list[Account]) -> None:
        why = f"{VERIFICATION_OF} {plan.plan_id} failed for {wrong[0]}"
        switch = RepairSwitch(
            is_on=False, changed_by=self.actor, changed_at=self.parts.now(), reason=why
        )
        details = {"plan_id": plan.plan_id, "reason": why}
        event = self._event(AuditKind.REPAIR_SWITCH, "off", EVERYBODY, details)
        await self.parts.switch.write(switch, self.parts.audit.insertion(event))
        self.parts.observer.switched(switch)

    async def _finish(self, plan: RepairPlan, wrong: list[Account]) -> None:
        outcomes = [step.outcome for step in plan.steps]
        details = {
            "plan_id": plan.plan_id,
            "digest": plan.digest,
            **{outcome.value: outcomes.count(outcome) for outcome in StepOutcome},
            "wrong": [str(account) for account in wrong],
        }
        outcome = "verify_failed" if wrong else "verified"
        event = self._event(AuditKind.REPAIR_VERIFICATION, outcome, user_of(plan), details)
        audited = self.parts.audit.insertion(event)
        if not await self.parts.plans.finish(self.plan_id, applier=self.applier, audited=audited):
            raise PlanStale(self.plan_id, "somebody else went on with it")
        try:
            await self.parts.audit.checkpoint("after repair")
        except ReconcilerError as error:
            # The repair is done and on the trail; without a checkpoint the next one is refused.
            self.parts.observer.checkpoint_failed(str(error), plan_id=self.plan_id)

    async def _plan(self) -> RepairPlan:
        plan = await self.parts.plans.find(self.plan_id)
        if plan is None:
            raise PlanNotFound(self.plan_id)
        return plan

    def _event(
        self, kind: AuditKind, outcome: str, user: str, details: Mapping[str, object]
    ) -> AuditEvent:
        return AuditEvent(kind, outcome, self.parts.now(), self.actor, user, details)
