"""The guards ask the real database, when a plan is made and again when it is applied."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from bson import Decimal128

from reconciler.errors import PlanStale, RepairRefused
from reconciler.model.guards import Caps
from reconciler.model.mapping import DEFAULT_MAPPINGS, CollectionMapping, Mappings
from reconciler.model.repair import Guard, StepOutcome, TruthPolicy
from reconciler.storage.repair_facts import MongoRepairFacts
from reconciler.sync import BalanceSync
from tests.integration.repairing.workshop import Database, Workshop, options, rules_of
from tests.integration.sync.stored import Stored

_MAPPED = DEFAULT_MAPPINGS.collections


def guard_of(caught: pytest.ExceptionInfo[RepairRefused]) -> Guard | None:
    refusal = caught.value.refusal
    return None if refusal is None else refusal.guard


async def test_a_switch_thrown_after_planning(workshop: Workshop, stored: Stored) -> None:
    """What was allowed when it was planned is asked anew before it is applied."""
    await workshop.drifted("u")
    plan = await workshop.plan("u")
    await workshop.service.set_switch(is_on=False, reason="wait", actor="bob")
    before = await stored.everything()

    with pytest.raises(RepairRefused) as caught:
        await workshop.apply(plan)
    assert guard_of(caught) is Guard.KILL_SWITCH
    assert await stored.everything() == before
    await workshop.service.set_switch(is_on=True, reason="go on", actor="bob")
    assert (await workshop.apply(plan)).applied


async def test_an_account_that_drifts_again(workshop: Workshop, stored: Stored) -> None:
    """It is refused and on the trail; among others it is left out, and they are put right."""
    await workshop.drifted("u", "v")
    await workshop.apply(await workshop.plan("u"))
    await workshop.drift("u")
    await workshop.scan()

    with pytest.raises(RepairRefused) as caught:
        await workshop.plan("u")
    assert guard_of(caught) is Guard.FLAPPING
    assert (await workshop.trail_kinds())[-1] == ("REPAIR_REFUSAL", "flapping")
    both = await workshop.plan()
    outcomes = {step.account.user_id.text: step.outcome for step in both.steps}
    assert outcomes == {"u": StepOutcome.REFUSED, "v": StepOutcome.PLANNED}


async def test_two_plans_for_one_drift(workshop: Workshop) -> None:
    """The second one finds the account repaired since, and refuses before it writes anything."""
    await workshop.drifted("u")
    plans = [await workshop.plan("u") for _ in range(2)]
    await workshop.apply(plans[0])

    with pytest.raises(RepairRefused) as caught:
        await workshop.apply(plans[1])
    assert guard_of(caught) is Guard.FLAPPING


async def test_what_a_trade_has_set_aside(workshop: Workshop) -> None:
    """A balance that contradicts an open trade is not written, whatever the policy says."""
    await workshop.sync.credit("u", "BTC", "5", "deposit")
    await workshop.sync.lock("u", "BTC", "2", "trade 1")
    trade = {"seller_id": "u", "currency": "BTC", "amount": Decimal128("2"), "state": "locked"}
    await workshop.database["p2p_trades"].insert_one(trade)
    await workshop.scan()
    for name in ("wallets", "crypto_balances"):
        await workshop.database[name].update_one({}, {"$set": {"locked_balance": Decimal128("1")}})
    await workshop.scan()

    plan = await workshop.plan("u", override_reason="the audit of 3 May")
    assert "open trades" in str(plan.steps[0].refusal)
    with pytest.raises(RepairRefused) as caught:
        await workshop.plan("u", policy=TruthPolicy.JOURNAL)
    assert guard_of(caught) is Guard.OWED_RISES


async def test_without_a_checkpoint_nothing_is_repaired(workshop: Workshop, stored: Stored) -> None:
    """A place of checkpoints that takes nothing refuses what was planned, and says why."""
    await workshop.drifted("u")
    plan = await workshop.plan("u")
    checkpoints = workshop.book.places.checkpoint_path
    checkpoints.unlink(missing_ok=True)
    checkpoints.mkdir()
    before = await stored.everything()

    with pytest.raises(RepairRefused) as caught:
        await workshop.apply(plan)
    assert guard_of(caught) is Guard.AUDIT
    assert await stored.everything() == before
    checkpoints.rmdir()
    assert (await workshop.apply(plan)).applied


@pytest.mark.parametrize("currency", ["USDX", "GBP"])
async def test_without_a_price_somebody_must_approve(workshop: Workshop, currency: str) -> None:
    """Nobody knows what it is worth: one person is not enough, however small it is."""
    await workshop.sync.credit("u", currency, "0.05", "deposit")
    await workshop.database["crypto_balances"].update_one(
        {}, {"$set": {"available_balance": Decimal128("0.04")}}
    )
    await workshop.scan()
    plan = await workshop.plan("u")

    assert plan.value_usd is None
    assert plan.needs_approval
    with pytest.raises(RepairRefused, match="approval"):
        await workshop.apply(plan)


async def test_nothing_is_paused_afterwards(workshop: Workshop) -> None:
    """Applied or stale, a step lets postings go on at once."""
    await workshop.drifted("u", "v")
    plan = await workshop.plan()
    await workshop.drift("u", "internal_balances")
    await workshop.apply(plan)

    assert await workshop.database["leases"].count_documents({"_id": {"$regex": "^pause"}}) == 0


async def test_a_posting_that_is_under_way(workshop: Workshop, stored: Stored) -> None:
    """One that began before the plan and commits after it makes the step stale; none is lost."""
    await workshop.drifted("u")
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slowly(_session: object) -> None:
        begun.set()
        await may_end.wait()

    posting = asyncio.create_task(workshop.sync.credit("u", "BTC", "2", "deposit", within=slowly))
    await begun.wait()
    plan = await workshop.plan("u")
    applying = asyncio.create_task(workshop.apply(plan))
    await asyncio.sleep(0.3)
    may_end.set()
    await posting

    result = await applying
    assert result.plan.steps[0].outcome is StepOutcome.STALE
    wallet = (await stored.documents("u", "BTC"))["wallets"][0]
    assert wallet["available_balance"].to_decimal() == 7


async def test_a_plan_an_hour(ready: Database, tmp_path: Path) -> None:
    """The rate counts applications that began, and never the plan's own."""
    shop = Workshop(ready, tmp_path, options(caps=Caps(plans_per_hour_max=1)))
    await shop.drifted("u", "v")
    plans = [await shop.plan(user) for user in ("u", "v")]
    await shop.apply(plans[0])

    with pytest.raises(RepairRefused) as caught:
        await shop.apply(plans[1])
    assert guard_of(caught) is Guard.CAPS


