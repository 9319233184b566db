"""`RepairService`: plans, guards, has approved and applies repairs. Implements `Repairs`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.errors import PlanNotFound, PlanStale, ReconcilerError, SelfApproval
from reconciler.model.audit import EVERYBODY, AuditEvent, AuditKind
from reconciler.model.finding import Finding, FindingState
from reconciler.model.guards import GuardFacts, first_refusal
from reconciler.model.identity import Account
from reconciler.model.plan_form import sealed
from reconciler.model.planning import (
    AccountFacts,
    Intent,
    changes_by_currency,
    needs_approval,
    owed_by_currency,
    plan_revert_step,
    plan_step,
    value_of_changes,
)
from reconciler.model.repair import (
    Guard,
    GuardRefusal,
    PlanState,
    RepairPlan,
    RepairResult,
    RepairStep,
    RepairSwitch,
    StepOutcome,
    TruthPolicy,
)
from reconciler.repairing.applying import Application, user_of
from reconciler.repairing.asking import Asking
from reconciler.repairing.refusals import (
    checked,
    refuse_unapproved,
    refuse_unusable,
    summary_of,
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
        self._parts = parts
        self._options = options
        self._asking = Asking(parts, options)

    async def plan(
        self,
        *,
        user_id: str | None,
        currency: str | None,
        policy: TruthPolicy,
        reason: str,
        override_reason: str | None,
        actor: str,
    ) -> RepairPlan:
        """Plan the repair of confirmed findings, of one user or all, and store the plan.

        Raises:
            RepairRefused: a guard said no, or there is no reason.
        """
        why = checked(reason)
        override = None if override_reason is None else checked(override_reason)
        limit = self._options.caps.accounts_max + 1
        found = await self._parts.facts.open_findings(user_id, currency, limit=limit)
        findings = {each.account: each for each in found if _is_confirmed(each)}
        suspects = [each.account for each in found if not _is_confirmed(each)]
        accounts = list(findings)
        await self._quiet(accounts)
        facts = await self._parts.facts.accounts(accounts)
        steps = self._steps(facts, findings, Intent(policy, override))
        steps, flapping = self._without_flapping(steps, facts, actor)
        await self._asking.about(
            steps,
            actor=actor,
            unconfirmed=() if findings else suspects,
            flapping=flapping,
        )
        return await self._stored(steps, policy, why, actor, override_reason=override)

    async def plan_revert(self, plan_id: str, *, reason: str, actor: str) -> RepairPlan:
        """Plan what takes an applied plan back.

        Raises:
            RepairRefused, PlanNotFound. PlanStale: the plan was not applied.
        """
        why = checked(reason)
        plan = await self.show(plan_id)
        if plan.state is not PlanState.APPLIED:
            raise PlanStale(plan_id, f"it is {plan.state}, and only what was applied is taken back")
        applied = {step.account: step for step in plan.steps if step.outcome is StepOutcome.APPLIED}
        await self._quiet(list(applied))
        facts = await self._parts.facts.accounts(list(applied))
        intent = Intent(plan.policy)
        steps = [
            plan_revert_step(step, facts[account], intent, self._parts.rules_of(account))
            for account, step in applied.items()
        ]
        await self._asking.about(steps, actor=actor)
        return await self._stored(steps, plan.policy, why, actor, reverts=plan_id)

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
        refuse_unapproved(plan, actor)
        await self._asking.again(plan, actor=actor)
        await self._asking.sign("before repair", actor=actor, plan_id=plan_id)
        applier = self._parts.new_id()
        if not await self._parts.plans.claim(
            plan_id,
            digest=digest,
            actor=actor,
            applier=applier,
            seconds=self._options.claim_seconds,
        ):
            plan = await self.show(plan_id)
            refuse_unusable(plan, digest)
            refuse_unapproved(plan, actor)
            raise PlanStale(plan_id, "somebody else is applying it: show it in half a minute")
        application = Application(self._parts, self._options, plan_id, applier, actor, why)
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
            self._options.caps,
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

    async def _quiet(self, accounts: Sequence[Account]) -> None:
        """Keep postings off the accounts, so that what is planned still holds when it is applied.

        The pauses end by themselves, or with the steps of the plan.
        """
        if accounts:
            await self._parts.pauses.begin(accounts, seconds=self._options.pause_seconds)
            # Postings that began before do not see the pause: let them end.
            await self._parts.sleep(self._options.settle_seconds)

    def _steps(
        self,
        facts: Mapping[Account, AccountFacts],
        findings: Mapping[Account, Finding],
        intent: Intent,
    ) -> list[RepairStep]:
        steps = [
            plan_step(
                facts[account],
                intent,
                self._parts.rules_of(account),
                finding_id=finding.finding_id,
            )
            for account, finding in findings.items()
        ]
        return [step for step in steps if step is not None]

    def _without_flapping(
        self, steps: list[RepairStep], facts: Mapping[Account, AccountFacts], actor: str
    ) -> tuple[list[RepairStep], Sequence[Account]]:
        """Refuse the steps of accounts that drifted again, or all if there are no others."""
        planned = [step.account for step in steps if step.after is not None]
        flapping = [each for each in planned if self._asking.is_flapping(facts[each])]
        if len(flapping) == len(planned):
            return steps, flapping
        kept = []
        for step in steps:
            if step.account in flapping:
                refusal = f"{_FLAPPED}: find the code that writes past the library first"
                told = GuardRefusal(Guard.FLAPPING, f"{step.account}: {refusal}")
                self._parts.observer.refused(told, actor=actor, plan_id=None)
                step = replace(step, after=None, outcome=StepOutcome.REFUSED, refusal=refusal)
            kept.append(step)
        return kept, ()

    async def _stored(
        self,
        steps: Sequence[RepairStep],
        policy: TruthPolicy,
        reason: str,
        actor: str,
        *,
        override_reason: str | None = None,
        reverts: str | None = None,
    ) -> RepairPlan:
        options = self._options
        rules = {step.account: self._parts.rules_of(step.account) for step in steps}
        value = value_of_changes(changes_by_currency(steps, rules), options.prices_usd)
        threshold = options.approval_threshold_usd
        planned_at = _milliseconds(self._parts.now())
        plan = sealed(
            RepairPlan(
                plan_id=self._parts.new_id(),
                digest="",
                policy=policy,
                reason=reason,
                override_reason=override_reason,
                planned_by=actor,
                planned_at=planned_at,
                expires_at=_milliseconds(planned_at + timedelta(seconds=options.plan_ttl_seconds)),
                steps=tuple(steps),
                owed_change=owed_by_currency(steps),
                value_usd=value.total_usd,
                needs_approval=needs_approval(value, threshold_usd=threshold, steps=steps),
                state=PlanState.PLANNED,
                reverts=reverts,
            )
        )
        event = self._event(
            AuditKind.REPAIR_PLAN, "planned", actor, user_of(plan), summary_of(plan)
        )
        await self._parts.plans.add(plan, self._parts.audit.insertion(event))
        self._parts.observer.planned(plan)
        if plan.needs_approval:
            # Nobody waits for a second person.
            await self._parts.pauses.end([step.account for step in steps])
        return plan

    async def _result(self, plan: RepairPlan, *, is_verified: bool) -> RepairResult:
        planned = [step for step in plan.steps if step.after is not None]
        applied = all(step.outcome is StepOutcome.APPLIED for step in planned)
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


_FLAPPED = "the account was repaired before and drifted again"


def _is_confirmed(finding: Finding) -> bool:
    return finding.state is FindingState.CONFIRMED


def _milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
