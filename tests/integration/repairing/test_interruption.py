"""The power cord: an application killed at every await is gone on with, to one effect."""

import asyncio
import signal
from collections import Counter
from decimal import Decimal

from reconciler.errors import PlanStale
from reconciler.model.repair import PlanState, RepairPlan, StepOutcome
from tests.integration.repairing.workshop import Database, Workshop, without_caps
from tests.integration.sync.children import run_children
from tests.integration.sync.stored import Stored

MODULE = "tests.integration.repairing.interrupted"
D = Decimal
# The awaits of an application of two steps. A new await is covered by changing this number.
AWAITS = 161
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


async def test_killed_at_every_await(mongo_uri: str, ready: Database, stored: Stored) -> None:
    """SIGKILL at each await of an application, then once more: one effect, and a true trail."""
    shop = Workshop(ready, without_caps())
    users = [(f"a{number}", f"b{number}") for number in range(AWAITS + 1)]
    await shop.drifted(*(user for pair in users for user in pair))
    plans = [await pair_plan(shop, pair) for pair in users]
    named = ",".join(f"{plan.plan_id}:{plan.digest}" for plan in plans)

    counted = await run_children(MODULE, mongo_uri, ready.name, "0", named)
    assert counted == {0: str(AWAITS)}
    seen = await run_children(MODULE, mongo_uri, ready.name, str(AWAITS), named)
    assert seen == dict.fromkeys(range(1, AWAITS + 1), f"signal {signal.SIGKILL.value}")

    for plan, pair in zip(plans[1:], users[1:], strict=True):
        done = await resumed(shop, plan)
        assert {step.outcome for step in done.steps} == {StepOutcome.APPLIED}
        for user in pair:
            assert await stored.amounts(user, "BTC") == {(D(5), D(0), D(5))}
            assert await stored.replayed(user, "BTC") == (D(5), D(0))
            kinds = [entry["kind"] for entry in await stored.entries(user, "BTC")]
            assert kinds.count("repair") == 1
        sequences = {step.audit_sequence for step in done.steps}
        bodies = await ready["audit_trail"].find({"body": {"$regex": plan.plan_id}}).to_list()
        told = Counter(each["kind"] for each in bodies)
        assert told["REPAIR_STEP"] == 2
        assert sequences == {e["sequence"] for e in bodies if e["kind"] == "REPAIR_STEP"}
    await shop.sync.close()


async def pair_plan(shop: Workshop, pair: tuple[str, str]) -> RepairPlan:
    """Plan the repair of two accounts: the service plans one user or all, so the rest is hidden."""
    others = {"user_id": {"$nin": list(pair)}, "open": True}
    findings = shop.database["integrity_findings"]
    await findings.update_many(others, {"$set": {"open": "hidden"}})
    plan = await shop.plan()
    await findings.update_many({"open": "hidden"}, {"$set": {"open": True}})
    assert len(plan.steps) == 2
    return plan
