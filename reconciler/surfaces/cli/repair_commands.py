"""What `reconciler repair …` does once it is running. The operating system's user acts.

Nothing is applied that was not shown: on a terminal it asks, elsewhere it takes `--yes` and the
digest of exactly that plan.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from reconciler.errors import PlanStale
from reconciler.model.repair import RepairPlan, RepairResult, StepOutcome, TruthPolicy
from reconciler.settings import Settings
from reconciler.surfaces.answers import Answer, check_answer
from reconciler.surfaces.cli.acting import operating_system_user
from reconciler.surfaces.cli.failures import NotConsented
from reconciler.surfaces.cli.repair_view import next_steps, plan_view, result_view, switch_view
from reconciler.surfaces.cli.session import Running
from reconciler.surfaces.exits import Exit
from reconciler.surfaces.ports import Repairs
from reconciler.surfaces.repair_answers import (
    outcome_count,
    plan_answer,
    switch_answer,
    waits_for_approval,
)

YES = "yes"

MakePlan = Callable[[Repairs], Awaitable[RepairPlan]]


@dataclass(frozen=True, slots=True)
class Consent:
    """What was said on the command line about a plan: its digest, and that it may be applied."""

    digest: str | None
    is_given: bool


@dataclass(frozen=True, slots=True)
class Request:
    """What to plan: one user's accounts, or those of all."""

    user_id: str | None
    currency: str | None
    policy: TruthPolicy
    reason: str
    override_reason: str | None

    async def plan(self, repairs: Repairs) -> RepairPlan:
        """Have it planned."""
        return await repairs.plan(
            user_id=self.user_id,
            currency=self.currency,
            policy=self.policy,
            reason=self.reason,
            override_reason=self.override_reason,
            actor=operating_system_user(),
        )


@dataclass(frozen=True, slots=True)
class Applying:
    """What to carry out after a scan, and what was said about it."""

    make: MakePlan
    consent: Consent
    reason: str


async def run_plan(running: Running, make: MakePlan) -> int:
    """Make a plan and show it; nothing is changed."""
    async with running.backend() as backend:
        plan = await make(backend.repairs)
    show_plan(running, plan)
    is_for_people = bool(plan.steps) and not outcome_count(plan, StepOutcome.PLANNED)
    return Exit.REFUSED if is_for_people else Exit.HEALTHY


async def run_show(running: Running, plan_id: str) -> int:
    """Show a plan as it is now."""
    async with running.backend() as backend:
        plan = await backend.repairs.show(plan_id)
    show_plan(running, plan)
    return Exit.HEALTHY


async def run_approve(running: Running, plan_id: str, digest: str) -> int:
    """Approve exactly this digest."""
    async with running.backend() as backend:
        plan = await backend.repairs.approve(plan_id, digest=digest, actor=operating_system_user())
    show_plan(running, plan)
    return Exit.HEALTHY


async def run_apply(
    running: Running, make: MakePlan, *, consent: Consent, reason: str | None
) -> int:
    """Show a plan, have it consented to, and carry it out."""
    async with running.backend() as backend:
        plan = await make(backend.repairs)
        result = await carry_out(
            running, backend.repairs, plan, consent=consent, reason=reason or plan.reason
        )
    if running.as_json:
        running.terminal.show_json(repair_answer(running, plan, result))
    return exit_of(plan, result)


async def run_switch(running: Running, *, is_on: bool, reason: str) -> int:
    """Switch repairs on or off for every daemon."""
    async with running.backend() as backend:
        switch = await backend.repairs.set_switch(
            is_on=is_on, reason=reason, actor=operating_system_user()
        )
    if running.as_json:
        running.terminal.show_json(switch_answer(switch))
    else:
        running.terminal.show(switch_view(switch))
    return Exit.HEALTHY


async def carry_out(
    running: Running, repairs: Repairs, plan: RepairPlan, *, consent: Consent, reason: str
) -> RepairResult | None:
    """Show a plan and apply it; None if it cannot be now, or a person at the terminal said no.

    Raises:
        NotConsented: nobody can be asked, and `--yes` and the digest were not given.
        PlanStale: the digest that was given is another plan's.
    """
    terminal, mappings = running.terminal, running.settings.mappings()
    if not running.as_json:
        terminal.show(*plan_view(plan, mappings=mappings))
    if consent.digest not in {None, plan.digest}:
        raise PlanStale(plan.plan_id, "its digest is another one than --digest says")
    if waits_for_approval(plan):
        if not running.as_json:
            terminal.show(*next_steps(plan, running.invocation))
        return None
    if plan.steps and not await _is_consented(running, plan, consent):
        terminal.say("Nothing was changed.")
        return None
    if not plan.steps:
        return None
    result = await repairs.apply(
        plan.plan_id, digest=plan.digest, reason=reason, actor=operating_system_user()
    )
    if not running.as_json:
        terminal.show(*result_view(result, contact=contact_of(running.settings)))
    return result


def show_plan(running: Running, plan: RepairPlan) -> None:
    """Show a plan, and what to run next."""
    mappings = running.settings.mappings()
    if running.as_json:
        running.terminal.show_json(plan_answer(plan, mappings))
        return
    running.terminal.show(*plan_view(plan, mappings=mappings))
    running.terminal.show(*next_steps(plan, running.invocation))


def repair_answer(running: Running, plan: RepairPlan, result: RepairResult | None) -> Answer:
    """Show in JSON what became of a plan: as it is afterwards, and the check that followed."""
    mappings = running.settings.mappings()
    answer = plan_answer(result.plan if result else plan, mappings)
    answer |= {"applied": bool(result and result.applied), "check": None}
    if result is not None and result.check is not None:
        answer["check"] = check_answer(result.check, mappings=mappings, checksum=running.checksum())
    contact = contact_of(running.settings)
    is_good = not plan.steps or (result is not None and result.is_verified)
    return answer if is_good or contact is None else answer | {"escalation_contact": contact}


def exit_of(plan: RepairPlan, result: RepairResult | None) -> int:
    """Give the exit code of a plan that was to be applied."""
    if not plan.steps:
        return Exit.HEALTHY
    if result is None or not result.is_verified:
        return Exit.REFUSED
    is_complete = outcome_count(result.plan, StepOutcome.APPLIED) == len(result.plan.steps)
    return Exit.HEALTHY if is_complete else Exit.REFUSED


def contact_of(settings: Settings) -> str | None:
    """Give whom to call where a repair does not bring health."""
    return settings.repair.escalation_contact or None


async def _is_consented(running: Running, plan: RepairPlan, consent: Consent) -> bool:
    if consent.is_given and consent.digest is not None:
        return True
    if running.as_json or not running.terminal.can_ask:
        command = running.invocation.command(
            "repair", "apply", plan.plan_id, "--digest", plan.digest, "--yes"
        )
        raise NotConsented(
            "Nothing was changed: without a terminal to ask at, a plan is applied with --yes and "
            f"its digest only. When you have read it:\n  {command}"
        )
    return await running.terminal.ask(f"Apply exactly this plan? Type {YES}: ") == YES
