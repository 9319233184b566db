"""Plans are made, approved and applied: once, exactly, by the right people, and on the trail."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from reconciler.errors import PlanNotFound, PlanStale, RepairRefused, SelfApproval
from reconciler.model.audit import AuditEvent, AuditKind
from reconciler.model.repair import Guard, PlanState, StepOutcome, TruthPolicy
from reconciler.model.report import Verdict
from tests.integration.repairing.workshop import Database, Workshop, options
from tests.integration.sync.stored import Stored

D = Decimal
FIVE = {(D(5), D(0), D(5))}


async def test_a_drifted_account_is_put_right(workshop: Workshop, stored: Stored) -> None:
    """Plan and apply: all copies agree, the journal replays, and the trail has every event."""
    await workshop.drifted("u")
    plan = await workshop.plan("u")
    assert not plan.needs_approval
    assert plan.value_usd == D(100)
    assert await workshop.service.show(plan.plan_id) == plan

    result = await workshop.apply(plan)

    assert result.applied
    assert result.is_verified
    assert result.check is not None
    assert result.check.verdict is Verdict.HEALTHY
    assert [step.outcome for step in result.plan.steps] == [StepOutcome.APPLIED]
    assert result.plan.state is PlanState.APPLIED
    assert await stored.amounts("u", "BTC") == FIVE
    assert await stored.replayed("u", "BTC") == (D(5), D(0))
    kinds = [
        ("REPAIR_PLAN", "planned"),
        ("REPAIR_STEP", "applied"),
        ("REPAIR_VERIFICATION", "verified"),
    ]
    assert await workshop.trail_kinds() == kinds
    assert result.plan.steps[0].audit_sequence == 2
    await workshop.sync.debit("u", "BTC", "1", "at once: nothing is paused any more")


async def test_four_applies_at_once(ready: Database, workshop: Workshop, stored: Stored) -> None:
    """Of four concurrent applies of one plan one works, and the others change nothing."""
    await workshop.drifted("u")
    plan = await workshop.plan("u")
    shops = [workshop, *(Workshop(ready, workshop.folder) for _ in range(3))]

    async def apply(shop: Workshop) -> str:
        try:
            await shop.apply(plan)
        except PlanStale:
            return "stale"
        return "applied"

    assert sorted(await asyncio.gather(*map(apply, shops))) == ["applied", *["stale"] * 3]
    assert await stored.amounts("u", "BTC") == FIVE
    kinds = [kind for kind, _ in await workshop.trail_kinds()]
    assert kinds.count("REPAIR_STEP") == 1


async def test_a_plan_is_used_once(workshop: Workshop, stored: Stored) -> None:
    """Replayed, with another digest, edited in the database, or unknown: nothing changes."""
    await workshop.drifted("u", "v")
    plan = await workshop.plan("u")
    wrong = ("0" if plan.digest[0] != "0" else "1") + plan.digest[1:]
    other = await workshop.plan("v")
    form = {
        "$replaceOne": {
            "input": "$form",
            "find": '"available":"5"',
            "replacement": '"available":"6"',
        }
    }
    plans = workshop.database["repair_plans"]
    edited = await plans.update_one({"_id": other.plan_id}, [{"$set": {"form": form}}])
    assert edited.modified_count == 1
    before = await stored.everything()

    with pytest.raises(PlanStale):
        await workshop.apply(plan, digest=wrong)
    with pytest.raises(PlanStale):
        await workshop.apply(other)
    with pytest.raises(PlanStale, match="was changed"):
        await workshop.service.show(other.plan_id)
    with pytest.raises(PlanNotFound):
        await workshop.apply(replace(plan, plan_id="none"))
    assert await stored.everything() == before

    await workshop.apply(plan)
    before = await stored.everything()
    with pytest.raises(PlanStale, match="once"):
        await workshop.apply(plan)
    assert await stored.everything() == before


async def test_an_expired_plan(ready: Database, stored: Stored, tmp_path: Path) -> None:
    """After its time a plan can be neither approved nor applied, even by a clock that lags."""
    shop = Workshop(ready, tmp_path, options(plan_ttl_seconds=0.05))
    await shop.drifted("u")
    plan = await shop.plan("u")
    await asyncio.sleep(0.1)
    before = await stored.everything()
    with pytest.raises(PlanStale, match="expired"):
        await shop.apply(plan)
    assert (await shop.service.show(plan.plan_id)).state is PlanState.EXPIRED

    lagging = {"now": lambda: datetime.now(UTC) - timedelta(hours=1)}
    with pytest.raises(PlanStale):
        await Workshop(ready, tmp_path, shop.options, lagging).apply(plan)
    assert await stored.everything() == before


async def test_approval(ready: Database, stored: Stored, tmp_path: Path) -> None:
    """Above the threshold somebody else must approve the digest, and then not apply it."""
    shop = Workshop(ready, tmp_path, options(approval_threshold_usd=D(99)))
    await shop.drifted("u")
    plan = await shop.plan("u")
    assert plan.needs_approval
    with pytest.raises(RepairRefused, match="approval"):
        await shop.apply(plan)
    with pytest.raises(SelfApproval):
        await shop.service.approve(plan.plan_id, digest=plan.digest, actor="ann")
    with pytest.raises(PlanStale):
        await shop.service.approve(plan.plan_id, digest="0" * 64, actor="bob")

    approved = await shop.service.approve(plan.plan_id, digest=plan.digest, actor="bob")
    assert (approved.state, approved.approved_by) == (PlanState.APPROVED, "bob")
    with pytest.raises(SelfApproval):
        await shop.apply(plan, actor="bob")
    assert (await shop.apply(plan)).applied
    assert await stored.amounts("u", "BTC") == FIVE


async def test_the_database_keeps_self_approval(workshop: Workshop) -> None:
    """The write itself refuses who planned the plan, whatever the code before it asked."""
    await workshop.drifted("u")
    plan = await workshop.plan("u")
    event = workshop.trail.insertion
    audited = event(AuditEvent(AuditKind.REPAIR_APPROVAL, "approved", datetime.now(UTC), "ann"))
    plans = workshop.parts.plans
    asked = {"digest": plan.digest, "audited": audited}
    assert not await plans.approve(plan.plan_id, actor="ann", **asked)  # type: ignore[arg-type]
    assert await plans.approve(plan.plan_id, actor="bob", **asked)  # type: ignore[arg-type]


async def test_what_changed_since_is_stale(workshop: Workshop, stored: Stored) -> None:
    """A copy that is not the before-image's any more is left alone, and said so."""
    await workshop.drifted("u", "v")
    plan = await workshop.plan()
    await workshop.drift("u", "internal_balances")
    result = await workshop.apply(plan)

    outcomes = {step.account.user_id.text: step.outcome for step in result.plan.steps}
    assert outcomes == {"u": StepOutcome.STALE, "v": StepOutcome.APPLIED}
    assert not result.applied
    assert await stored.amounts("v", "BTC") == FIVE
    assert (await stored.documents("u", "BTC"))["internal_balances"][0][
        "available_balance"
    ].to_decimal() == D(6)
    assert ("REPAIR_STEP", "stale") in await workshop.trail_kinds()


