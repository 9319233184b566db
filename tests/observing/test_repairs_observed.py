"""What is counted and logged of repairs, and how what is not known stays unknown."""

import asyncio
import io
import json
from dataclasses import replace

import pytest

from reconciler.errors import DatabaseUnavailable
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.repair import Guard, GuardRefusal, RepairResult, RepairSwitch, StepOutcome
from reconciler.surfaces.daemon.repair_pulse import RepairPulse
from reconciler.surfaces.fan_out import SeveralRepairWatchers
from reconciler.surfaces.logs import open_logs
from reconciler.surfaces.metrics.repairs import OUTCOMES
from reconciler.surfaces.repair_log import RepairLog
from reconciler.surfaces.repair_watching import RepairStanding, RepairWatcher
from tests.fakes.repairs import NotedRepairs, a_plan
from tests.fakes.service import FAILURE, MISMATCHES, NOW
from tests.observing.exported import made, values

CAPS = GuardRefusal(Guard.CAPS, "more than 100 accounts: plan by user")


def result(outcome: StepOutcome, *, is_verified: bool = True) -> RepairResult:
    plan = a_plan(*MISMATCHES[:2], approved_by="bob", applied_by="alice")
    steps = tuple(replace(step, outcome=outcome, audit_sequence=7) for step in plan.steps)
    is_applied = outcome is StepOutcome.APPLIED
    return RepairResult(replace(plan, steps=steps), is_applied, is_verified, FAILURE)


def everything(watcher: RepairWatcher) -> None:
    """Tell of one repair of each kind."""
    applied = result(StepOutcome.APPLIED)
    watcher.planned(a_plan(*MISMATCHES))
    watcher.shown(a_plan())
    watcher.refused(CAPS, plan_id=None, actor="alice")
    watcher.approved(applied.plan)
    watcher.step_done(applied.plan, applied.plan.steps[0])
    watcher.finished(applied)
    stale = result(StepOutcome.STALE)
    watcher.step_done(stale.plan, stale.plan.steps[0])
    watcher.finished(stale)
    watcher.finished(result(StepOutcome.APPLIED, is_verified=False))
    watcher.failed("plan-1", actor="alice", error=DatabaseUnavailable("away"))
    watcher.switched(RepairSwitch(False, "alice", NOW, "over"))
    watcher.checkpoint_failed("the disk is full", plan_id="plan-1")
    watcher.standing_known(RepairStanding(is_enabled=True, awaiting_approval=2))


def test_each_repair_is_counted_once_by_what_became_of_it() -> None:
    """Guards are counted each; every series is there at 0 from the start."""
    metrics = made()

    assert values(metrics, "repairs_total") == dict.fromkeys(((each,) for each in OUTCOMES), 0)
    everything(SeveralRepairWatchers(metrics.repairs, NotedRepairs()))

    assert values(metrics, "repairs_total") == dict.fromkeys(((each,) for each in OUTCOMES), 1)
    refusals = values(metrics, "repair_refusals_total")
    assert set(refusals) == {(guard.value,) for guard in Guard}
    assert {guard for (guard,), count in refusals.items() if count} == {"caps"}


def test_what_is_not_known_of_the_switch_is_not_said() -> None:
    """The gauges are absent until it is known, and again when it cannot be read."""
    metrics = made()

    assert values(metrics, "repair_enabled") == {}
    metrics.repairs.standing_known(RepairStanding(is_enabled=False, awaiting_approval=3))
    assert values(metrics, "repair_enabled") == {(): 0}
    assert values(metrics, "repairs_awaiting_approval") == {(): 3}
    metrics.repairs.standing_known(None)
    assert values(metrics, "repairs_awaiting_approval") == {}


def test_each_event_has_its_line() -> None:
    """Names and fields are those that people search for; amounts are text."""
    stream = io.StringIO()
    logs = open_logs(level="info", as_text=False, stream=stream)
    everything(RepairLog(logs, mappings=DEFAULT_MAPPINGS))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    by_event = {line["event"]: line for line in reversed(lines)}

    assert [line["event"] for line in lines] == [
        "repair_planned",
        "repair_shown",
        "repair_refused",
        "repair_approved",
        "repair_applied",
        "repair_finished",
        "repair_stale",
        "repair_finished",
        "repair_verify_failed",
        "repair_failed",
        "repair_switched",
        "repair_checkpoint_failed",
    ]
    assert by_event["repair_planned"]["accounts"]["refused"] == 2
    assert by_event["repair_planned"]["owed_change"] == {"BTC": "-0.5"}
    assert by_event["repair_refused"]["guard"] == "caps"
    applied = by_event["repair_applied"]
    assert applied["before"]["crypto_balances"]["available"] == "0.0005"
    assert applied["after"] == {"available": "0.001", "locked": "0"}
    assert (applied["actor"], applied["approver"], applied["audit_sequence"]) == (
        "alice",
        "bob",
        7,
    )
    assert by_event["repair_finished"]["accounts"]["applied"] == 2
    assert by_event["repair_verify_failed"]["check"] == "INTEGRITY_FAILURE"


@pytest.mark.parametrize("error", [DatabaseUnavailable("away"), TimeoutError()])
async def test_a_pulse_tells_what_it_reads_or_that_it_cannot(error: Exception) -> None:
    """After an answer that did not come, nothing is known any more."""
    noted, beats = NotedRepairs(), 0

    async def look() -> RepairStanding:
        if beats:
            raise error
        return RepairStanding(is_enabled=True, awaiting_approval=0)

    async def sleep(_seconds: float) -> None:
        nonlocal beats
        beats += 1
        if beats == 2:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await RepairPulse(look, noted, sleep=sleep).run()

    assert noted.told == [
        ("standing", RepairStanding(is_enabled=True, awaiting_approval=0)),
        ("standing", None),
    ]
