"""Makes plans: reads the accounts while postings on them wait, decides, asks the guards, stores."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.errors import ReconcilerError
from reconciler.model.audit import AuditEvent, AuditKind
from reconciler.model.finding import Finding, FindingState
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
    RepairStep,
    StepOutcome,
)
from reconciler.repairing.asking import Asking
from reconciler.repairing.refusals import summary_of, user_of
from reconciler.repairing.rules import RepairOptions, RepairParts


@dataclass(frozen=True, slots=True)
class Proposing:
    """Why a plan is made, by whom and what for; `is_kept_quiet` if it is applied at once."""

    reason: str
    actor: str
    intent: Intent
    is_kept_quiet: bool = False


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes the plans of one service."""

    parts: RepairParts
    options: RepairOptions
    asking: Asking

    async def plan(
        self, request: Proposing, user_id: str | None, currency: str | None
    ) -> RepairPlan:
        """Plan the repair of confirmed findings, of one user or all, and store the plan.

        Raises:
            RepairRefused: a guard said no.
        """
        await self.asking.at_all(actor=request.actor)
        limit = self.options.caps.accounts_max + 1
        found = await self.parts.facts.open_findings(user_id, currency, limit=limit)
        findings = {each.account: each for each in found if _is_confirmed(each)}
        suspects = [each.account for each in found if not _is_confirmed(each)]
        async with self._quiet(list(findings), is_kept=request.is_kept_quiet):
            facts = await self.parts.facts.accounts(list(findings))
            steps = self._steps(facts, findings, request.intent)
            steps, flapping = await self._without_flapping(steps, facts, request.actor)
            await self.asking.about(
                steps,
                actor=request.actor,
                unconfirmed=() if findings else suspects,
                flapping=flapping,
            )
            return await self._stored(steps, request)

    async def revert(self, plan: RepairPlan, request: Proposing) -> RepairPlan:
        """Plan what takes an applied plan back.

        Raises:
            RepairRefused: a guard said no.
        """
        applied = {step.account: step for step in plan.steps if step.outcome is StepOutcome.APPLIED}
        await self.asking.at_all(actor=request.actor)
        async with self._quiet(list(applied)):
            facts = await self.parts.facts.accounts(list(applied))
            steps = [
                plan_revert_step(step, facts[account], request.intent, self.parts.rules_of(account))
                for account, step in applied.items()
            ]
            await self.asking.about(steps, actor=request.actor)
            return await self._stored(steps, request, reverts=plan.plan_id)

    @contextlib.asynccontextmanager
    async def _quiet(
        self, accounts: Sequence[Account], *, is_kept: bool = False
    ) -> AsyncIterator[None]:
        """Keep postings off the accounts; what is kept ends by itself, or with the plan's steps."""
        pauses = self.parts.pauses
        if accounts:
            await pauses.begin(accounts, seconds=self.options.pause_seconds)
            # Postings that began before do not see the pause: let them end.
            await self.parts.sleep(self.options.settle_seconds)
        try:
            yield
        except ReconcilerError:
            # What is told is why nothing was planned; that the pauses end by themselves is true.
            with contextlib.suppress(ReconcilerError):
                await pauses.end(accounts)
            raise
        if not is_kept:
            await pauses.end(accounts)

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
                self.parts.rules_of(account),
                finding_id=finding.finding_id,
            )
            for account, finding in findings.items()
        ]
        return [step for step in steps if step is not None]

    async def _without_flapping(
        self, steps: list[RepairStep], facts: Mapping[Account, AccountFacts], actor: str
    ) -> tuple[list[RepairStep], Sequence[Account]]:
        """Refuse the steps of accounts that drifted again, or all if there are no others."""
        planned = [step.account for step in steps if step.after is not None]
        flapping = [each for each in planned if self.asking.is_flapping(facts[each])]
        if len(flapping) == len(planned):
            return steps, flapping
        kept = []
        for step in steps:
            if step.account in flapping:
                refusal = f"{_FLAPPED}: find the code that writes past the library first"
                told = GuardRefusal(Guard.FLAPPING, f"{step.account}: {refusal}")
                await self.asking.write_down(told, actor=actor, plan_id=None)
                step = replace(step, after=None, outcome=StepOutcome.REFUSED, refusal=refusal)
            kept.append(step)
        return kept, ()

    async def _stored(
        self,
        steps: Sequence[RepairStep],
        request: Proposing,
        *,
        reverts: str | None = None,
    ) -> RepairPlan:
        options = self.options
        rules = {step.account: self.parts.rules_of(step.account) for step in steps}
        value = value_of_changes(changes_by_currency(steps, rules), options.prices_usd)
        threshold = options.approval_threshold_usd
        planned_at = _milliseconds(self.parts.now())
        plan = sealed(
            RepairPlan(
                plan_id=self.parts.new_id(),
                digest="",
                policy=request.intent.policy,
                reason=request.reason,
                override_reason=request.intent.override_reason,
                planned_by=request.actor,
                planned_at=planned_at,
                expires_at=_milliseconds(planned_at + timedelta(seconds=options.plan_ttl_seconds)),
                steps=tuple(steps),
                owed_change=owed_by_currency(steps),
                value_usd=value.total_usd,
                needs_approval=needs_approval(value, threshold_usd=threshold, steps=steps),
                state=PlanState.PLANNED,
                reverts=reverts,
                mapping=next((each.mappings.fingerprint for each in rules.values()), None),
            )
        )
        event = AuditEvent(
            AuditKind.REPAIR_PLAN,
            "planned",
            self.parts.now(),
            request.actor,
            user_of(plan),
            summary_of(plan),
        )
        await self.parts.plans.add(plan, self.parts.audit.insertion(event))
        self.parts.observer.planned(plan)
        if plan.needs_approval:
            # Nobody waits for a second person.
            await self.parts.pauses.end([step.account for step in steps])
        return plan


_FLAPPED = "the account was repaired before and drifted again"


def _is_confirmed(finding: Finding) -> bool:
    return finding.state is FindingState.CONFIRMED


def _milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
