"""What the audit trail keeps of freezes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reconciler.model.audit import body_of
from reconciler.model.freeze_trail import FreezeStanding, freeze_event

NOW = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)
FROZEN = FreezeStanding(2, "d" * 64, "lead", "d" * 64)


def recorded(standing: FreezeStanding) -> str:
    event = freeze_event(standing, [], at=NOW, actor="host:1")
    assert event is not None
    return body_of(event)


def test_the_first_start_is_written_down() -> None:
    """With the freeze's number, its digest, who approved it, and that the code is so."""
    event = freeze_event(FROZEN, [], at=NOW, actor="host:1")

    assert event is not None
    assert (event.kind, event.outcome, event.actor) == ("FREEZE", "valid", "host:1")
    assert event.details["approved_by"] == "lead"


def test_a_start_under_the_same_freeze_is_not() -> None:
    """The trail says it already; what it said before that does not count."""
    newer = replace(FROZEN, number=3)

    assert freeze_event(FROZEN, [recorded(FROZEN)], at=NOW, actor="x") is None
    assert freeze_event(FROZEN, [recorded(FROZEN), recorded(newer)], at=NOW, actor="x") is not None


def test_a_start_with_other_code_is() -> None:
    """With what differs, cut and counted."""
    broken = replace(FROZEN, digest="e" * 64, problems=tuple(f"f{n} changed" for n in range(50)))
    event = freeze_event(broken, [recorded(FROZEN)], at=NOW, actor="x")

    assert event is not None
    assert event.outcome == "broken"
    assert (len(event.details["problems"]), event.details["problem_count"]) == (20, 50)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"details":1}'])
def test_a_record_that_somebody_spoiled_says_nothing(body: str) -> None:
    """It is the proof of the trail that finds it; here the freeze is written anew."""
    assert freeze_event(FROZEN, [body], at=NOW, actor="x") is not None
