"""What the plan's own writes keep, whatever the code before them asked: claims, approvals, text."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import PlanStale, RepairRefused
from reconciler.model.audit import AuditEvent, AuditKind
from reconciler.model.guards import Caps
from reconciler.model.repair import Guard, PlanState, RepairPlan, RepairResult, StepOutcome
from reconciler.repairing.ports import Insertion
from tests.integration.repairing.workshop import Database, Workshop, options
from tests.integration.sync.stored import Stored

D = Decimal
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def event(shop: Workshop) -> Insertion:
    return shop.trail.insertion(
        AuditEvent(AuditKind.REPAIR_STEP, "applied", datetime.now(UTC), "ann")
    )


async def claimed(shop: Workshop, plan: RepairPlan, applier: str = "one", **changes: Any) -> bool:
    asked: dict[str, Any] = {"digest": plan.digest, "actor": "ann", "seconds": 60.0}
    asked |= {"begun_max": 9, **changes}
    asked.setdefault("since", datetime.now(UTC) - timedelta(hours=1))
    return await shop.parts.plans.claim(plan.plan_id, applier=applier, **asked)


async def test_a_claim_names_the_digest(workshop: Workshop) -> None:
    """With another digest nothing is claimed, and with the right one it is, once."""
    await workshop.drifted("u")
    plan = await workshop.plan("u")

    assert not await claimed(workshop, plan, digest="0" * 64)
    assert await claimed(workshop, plan)
    assert not await claimed(workshop, plan, "two")


async def test_plans_an_hour_are_counted_by_the_claim(ready: Database, tmp_path: Path) -> None:
    """Of four plans applied at once no more than two begin; the others are refused by the cap."""
    shop = Workshop(ready, tmp_path, options(caps=Caps(plans_per_hour_max=2)))
    await shop.drifted("a", "b", "c", "d")
    plans = [await shop.plan(user) for user in "abcd"]

    done = await asyncio.gather(*map(shop.apply, plans), return_exceptions=True)
    refused = [each for each in done if isinstance(each, RepairRefused)]
    assert len(refused) == 2
    assert {each.refusal and each.refusal.guard for each in refused} == {Guard.CAPS}
    assert len([each for each in done if isinstance(each, RepairResult) and each.applied]) == 2


async def test_who_approved_claims_nothing(ready: Database, tmp_path: Path) -> None:
    """An unapproved plan is not claimed, nor an approved one by its approver or past its time."""
    shop = Workshop(ready, tmp_path, options(approval_threshold_usd=D(1), plan_ttl_seconds=1.0))
    await shop.drifted("u")
    plan = await shop.plan("u")
    assert not await claimed(shop, plan)
    await shop.service.approve(plan.plan_id, digest=plan.digest, actor="bob")
    assert not await claimed(shop, plan, actor="bob")

    left = plan.expires_at - datetime.now(UTC)
    await asyncio.sleep(max(0.0, left.total_seconds()) + 0.1)
    assert not await claimed(shop, plan)


async def test_what_expired_is_not_approved(ready: Database, tmp_path: Path) -> None:
    """Not even by a daemon whose clock lags: the server's counts."""
    expiring = options(approval_threshold_usd=D(1), plan_ttl_seconds=0.05)
    shop = Workshop(ready, tmp_path, expiring)
    await shop.drifted("u")
    plan = await shop.plan("u")
    await asyncio.sleep(0.1)
    lagging = {"now": lambda: datetime.now(UTC) - timedelta(hours=1)}

    with pytest.raises(PlanStale):
        await Workshop(ready, tmp_path, expiring, lagging).service.approve(
            plan.plan_id, digest=plan.digest, actor="bob"
        )
    assert ("REPAIR_APPROVAL", "approved") not in await shop.trail_kinds()


