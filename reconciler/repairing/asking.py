"""Gathers what the guards are asked about, asks them, and writes a refusal down."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from reconciler.errors import AuditTrailBroken, CheckpointFailed, ReconcilerError, RepairRefused
from reconciler.model.audit import AuditEvent, AuditKind
from reconciler.model.guards import AT_ALL, GuardFacts, first_refusal
from reconciler.model.identity import Account
from reconciler.model.planning import AccountFacts, changed_amount, repaired_within
from reconciler.model.repair import Guard, GuardRefusal, RepairPlan, RepairStep, StepOutcome
from reconciler.repairing.rules import RepairOptions, RepairParts

# Over which time plans are counted that began to be applied.
RATE_TIME = timedelta(hours=1)


def op_prefix(plan_id: str) -> str:
    """Give what the op_ids of all steps of a plan begin with."""
    return f"repair:{plan_id}:"


@dataclass(frozen=True, slots=True)
class Asking:
    """The guards of one service."""

    parts: RepairParts
    options: RepairOptions

    async def at_all(self, *, actor: str, plan_id: str | None = None) -> None:
        """Ask the guards that need to know nothing of accounts, before anybody has to wait.

        Raises:
            RepairRefused: one said no; that is on the trail.
        """
        facts = await self._first_facts(actor)
        refusal = first_refusal(facts, self.options.caps, among=AT_ALL)
        if refusal is not None:
            await self.refuse(refusal, actor=actor, plan_id=plan_id)

    async def before_a_step(self, plan: RepairPlan, *, actor: str) -> None:
        """Look at the switch once more: thrown in the middle of a plan, it stops the plan there.

        Raises:
            RepairRefused: it is off; that is on the trail.
        """
        facts = GuardFacts(is_on=(await self.parts.switch.read()).is_on)
        refusal = first_refusal(facts, self.options.caps, among=[Guard.KILL_SWITCH])
        if refusal is None:
            return
        written = sum(step.outcome is StepOutcome.APPLIED for step in plan.steps)
        told = f"{refusal.reason}. The plan stopped halfway: {written} accounts were put right"
        refusal = replace(refusal, reason=told)
        await self.write_down(refusal, actor=actor, plan_id=plan.plan_id)
        raise RepairRefused(told, refusal, is_halfway=True)

    async def about(
        self,
        steps: Sequence[RepairStep],
        *,
        actor: str,
        plan_id: str | None = None,
        unconfirmed: Sequence[Account] = (),
        flapping: Sequence[Account] = (),
    ) -> None:
        """Ask all guards about steps that are to be carried out.

        Raises:
            RepairRefused: one said no; that is on the trail.
        """
        facts = await self._gathered(steps, actor=actor, plan_id=plan_id)
        facts = replace(facts, unconfirmed=unconfirmed, repaired_before=flapping)
        refusal = first_refusal(facts, self.options.caps)
        if refusal is not None:
            await self.refuse(refusal, actor=actor, plan_id=plan_id)

    async def again(self, plan: RepairPlan, *, actor: str) -> None:
        """Ask all guards once more, about what is left of a plan that is to be applied.

        Raises:
            RepairRefused: one said no; that is on the trail.
        """
        left = [step for step in plan.steps if step.outcome is StepOutcome.PLANNED]
        facts = await self.parts.facts.accounts([step.account for step in left])
        ids = [step.finding_id for step in left if step.finding_id is not None]
        confirmed = await self.parts.facts.confirmed(ids)
        found = [step for step in left if step.finding_id is not None]
        await self.about(
            left,
            actor=actor,
            plan_id=plan.plan_id,
            unconfirmed=[step.account for step in found if step.finding_id not in confirmed],
            flapping=[
                step.account for step in found if self.is_flapping(facts[step.account], plan)
            ],
        )

    async def sign(self, why: str, *, actor: str, plan_id: str) -> None:
        """Have the trail signed outside the database, before anything is repaired.

        Raises:
            RepairRefused: it could not be.
        """
        try:
            await self.parts.audit.checkpoint(why)
        except (CheckpointFailed, AuditTrailBroken) as error:
            facts = GuardFacts(accounts_known=0, audit_problem=str(error))
            refusal = first_refusal(facts, self.options.caps)
            assert refusal is not None, "a problem of the audit trail is a refusal"
            await self.refuse(refusal, actor=actor, plan_id=plan_id)

    def is_flapping(self, facts: AccountFacts, plan: RepairPlan | None = None) -> bool:
        """Whether an account was repaired not long ago, by another plan than this one."""
        since = self.parts.now() - timedelta(days=self.options.flapping_days)
        own = None if plan is None else op_prefix(plan.plan_id)
        return repaired_within(facts.journal, since, but_by=own) is not None

    async def refuse(self, refusal: GuardRefusal, *, actor: str, plan_id: str | None) -> None:
        """Write a refusal down, and raise it.

        Raises:
            RepairRefused: always.
        """
        await self.write_down(refusal, actor=actor, plan_id=plan_id)
        raise RepairRefused(refusal.reason, refusal)

    async def write_down(self, refusal: GuardRefusal, *, actor: str, plan_id: str | None) -> None:
        """Tell of a refusal, and put it on the trail."""
        self.parts.observer.refused(refusal, actor=actor, plan_id=plan_id)
        event = AuditEvent(
            AuditKind.REPAIR_REFUSAL,
            refusal.guard.value,
            self.parts.now(),
            actor,
            details={"plan_id": plan_id, "reason": refusal.reason},
        )
        try:
            await self.parts.audit.append(event)
        except ReconcilerError:
            if refusal.guard is not Guard.AUDIT:
                raise

    async def _first_facts(self, actor: str) -> GuardFacts:
        return GuardFacts(
            is_in_scope=self.parts.may_repair(actor),
            is_on=(await self.parts.switch.read()).is_on,
            freeze_problem=self.parts.freeze_problem(),
            server_problem=await self.parts.facts.server_problem(),
        )

    async def _gathered(
        self, steps: Sequence[RepairStep], *, actor: str, plan_id: str | None
    ) -> GuardFacts:
        parts = self.parts
        first = await self._first_facts(actor)
        source = await parts.facts.source()
        repaired = [step for step in steps if step.after is not None]
        return replace(
            first,
            changes={
                step.account: changed_amount(step, parts.rules_of(step.account))
                for step in repaired
            },
            rises={step.account: step.owed_change for step in repaired if step.owed_change > 0},
            prices_usd=self.options.prices_usd,
            plans_last_hour=await parts.plans.begun_since(parts.now() - RATE_TIME, but=plan_id),
            accounts_known=source.accounts_known,
            users_known=source.users_known,
            source_documents=source.documents,
        )