async def test_a_revert_after_a_posting(workshop: Workshop) -> None:
    """What was posted since a repair is not taken back with it."""
    await workshop.drifted("u")
    await workshop.drift("u", "wallets", by="2")
    await workshop.scan()
    plan = await workshop.plan("u", policy=TruthPolicy.JOURNAL)
    await workshop.apply(plan)
    await workshop.sync.credit("u", "BTC", "1", "deposit")

    back = await workshop.service.plan_revert(plan.plan_id, reason="it was right", actor="ann")
    assert "posted on since" in str(back.steps[0].refusal)


@pytest.mark.parametrize(
    "mappings",
    [
        Mappings((*_MAPPED, CollectionMapping("fifth"))),
        Mappings(_MAPPED[:3]),
        Mappings(_MAPPED, source_of_truth="crypto_balances"),
    ],
    ids=["one-more", "one-fewer", "another-truth"],
)
async def test_a_mapping_changed_after_planning(
    ready: Database, workshop: Workshop, stored: Stored, mappings: Mappings
) -> None:
    """A daemon with another mapping would write copies that nobody saw: it applies nothing."""
    await workshop.drifted("u")
    plan = await workshop.plan("u")
    before = await stored.everything()
    other = {
        "facts": MongoRepairFacts(ready, mappings),
        "sync": BalanceSync(ready, mappings=mappings),
        "rules_of": lambda account: replace(rules_of(account), mappings=mappings),
    }

    with pytest.raises(PlanStale, match="mapped in another way"):
        await Workshop(ready, workshop.folder, workshop.options, other).apply(plan)
    assert await stored.everything() == before
    assert (await workshop.apply(plan)).applied
