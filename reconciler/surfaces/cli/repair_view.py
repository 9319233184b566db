"""A plan for a person who has just been woken up: what it would do, whether it may, what to run."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reconciler.model.amounts import plain
from reconciler.model.mapping import Mappings
from reconciler.model.repair import (
    PlanState,
    RepairPlan,
    RepairResult,
    RepairStep,
    RepairSwitch,
    StepOutcome,
)
from reconciler.model.report import Verdict
from reconciler.surfaces.answers import timestamp
from reconciler.surfaces.cli import cells
from reconciler.surfaces.cli.explain_view import signed
from reconciler.surfaces.cli.hints import Invocation
from reconciler.surfaces.escape import escaped, shortened
from reconciler.surfaces.repair_answers import outcome_count, waits_for_approval

STEPS_MAX = 100
_UNDONE = {PlanState.PLANNED, PlanState.APPROVED, PlanState.APPLYING}
_AFTER = ("available\nafter", "locked\nafter", "owed by")


def plan_view(plan: RepairPlan, *, mappings: Mappings) -> Iterator[RenderableType]:
    """Give the parts of a plan, in the order in which they are read."""
    yield _headline(plan)
    yield Text(f"plan {escaped(plan.plan_id)}, digest {escaped(plan.digest)}")
    yield Text(
        f"made by {escaped(plan.planned_by)} at {timestamp(plan.planned_at)}, expires at "
        f"{timestamp(plan.expires_at)}: {shortened(escaped(plan.reason), 200)}"
    )
    yield from (Text(line) for line in _further_lines(plan))
    if not plan.steps:
        return
    yield Text()
    yield _steps_table(plan, mappings)
    if len(plan.steps) > STEPS_MAX:
        yield Text(f"… and {len(plan.steps) - STEPS_MAX} more: --json lists all of them.")
    yield from _reasons(plan)


def result_view(result: RepairResult, *, contact: str | None) -> Iterator[RenderableType]:
    """Say what became of a plan that was carried out."""
    plan = result.plan
    applied = outcome_count(plan, StepOutcome.APPLIED)
    stale = outcome_count(plan, StepOutcome.STALE)
    yield Text()
    if not result.is_verified:
        called = f" Call {escaped(contact)} now." if contact else ""
        yield Text.assemble(
            ("VERIFICATION FAILED", "bold red"),
            f": {applied} accounts were written, and the check afterwards is not healthy. "
            f"Repairs are switched off.{called}",
        )
    elif stale:
        yield Text.assemble(
            ("STALE", "bold yellow"),
            f": {stale} accounts changed since the plan was made, and were left alone; {applied} "
            "were put right. Make a new plan for the others.",
        )
    else:
        yield Text.assemble(
            ("REPAIRED", "bold green"),
            f": {applied} accounts were put right, and a check from a new snapshot finds them so.",
        )
    if result.check is not None and result.check.verdict is not Verdict.HEALTHY:
        yield Text(f"check: {result.check.verdict.value}, {result.check.mismatch_count} mismatches")


def next_steps(plan: RepairPlan, invocation: Invocation) -> Iterator[Text]:
    """Say what to run next, ready to be pasted."""
    named = (plan.plan_id, "--digest", plan.digest)
    if waits_for_approval(plan):
        yield Text(f"next, by somebody else: {invocation.command('repair', 'approve', *named)}")
        yield Text(f"then: {invocation.command('repair', 'apply', *named, '--yes')}")
    elif plan.state in _UNDONE and outcome_count(plan, StepOutcome.PLANNED):
        yield Text(f"next: {invocation.command('repair', 'apply', *named, '--yes')}")


def switch_view(switch: RepairSwitch) -> Text:
    """Say whether repairs are on, since when and why."""
    word = ("ON", "bold yellow") if switch.is_on else ("OFF", "bold")
    told = "" if switch.reason is None else f": {shortened(escaped(switch.reason), 200)}"
    who = "" if switch.changed_by is None else f", by {escaped(switch.changed_by)}"
    when = "" if switch.changed_at is None else f" at {timestamp(switch.changed_at)}"
    return Text.assemble("Repairs are ", word, f" on every daemon{who}{when}{told}")


def _headline(plan: RepairPlan) -> Text:
    if not plan.steps:
        return Text.assemble(("NOTHING TO REPAIR", "bold green"), ": no confirmed finding is open")
    counts = [
        f"{count} {outcome.value}"
        for outcome in StepOutcome
        if (count := outcome_count(plan, outcome))
    ]
    return Text.assemble(
        ("PLAN", "bold"),
        f" by the policy {plan.policy.value}, {plan.state.value}: accounts {', '.join(counts)}",
    )


def _further_lines(plan: RepairPlan) -> Iterator[str]:
    if plan.reverts is not None:
        yield f"takes back the plan {escaped(plan.reverts)}"
    if plan.override_reason is not None:
        yield f"against the journal, because: {shortened(escaped(plan.override_reason), 200)}"
    worth = "unknown, a price is missing" if plan.value_usd is None else plain(plan.value_usd)
    yield f"worth in US dollars: {worth}"
    for currency, change in plan.owed_change.items():
        yield f"what the exchange owes changes by {signed(change)} {escaped(currency)}"
    if plan.approved_by is not None:
        yield f"approved by {escaped(plan.approved_by)}"
    elif plan.needs_approval:
        yield f"NEEDS APPROVAL by somebody else than {escaped(plan.planned_by)}"
    if plan.applied_by is not None:
        yield f"applied by {escaped(plan.applied_by)}"


def _steps_table(plan: RepairPlan, mappings: Mappings) -> Table:
    table = cells.new_table(
        "user",
        "currency",
        *(f"{name}\nbefore" for name in mappings.names),
        *_AFTER,
        "outcome",
        right=(*(f"{name}\nbefore" for name in mappings.names), *_AFTER),
    )
    for step in plan.steps[:STEPS_MAX]:
        is_written = step.outcome in {StepOutcome.PLANNED, StepOutcome.APPLIED}
        after = step.after if is_written else None
        table.add_row(
            *cells.account_cells(step.account),
            *(_before(step, name) for name in mappings.names),
            *cells.after_cells(after),
            Text(signed(step.owed_change) if after is not None else "-"),
            Text(step.outcome.value),
        )
    return table


def _before(step: RepairStep, name: str) -> Text:
    copy = step.before.copy_in(name)
    if step.after is None or copy is None:
        return cells.available_cell(step.before, name, {name})
    amounts = {
        f"{name}.available": (copy.available_amount, step.after.available),
        f"{name}.locked": (copy.locked_amount, step.after.locked),
    }
    differs = {field for field, (before, after) in amounts.items() if before != after}
    return cells.available_cell(step.before, name, differs)


def _reasons(plan: RepairPlan) -> Iterator[Text]:
    refused = [step for step in plan.steps if step.refusal is not None]
    for step in refused[:STEPS_MAX]:
        name = f"{cells.identifier(step.account.user_id)} {cells.identifier(step.account.currency)}"
        yield Text(f"not {name}: {escaped(step.refusal or '')}")
