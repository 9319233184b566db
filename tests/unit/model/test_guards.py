"""Each guard says no to its own case, and to no other."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from reconciler.model.guards import Caps, GuardFacts, all_refusals, first_refusal
from reconciler.model.identity import Account
from reconciler.model.repair import Guard
from tests.unit.test_house import ROOT

D = Decimal
ALICE = Account.of("alice", "BTC")
WELL = GuardFacts(
    changes={ALICE: D(1)},
    prices_usd={"BTC": D(100)},
    accounts_known=1000,
    users_known=1000,
    source_documents=1000,
)


def many(count: int, amount: str = "1") -> dict[Account, Decimal]:
    return {Account.of(f"user-{number}", "BTC"): D(amount) for number in range(count)}


CASES: list[tuple[Guard, dict[str, Any], dict[str, Any]]] = [
    (Guard.SCOPE, {"is_in_scope": False}, {}),
    (Guard.KILL_SWITCH, {"is_on": False}, {}),
    (Guard.SERVER_HEALTH, {"server_problem": "there is no primary"}, {}),
    (Guard.CONFIRMATION, {"unconfirmed": [ALICE]}, {}),
    (Guard.CAPS, {"changes": many(3)}, {"accounts_max": 2}),
    (Guard.CAPS, {"changes": {ALICE: D("100.01")}}, {}),
    (Guard.CAPS, {"changes": many(10, "100")}, {"plan_usd_max": D(99_999)}),
    (Guard.CAPS, {"changes": {ALICE: D("2")}}, {"currency_max": {"BTC": D("1.5")}}),
    (Guard.CAPS, {"changes": many(11)}, {}),
    (Guard.CAPS, {"plans_last_hour": 10}, {}),
    (Guard.SOURCE_SHRUNKEN, {"source_documents": 0}, {}),
    (Guard.SOURCE_SHRUNKEN, {"source_documents": 949}, {}),
    (Guard.SOURCE_SHRUNKEN, {"accounts_known": 5, "source_documents": 0}, {}),
    (Guard.SOURCE_SHRUNKEN, {"accounts_known": None}, {}),
    (Guard.OWED_RISES, {"rises": {ALICE: D("0.00000001")}}, {}),
    (Guard.FLAPPING, {"repaired_before": [ALICE]}, {}),
    (Guard.FREEZE, {"freeze_problem": "a.py: f changed"}, {}),
    (Guard.AUDIT, {"audit_problem": "the disk is full"}, {}),
]
JUST_BELOW: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"changes": many(2)}, {"accounts_max": 2}),
    ({"changes": {ALICE: D(100)}}, {}),
    ({"changes": many(10, "100")}, {"plan_usd_max": D(100_000)}),
    ({"changes": {ALICE: D("1.5")}}, {"currency_max": {"BTC": D("1.5")}}),
    ({"changes": many(11), "users_known": 1100, "accounts_known": 1000}, {}),
    ({"plans_last_hour": 9}, {}),
    ({"source_documents": 950}, {}),
    ({"accounts_known": 5, "source_documents": 1}, {}),
    ({"rises": {ALICE: D(1)}}, {"owed_rise_allowed": True}),
]


@pytest.mark.parametrize("guard, facts, caps", CASES)
def test_each_guard_trips_alone(guard: Guard, facts: dict[str, Any], caps: dict[str, Any]) -> None:
    """What one guard is there for trips that guard, and no other one."""
    refusals = all_refusals(replace(WELL, **facts), Caps(**caps))

    assert [refusal.guard for refusal in refusals] == [guard]
    assert first_refusal(replace(WELL, **facts), Caps(**caps)) == refusals[0]


@pytest.mark.parametrize("facts, caps", JUST_BELOW)
def test_just_below(facts: dict[str, Any], caps: dict[str, Any]) -> None:
    """At its limit no guard says anything yet."""
    assert all_refusals(replace(WELL, **facts), Caps(**caps)) == ()


def test_every_guard_has_a_case_and_a_row() -> None:
    """No guard is untested, and the table of the documents says what to do about each."""
    assert {guard for guard, *_ in CASES} == set(Guard)
    table = (ROOT / "docs/repair.md").read_text()
    positions = [table.index(f"| `{guard.value}` |") for guard in Guard]

    assert positions == sorted(positions)


def test_the_first_guard_speaks() -> None:
    """When several say no, the first in the order of the list is the answer."""
    facts = replace(WELL, is_on=False, is_in_scope=False, audit_problem="x")
    refusal = first_refusal(facts, Caps())

    assert refusal is not None
    assert refusal.guard is Guard.SCOPE
