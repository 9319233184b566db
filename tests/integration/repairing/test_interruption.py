"""The power cord: an application killed at every await is gone on with, to one effect."""

import asyncio
import json
import signal
from decimal import Decimal
from pathlib import Path

from reconciler.errors import PlanStale
from reconciler.model.repair import PlanState, RepairPlan, StepOutcome
from tests.integration.repairing.interrupted import no_check
from tests.integration.repairing.workshop import Database, Workshop, without_caps
from tests.integration.sync.children import run_children
from tests.integration.sync.stored import Stored

MODULE = "tests.integration.repairing.interrupted"
D = Decimal
CURRENCIES = ("BTC", "ETH")
# The awaits of an application of two steps. A new await is covered by changing this number.
AWAITS = 219
LOOK_SECONDS = 0.3
LOOKS_MAX = 60


async def resumed(shop: Workshop, plan: RepairPlan) -> RepairPlan:
    """Apply a plan again, once whoever was killed with it holds it no longer."""
    for _ in range(LOOKS_MAX):
        try:
            return (await shop.apply(plan)).plan
        except PlanStale:
            shown = await shop.service.show(plan.plan_id)
            if shown.state is PlanState.APPLIED:
                return shown
            await asyncio.sleep(LOOK_SECONDS)
    raise AssertionError("the plan was held for too long")


async def test_killed_at_every_await(
    mongo_uri: str, ready: Database, stored: Stored, tmp_path: Path
) -> None:
    """SIGKILL at each await of an application, then once more: one effect, and a true trail."""
    shop = Workshop(ready, tmp_path, without_caps(), {"check": no_check})
    users = [f"u{number}" for number in range(AWAITS + 1)]
    await shop.drifted(*users, currencies=CURRENCIES)
    plans = [await shop.plan(user) for user in users]
    assert {len(plan.steps) for plan in plans} == {2}
    named = ",".join(f"{plan.plan_id}:{plan.digest}" for plan in plans)

    counted = await run_children(MODULE, mongo_uri, ready.name, str(tmp_path), "0", named)
    assert counted == {0: str(AWAITS)}
    seen = await run_children(MODULE, mongo_uri, ready.name, str(tmp_path), str(AWAITS), named)
    assert seen == dict.fromkeys(range(1, AWAITS + 1), f"signal {signal.SIGKILL.value}")

    for plan, user in zip(plans[1:], users[1:], strict=True):
        done = await resumed(shop, plan)
        assert {step.outcome for step in done.steps} == {StepOutcome.APPLIED}
        for currency in CURRENCIES:
            assert await stored.amounts(user, currency) == {(D(5), D(0), D(5))}
            assert await stored.replayed(user, currency) == (D(5), D(0))
            kinds = [entry["kind"] for entry in await stored.entries(user, currency)]
            assert kinds.count("repair") == 1
        sequences = {step.audit_sequence for step in done.steps}
        assert sequences == await steps_on_trail(ready, plan)
        assert len(sequences) == 2
    assert (await shop.book.verified(with_checkpoints=True)).is_valid
    await shop.sync.close()


async def steps_on_trail(database: Database, plan: RepairPlan) -> set[int]:
    """The numbers of the records of a plan's steps."""
    records = await database["audit_trail"].find({"body": {"$regex": plan.plan_id}}).to_list()
    kinds = {each["_id"]: json.loads(each["body"])["kind"] for each in records}
    return {number for number, kind in kinds.items() if kind == "REPAIR_STEP"}
