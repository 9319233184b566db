"""How a plan looks to whoever must read it before it is applied."""

import io
from dataclasses import replace
from decimal import Decimal

from rich.console import Console

from reconciler.model.copies import Balance
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.repair import RepairPlan
from reconciler.surfaces.cli.repair_view import plan_view
from tests.fakes.repairs import a_plan
from tests.fakes.service import MISMATCHES


def shown(plan: RepairPlan) -> str:
    """The plan on a wide page without colours."""
    stream = io.StringIO()
    console = Console(file=stream, width=200, no_color=True)
    for part in plan_view(plan, mappings=DEFAULT_MAPPINGS):
        console.print(part)
    return stream.getvalue()


def test_a_locked_amount_that_changes_is_shown_as_it_was() -> None:
    """Nobody approves a change of what is set aside without having seen what is there."""
    plan = a_plan(MISMATCHES[0])
    (step,) = plan.steps
    assert step.after is not None
    unlocked = replace(step, after=Balance(step.after.available, Decimal(7)))

    assert "! locked" not in shown(plan)
    assert shown(replace(plan, steps=(unlocked,))).count("! locked -") == 4