async def test_a_failed_verification_switches_repairs_off(
    ready: Database, workshop: Workshop
) -> None:
    """An account that is wrong again at once turns the switch off for everybody, on the trail."""
    await workshop.drifted("u")
    plan = await workshop.plan("u")

    class Saboteur:
        async def replace(self, *arguments: object, **named: object) -> None:
            await workshop.sync.replace(*arguments, **named)  # type: ignore[arg-type]
            await workshop.drift("u")

    shop = Workshop(ready, workshop.folder, workshop.options, {"sync": Saboteur()})
    result = await shop.apply(plan)

    assert not result.is_verified
    assert not (await workshop.service.switch()).is_on
    kinds = await workshop.trail_kinds()
    assert kinds[-2:] == [("REPAIR_SWITCH", "off"), ("REPAIR_VERIFICATION", "verify_failed")]
    with pytest.raises(RepairRefused) as caught:
        await workshop.plan("u")
    assert caught.value.refusal is not None
    assert caught.value.refusal.guard is Guard.KILL_SWITCH


async def test_a_revert(workshop: Workshop, stored: Stored) -> None:
    """What a repair changed in the source of truth is planned back, as a plan like any other."""
    await workshop.drifted("u")
    await workshop.drift("u", "wallets", by="2")
    await workshop.scan()
    refused = await workshop.plan("u")
    assert refused.steps[0].outcome is StepOutcome.REFUSED
    plan = await workshop.plan("u", policy=TruthPolicy.JOURNAL)
    assert plan.owed_change == {"BTC": D(-2)}
    await workshop.apply(plan)
    assert await stored.amounts("u", "BTC") == FIVE

    with pytest.raises(RepairRefused) as caught:
        await workshop.service.plan_revert(plan.plan_id, reason="it was right", actor="ann")
    assert caught.value.refusal is not None
    assert caught.value.refusal.guard is Guard.OWED_RISES

    workshop.options.caps = replace(workshop.options.caps, owed_rise_allowed=True)
    back = await workshop.service.plan_revert(plan.plan_id, reason="it was right", actor="ann")
    assert back.needs_approval
    await workshop.service.approve(back.plan_id, digest=back.digest, actor="bob")
    assert (await workshop.apply(back)).applied
    assert await stored.amounts("u", "BTC") == {(D(7), D(0), D(7))}
