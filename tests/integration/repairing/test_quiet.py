"""Whom a repair keeps waiting, when it is stopped in the middle, and what it cannot read."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import RepairRefused
from reconciler.model.guards import Caps
from reconciler.model.repair import Guard, PlanState, StepOutcome, TruthPolicy
from reconciler.surfaces.cli.failures import failure_of
from reconciler.surfaces.http.failures import problem_of
from tests.integration.repairing.workshop import Database, Workshop, options

PAUSE = {"_id": {"$regex": "^pause:"}}


async def pauses(database: Database) -> int:
    return await database["leases"].count_documents(PAUSE)


def guard_of(refused: pytest.ExceptionInfo[RepairRefused]) -> Guard | None:
    refusal = refused.value.refusal
    return None if refusal is None else refusal.guard


async def test_nobody_waits_while_repairs_are_off(ready: Database, tmp_path: Path) -> None:
    """The switch is asked before postings are held up; who only looks at a plan holds up nobody."""
    shop = Workshop(ready, tmp_path, is_on=False)
    await shop.drifted("u")

    class Nobody:
        async def begin(self, *_arguments: object, **_named: object) -> None:
            raise AssertionError("a posting would wait")

    refusing = Workshop(ready, tmp_path, shop.options, {"pauses": Nobody()}, is_on=False)
    with pytest.raises(RepairRefused) as refused:
        await refusing.plan("u")
    assert guard_of(refused) is Guard.KILL_SWITCH

    await shop.service.set_switch(is_on=True, reason="an emergency", actor="ann")
    await shop.plan("u")
    assert not await pauses(ready)
    await shop.plan("u", applies_at_once=True)
    assert await pauses(ready)


async def test_a_refused_plan_lets_postings_go_on(ready: Database, tmp_path: Path) -> None:
    """What a guard refuses after all leaves no pause behind, though it would be applied at once."""
    shop = Workshop(ready, tmp_path)
    await shop.drifted("u")
    await ready["integrity_scans"].delete_many({})

    with pytest.raises(RepairRefused) as refused:
        await shop.plan("u", applies_at_once=True)
    assert guard_of(refused) is Guard.SOURCE_SHRUNKEN
    assert not await pauses(ready)


async def test_the_switch_stops_a_plan_halfway(workshop: Workshop) -> None:
    """Thrown between two steps it lets no second one through; switched on again, it goes on."""
    await workshop.drifted("u", "v")
    plan = await workshop.plan()

    class Thrower:
        """Sets the balance, and then somebody throws the switch."""

        async def replace(self, *arguments: Any, **named: Any) -> None:
            await workshop.sync.replace(*arguments, **named)
            await workshop.service.set_switch(is_on=False, reason="stop", actor="bob")

    shop = Workshop(workshop.database, workshop.folder, workshop.options, {"sync": Thrower()})
    with pytest.raises(RepairRefused, match="halfway: 1 accounts were put right") as refused:
        await shop.apply(plan)
    assert guard_of(refused) is Guard.KILL_SWITCH
    problem = problem_of(refused.value)
    assert problem is not None
    for told in (problem.detail, failure_of(refused.value).message):
        assert "Nothing was written" not in told
    shown = await workshop.service.show(plan.plan_id)
    assert shown.state is PlanState.APPLYING
    assert [step.outcome for step in shown.steps] == [StepOutcome.APPLIED, StepOutcome.PLANNED]
    assert (await workshop.trail_kinds())[-1] == ("REPAIR_REFUSAL", "kill_switch")

    await workshop.service.set_switch(is_on=True, reason="go on", actor="bob")
    await workshop.database["repair_plans"].update_one({}, {"$set": {"busy_until": _LONG_AGO}})
    assert (await workshop.apply(plan)).applied


async def test_a_journal_that_cannot_be_read_is_no_proof(workshop: Workshop) -> None:
    """It hides neither the other accounts' plans nor an earlier repair of the account."""
    await workshop.drifted("u", "v")
    await workshop.apply(await workshop.plan("u"))
    await workshop.drift("u")
    await workshop.scan()
    await workshop.database["balance_journal"].update_one(
        {"kind": "credit", "accounts.user_id": "u"}, {"$set": {"legs.0.available_delta": "five"}}
    )

    plan = await workshop.plan()
    steps = {step.account.user_id.text: step for step in plan.steps}
    assert "repaired before" in str(steps["u"].refusal)
    assert steps["v"].outcome is StepOutcome.PLANNED
    assert steps["u"].alternatives[TruthPolicy.JOURNAL] is None


async def test_a_trade_that_cannot_be_read_is_for_a_person(workshop: Workshop) -> None:
    """Nobody knows what it has set aside: that account is refused, and no other one."""
    await workshop.drifted("u", "v")
    trade = {"seller_id": "u", "currency": "BTC", "state": "locked", "amount": 1.5}
    await workshop.database["p2p_trades"].insert_one(trade)

    steps = {step.account.user_id.text: step for step in (await workshop.plan()).steps}
    assert "open trade" in str(steps["u"].refusal)
    assert steps["v"].outcome is StepOutcome.PLANNED


async def test_a_lost_source_of_truth_is_not_zero(workshop: Workshop) -> None:
    """Where the source of truth has lost its copy, its policy cannot say what is right."""
    await workshop.drifted("u", "v")
    await workshop.database["wallets"].delete_one({"user_id": "u"})
    await workshop.scan()

    (step,) = (await workshop.plan("u")).steps
    assert step.after is None
    assert "no copy" in str(step.refusal)
    assert step.alternatives[TruthPolicy.JOURNAL] is not None


async def test_limits_that_are_changed_hold_at_once(workshop: Workshop) -> None:
    """What a reload of the settings brings is asked of the next plan, and of plans made before."""
    await workshop.drifted("u")
    plan = await workshop.plan()
    workshop.service.options.take(options(caps=Caps(account_usd_max=Decimal(1))))

    for refused_now in (workshop.plan("u"), workshop.apply(plan)):
        with pytest.raises(RepairRefused, match="account_usd_max") as refused:
            await refused_now
        assert guard_of(refused) is Guard.CAPS


_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
