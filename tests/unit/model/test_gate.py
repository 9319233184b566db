"""The checklist of deployments, judged from facts."""

from datetime import UTC, datetime

import pytest

from reconciler.control import frozen
from reconciler.model.gate import (
    CHECKSUM_DIGITS,
    RECORD_LINES,
    TITLES,
    CheckFacts,
    Checklist,
    FindingFacts,
    FreezeFacts,
    Line,
    Outcome,
    PlanFacts,
    Requirement,
    Surroundings,
    Unseen,
    judged_check,
    judged_deployed_code,
    judged_findings,
    judged_freeze,
    judged_plans,
    judged_schema,
    noted,
    only_record_lines,
)
from reconciler.model.report import Verdict
from reconciler.model.schema import SchemaReport

DIGEST = "49b79e46a" + "0" * 55
MET = Requirement(Line.PLANS, Outcome.MET, "")
UNKNOWN = Requirement(Line.FINDINGS, Outcome.UNKNOWN, "")
NOT_MET = Requirement(Line.INDEXES, Outcome.NOT_MET, "")
HEALTHY = CheckFacts(Verdict.HEALTHY, 3, checksum="PREFIX_49b79e46a")
FROZEN = FreezeFacts((), DIGEST, "lead", "2026-11-24T21:15:00Z")


@pytest.mark.parametrize(
    "requirements, outcome",
    [
        ((MET,), Outcome.MET),
        ((MET, UNKNOWN), Outcome.UNKNOWN),
        ((UNKNOWN, NOT_MET, MET), Outcome.NOT_MET),
        ((), Outcome.UNKNOWN),
    ],
)
def test_the_worst_line_decides(requirements: tuple[Requirement, ...], outcome: Outcome) -> None:
    """Not met before unknown before met; nothing looked at is not met."""
    assert Checklist(requirements).outcome is outcome


@pytest.mark.parametrize(
    "facts, outcome",
    [
        (HEALTHY, Outcome.MET),
        (CheckFacts(Verdict.INTEGRITY_FAILURE, 3, 1), Outcome.NOT_MET),
        (CheckFacts(Verdict.HEALTHY, 3, 1), Outcome.NOT_MET),
        (CheckFacts(Verdict.INCOMPLETE, 3, reasons=("away",)), Outcome.UNKNOWN),
        (Unseen("away"), Outcome.UNKNOWN),
    ],
)
def test_a_check_is_met_only_if_it_is_healthy(facts: CheckFacts | Unseen, outcome: Outcome) -> None:
    """One that counts a mismatch is not, whatever it calls itself."""
    assert judged_check(facts).outcome is outcome


def test_an_empty_exchange_is_noted() -> None:
    """There is nothing wrong, and the name of the database may be."""
    found = judged_check(CheckFacts(Verdict.HEALTHY, 0))

    assert found.outcome is Outcome.MET
    assert "right database" in found.notes[0]


@pytest.mark.parametrize(
    "facts, outcome",
    [
        (FROZEN, Outcome.MET),
        (FreezeFacts(("post.py was changed",), DIGEST), Outcome.NOT_MET),
        (FreezeFacts((), None), Outcome.NOT_MET),
        (Unseen("?"), Outcome.UNKNOWN),
    ],
)
def test_a_freeze_with_any_problem_is_not_met(
    facts: FreezeFacts | Unseen, outcome: Outcome
) -> None:
    """So is code whose digest cannot be told."""
    assert judged_freeze(facts).outcome is outcome


@pytest.mark.parametrize(
    "check, freeze, outcome",
    [
        (HEALTHY, FROZEN, Outcome.MET),
        (CheckFacts(Verdict.HEALTHY, 3, checksum="other49b79e46b"), FROZEN, Outcome.NOT_MET),
        (CheckFacts(Verdict.HEALTHY, 3), FROZEN, Outcome.UNKNOWN),
        (HEALTHY, FreezeFacts((), None), Outcome.UNKNOWN),
        (Unseen("away"), FROZEN, Outcome.UNKNOWN),
    ],
)
def test_the_daemons_code_is_told_by_its_digits(
    check: CheckFacts | Unseen, freeze: FreezeFacts, outcome: Outcome
) -> None:
    """What a checksum begins with is a setting; the digits of the digest decide."""
    assert judged_deployed_code(check, freeze).outcome is outcome


def test_a_checksum_ends_in_as_many_digits_as_are_compared() -> None:
    """Both are counted in one way."""
    assert frozen.CHECKSUM_DIGITS == CHECKSUM_DIGITS


def test_one_suspect_is_enough() -> None:
    """A finding that was seen once is open; the oldest is told."""
    since = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    found = judged_findings(FindingFacts(0, 1, since))

    assert found.outcome is Outcome.NOT_MET
    assert "2026-01-02 03:04 UTC" in found.requirements[0].detail
    assert judged_findings(FindingFacts(0, 0)).outcome is Outcome.MET


def test_ids_are_cut_and_the_count_is_not() -> None:
    """Five plans are named, and the others counted."""
    found = judged_plans(PlanFacts(1_234, tuple("abcde")))

    assert found.requirements[0].detail == (
        "1,234 wait for approval: a; b; c; d; e; and 1,229 more"
    )


def test_a_schema_that_nobody_looked_at_is_unknown() -> None:
    """An empty report and none at all."""
    empty = judged_schema(SchemaReport("MongoDB", (), ()))
    none = judged_schema(Unseen("away"))

    assert [each.outcome for each in (*empty.requirements, *none.requirements)] == (
        [Outcome.UNKNOWN] * 6
    )


def test_what_a_daemon_does_not_tell_is_unknown() -> None:
    """An older one passes no line that it never heard of, and adds none."""
    other = Requirement(Line.FREEZE, Outcome.MET, "")
    found = only_record_lines([MET, other])

    assert tuple(each.line for each in found) == RECORD_LINES
    assert [each.line for each in found if each.outcome is Outcome.MET] == [Line.PLANS]
    assert {each.outcome for each in found} == {Outcome.MET, Outcome.UNKNOWN}


def test_notes_fail_nothing() -> None:
    """The switch and the bypassing writes are told, and so is that they were not seen."""
    seen = noted(Surroundings("since noon by ann: an incident", 3, 24))

    assert len(seen.notes) == 2
    assert seen.requirements == noted(Unseen("away")).requirements == ()
    assert noted(Surroundings(None, 0, 24)).notes == ()
    assert "away" in noted(Unseen("away")).notes[0]


def test_every_line_has_a_title() -> None:
    """And joined lists keep the order of the lines."""
    joined = Checklist((UNKNOWN,)).joined(Checklist((MET, NOT_MET)))

    assert set(TITLES) == set(Line)
    assert [each.line for each in joined.requirements] == [Line.INDEXES, Line.PLANS, Line.FINDINGS]