async def test_who_lost_the_claim_writes_nothing(workshop: Workshop) -> None:
    """Neither an outcome nor a record: both are one transaction, which asks for the claim."""
    await workshop.drifted("u")
    plan = await workshop.plan("u")
    assert await claimed(workshop, plan, "one", seconds=0.0)
    assert await claimed(workshop, plan, "two")
    told = await workshop.trail_kinds()
    plans = workshop.parts.plans
    late = plans.outcome(
        plan.plan_id, 0, StepOutcome.APPLIED, applier="one", seconds=60, audited=event(workshop)
    )

    with pytest.raises(PlanStale):
        await plans.record(late)
    assert not await plans.finish(plan.plan_id, applier="one", audited=event(workshop))
    assert await workshop.trail_kinds() == told
    shown = await workshop.service.show(plan.plan_id)
    assert shown.steps[0].outcome is StepOutcome.PLANNED
    assert shown.state is PlanState.APPLYING


@pytest.mark.parametrize(
    "beside", [{"needs_approval": False}, {"planned_by": "bob"}, {"expires_at": LATER}]
)
async def test_a_plan_changed_beside_its_form(
    ready: Database, stored: Stored, tmp_path: Path, beside: dict[str, Any]
) -> None:
    """What the conditional writes go by must be what the digest covers."""
    shop = Workshop(ready, tmp_path, options(approval_threshold_usd=D(1)))
    await shop.drifted("u")
    plan = await shop.plan("u")
    await ready["repair_plans"].update_one({"_id": plan.plan_id}, {"$set": beside})
    before = await stored.everything()

    with pytest.raises(PlanStale, match="changed beside"):
        await shop.apply(plan)
    with pytest.raises(PlanStale, match="changed beside"):
        await shop.service.approve(plan.plan_id, digest=plan.digest, actor="eve")
    assert await stored.everything() == before


@pytest.mark.parametrize("edit", [{}, {"outcomes.n0.outcome": "planned"}])
async def test_a_used_plan_set_back_writes_no_balance(
    workshop: Workshop, stored: Stored, edit: dict[str, str]
) -> None:
    """A plan whose state and outcomes somebody sets back finds its postings in the journal."""
    await workshop.drifted("u")
    plan = await workshop.plan("u")
    await workshop.apply(plan)
    await workshop.sync.debit("u", "BTC", "2", "withdrawal")
    before = await stored.everything()
    state = {"state": "planned", **edit}
    await workshop.database["repair_plans"].update_one({"_id": plan.plan_id}, {"$set": state})

    await workshop.apply(plan)
    assert await stored.everything() == before


async def test_an_outcome_made_up_is_found_by_the_check(workshop: Workshop) -> None:
    """A step that somebody calls applied is looked at all the same: it is still wrong."""
    await workshop.drifted("u")
    plan = await workshop.plan("u")
    made_up = {"outcomes.n0": {"outcome": "applied", "audit_sequence": 1}}
    await workshop.database["repair_plans"].update_one({"_id": plan.plan_id}, {"$set": made_up})

    result = await workshop.apply(plan)
    assert not result.is_verified
    assert not (await workshop.service.switch()).is_on


async def test_a_step_that_is_refused_for_good(workshop: Workshop, stored: Stored) -> None:
    """It is said so, on the trail with the reason, and the other accounts are put right."""
    await workshop.drifted("u", "v", "w")
    plan = await workshop.plan()
    first = plan.steps[0].account.user_id.text
    # Whoever settles a posting that is not known decides that it can never be applied.
    await workshop.sync.outcome(f"repair:{plan.plan_id}:0", settle=True)
    result = await workshop.apply(plan)

    assert not result.applied
    assert result.plan.state is PlanState.APPLIED
    outcomes = {step.account.user_id.text: step.outcome for step in result.plan.steps}
    assert outcomes.pop(first) is StepOutcome.REFUSED
    assert set(outcomes.values()) == {StepOutcome.APPLIED}
    for user in outcomes:
        assert await stored.amounts(user, "BTC") == {(D(5), D(0), D(5))}
    assert ("REPAIR_STEP", "refused") in await workshop.trail_kinds()
