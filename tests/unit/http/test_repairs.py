"""The emergency call, plans, and their approval by a second person."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from reconciler.errors import PlanStale, RepairRefused
from reconciler.model.access import Scope, digest_of
from reconciler.model.repair import Guard, GuardRefusal, PlanState, StepOutcome, TruthPolicy
from reconciler.settings import ApiSettings
from reconciler.settings.service import TokenSettings
from tests.fakes.http import CONTACT, Api
from tests.fakes.repairs import DIGEST, FakeRepairs
from tests.fakes.service import FAILURE, HEALTHY, INCOMPLETE, MISMATCHES, NOW, FakeService

SYNC_ALL = "/api/integrity/sync-all"
OTHER_DIGEST = "cd" * 32


def exact(answer: httpx.Response) -> Any:
    """Read an answer without losing digits."""
    return json.loads(answer.text, parse_float=Decimal, parse_constant=pytest.fail)


def wrong(repairs: FakeRepairs | None = None) -> Api:
    """An exchange on which something is wrong."""
    return Api(FakeService(FAILURE), repairs=repairs or FakeRepairs())


async def post(
    api: Api, path: str = SYNC_ALL, *, headers: Mapping[str, str] | None = None, **fields: object
) -> httpx.Response:
    async with api.client() as client:
        return await client.post(path, json=fields, headers=headers)


async def test_one_call_plans_and_applies() -> None:
    """Where no approval is needed the accounts are right afterwards, amount by amount."""
    api = wrong()
    answer = await post(api, user_id="abc123", reason="an emergency", currency="BTC")
    found = exact(answer)

    assert answer.status_code == 200
    assert (found["applied"], found["plan_id"], found["digest"]) == (True, "plan-1", DIGEST)
    (step,) = found["steps"]
    assert {key: step[key] for key in ("user_id", "currency", "outcome", "before", "after")} == {
        "user_id": "abc123",
        "currency": "BTC",
        "outcome": "applied",
        "before": {
            "wallets": Decimal("0.001"),
            "crypto_balances": Decimal("0.0005"),
            "trader_balances": Decimal("0.001"),
            "internal_balances": Decimal("0.001"),
        },
        "after": dict.fromkeys(step["before"], Decimal("0.001")),
    }
    assert api.repairs.asked == [
        ("plan", "abc123", "BTC", TruthPolicy.WALLETS, "an emergency", None, "loopback"),
        ("apply", "plan-1", DIGEST, "an emergency", "loopback"),
    ]
    assert api.service.asked == [("abc123", "BTC")]
    assert found["check"]["status"] == "healthy"


@pytest.mark.parametrize("report, is_called", [(HEALTHY, False), (FAILURE, True)])
async def test_whom_to_call_is_said_where_health_was_not_reached(
    report: Any, is_called: bool
) -> None:
    """The check is that after the repair, and the contact stands where it is not healthy."""
    api = wrong()
    plan = await api.repairs.plan(
        user_id="a", currency=None, policy=TruthPolicy.WALLETS, reason="r", override_reason=None,
        actor="x",
    )  # fmt: skip
    api.repairs.check = report
    answer = await post(api, reason="r", plan_id=plan.plan_id, digest=DIGEST)

    assert answer.status_code == 200
    assert answer.json()["check"]["status"] == report.verdict.value
    assert answer.json().get("escalation_contact") == (CONTACT if is_called else None)


async def test_a_look_that_failed_afterwards_hides_no_repair() -> None:
    """What was done is said; the check is incomplete, and somebody is to be called."""
    answer = await post(wrong(FakeRepairs(check=None)), user_id="abc123", reason="r")

    assert answer.status_code == 200
    assert answer.json()["applied"] is True
    assert answer.json()["check"]["status"] == "incomplete"
    assert answer.json()["escalation_contact"] == CONTACT


async def test_findings_that_are_not_written_down_are_not_planned() -> None:
    """Nothing confirmed is on record: it says that, and not that no machine could decide."""
    answer = await post(wrong(FakeRepairs(mismatches=())), user_id="abc123", reason="r")

    assert answer.json()["applied"] is False
    assert "no confirmed finding" in answer.json()["details"]


async def test_a_repair_that_is_not_verified_says_so() -> None:
    """It was applied, and somebody must be called."""
    answer = await post(wrong(FakeRepairs(is_verified=False)), user_id="abc123", reason="r")

    assert answer.json()["applied"] is True
    assert "repairs are switched off" in answer.json()["details"]
    assert answer.json()["escalation_contact"] == CONTACT


async def test_nothing_is_planned_where_nothing_is_wrong() -> None:
    """There are no steps, no plan is made, and nobody needs to be called."""
    api = Api(FakeService(HEALTHY))
    answer = await post(api, user_id="a", reason="r")

    assert answer.status_code == 200
    assert api.repairs.asked == []
    assert {key: answer.json()[key] for key in ("applied", "plan_id", "steps", "details")} == {
        "applied": False,
        "plan_id": None,
        "steps": [],
        "details": "Nothing was changed: the user's balances are in sync.",
    }


async def test_nothing_is_planned_from_an_incomplete_look() -> None:
    """What was not seen is not known to be wrong or right."""
    api = Api(FakeService(INCOMPLETE))
    answer = await post(api, user_id="a", reason="r")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["applied"] is False
    assert answer.json()["check"]["status"] == "incomplete"
    assert api.repairs.asked == []


async def test_a_dry_run_shows_the_plan() -> None:
    """The plan can be carried out later; it was made and not applied."""
    api = wrong()
    answer = await post(api, user_id="a", reason="r", dry_run=True, policy="majority")

    assert answer.status_code == 200
    assert answer.json()["applied"] is False
    assert answer.json()["steps"][0]["outcome"] == "planned"
    assert [asked[0] for asked in api.repairs.asked] == ["plan"]
    assert api.told.told == [("shown", "plan-1")]


async def test_a_plan_that_needs_approval_is_accepted_and_waits() -> None:
    """It answers 202 with what the second person needs, and again while nobody approved."""
    api = wrong(FakeRepairs(needs_approval=True))
    answer = await post(api, user_id="a", reason="r")
    again = await post(api, reason="r", plan_id="plan-1", digest=DIGEST)

    assert (answer.status_code, again.status_code) == (202, 202)
    assert answer.json()["needs_approval"] is True
    assert (answer.json()["plan_id"], answer.json()["digest"]) == ("plan-1", DIGEST)
    assert answer.json()["expires_at"] == "2025-12-22T01:40:00Z"
    assert [asked[0] for asked in api.repairs.asked] == ["plan"]


async def test_what_no_machine_can_decide_is_not_applied() -> None:
    """A plan of refused steps alone says what a person does, and whom to call."""
    api = wrong(FakeRepairs(MISMATCHES[2:3]))
    answer = await post(api, user_id="a", reason="r")

    assert answer.status_code == 200
    assert answer.json()["applied"] is False
    (step,) = answer.json()["steps"]
    assert (step["outcome"], step["after"]) == ("refused", None)
    assert step["reason"].startswith("a copy holds no usable number")
    assert answer.json()["escalation_contact"] == CONTACT
    assert [asked[0] for asked in api.repairs.asked] == ["plan"]


async def test_a_plan_all_of_which_is_stale_is_a_conflict() -> None:
    """Nothing was written, and a new plan is asked for."""
    answer = await post(wrong(FakeRepairs(outcome=StepOutcome.STALE)), user_id="a", reason="r")

    assert answer.status_code == 409
    assert answer.json()["applied"] is False
    assert answer.json()["steps"][0]["outcome"] == "stale"
    assert answer.json()["steps"][0]["after"] is None


@pytest.mark.parametrize("guard", Guard)
async def test_a_guard_that_says_no_is_named(guard: Guard) -> None:
    """The answer has the guard, why, and whom to call; only the scope is 403."""
    error = RepairRefused("no", GuardRefusal(guard, "because; do this"))
    answer = await post(wrong(FakeRepairs(error=error)), user_id="a", reason="r")

    assert answer.status_code == (403 if guard is Guard.SCOPE else 409)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["guard"] == guard.value
    assert answer.json()["reason"] == "because; do this"
    assert answer.json()["escalation_contact"] == CONTACT


async def test_a_request_that_cannot_be_planned_is_a_conflict() -> None:
    """No guard was asked, and it says why."""
    error = RepairRefused("the plan was not applied")
    answer = await post(wrong(FakeRepairs(error=error)), user_id="a", reason="r")

    assert answer.status_code == 409
    assert "the plan was not applied" in answer.json()["detail"]
    assert "guard" not in answer.json()


async def test_a_plan_works_once() -> None:
    """Used, or with one digit of its digest changed, it is a conflict that changes nothing."""
    api = wrong()
    await post(api, user_id="a", reason="r", dry_run=True)
    edited = await post(api, reason="r", plan_id="plan-1", digest=OTHER_DIGEST)
    first = await post(api, reason="r", plan_id="plan-1", digest=DIGEST)
    again = await post(api, reason="r", plan_id="plan-1", digest=DIGEST)

    assert [each.status_code for each in (edited, first, again)] == [409, 200, 409]
    assert edited.json()["title"] == "Plan not usable"


async def test_a_plan_that_expired_is_a_conflict() -> None:
    """The core says so, and the answer is the same."""
    error = PlanStale("plan-1", "it has expired")
    answer = await post(wrong(FakeRepairs(error=error)), user_id="a", reason="r")

    assert answer.status_code == 409


async def test_a_plan_that_is_nowhere_is_not_found() -> None:
    """Neither can it be looked at, approved or applied."""
    api = Api()
    applied = await post(api, reason="r", plan_id="nope", digest=DIGEST)
    approved = await post(
        token_api(), "/api/repairs/nope/approve", headers=bearer("bob"), digest=DIGEST
    )
    async with api.client() as client:
        shown = await client.get("/api/repairs/nope")

    assert [each.status_code for each in (applied, approved, shown)] == [404, 404, 404]


@pytest.mark.parametrize(
    "fields, complaint",
    [
        ({"reason": "r"}, "user_id must be given"),
        ({"user_id": "a"}, "reason"),
        ({"user_id": "a", "reason": " "}, "must say why"),
        ({"user_id": "a", "reason": "r", "policy": "mine"}, "wallets, journal, majority"),
        ({"reason": "r", "plan_id": "plan-1"}, "go together"),
        ({"reason": "r", "digest": DIGEST}, "go together"),
        ({"reason": "r", "plan_id": "p", "digest": "ab"}, "64 hex digits"),
        ({"reason": "r", "plan_id": "p", "digest": DIGEST, "dry_run": True}, "leave out"),
        ({"user_id": "a", "reason": "r", "override_reason": ""}, "override_reason"),
    ],
)
async def test_what_does_not_go_together_is_refused(fields: dict[str, Any], complaint: str) -> None:
    """It answers 422 and says what to send; nothing is planned."""
    api = wrong()
    answer = await post(api, **fields)

    assert answer.status_code == 422
    assert complaint in answer.json()["detail"]
    assert api.repairs.asked == []


async def test_a_plan_is_not_applied_to_somebody_else() -> None:
    """A user_id beside a plan_id must be that of the plan's accounts."""
    api = wrong()
    await post(api, user_id="abc123", reason="r", dry_run=True)
    answer = await post(api, user_id="zoe", reason="r", plan_id="plan-1", digest=DIGEST)

    assert answer.status_code == 422
    assert [asked[0] for asked in api.repairs.asked] == ["plan"]


async def test_the_user_may_stand_in_the_query() -> None:
    """The body has the reason in any case, and the user stands in one of both."""
    api = wrong()
    answer = await post(api, f"{SYNC_ALL}?user_id=abc123", reason="r")
    both = await post(api, f"{SYNC_ALL}?user_id=abc123", reason="r", user_id="abc123")

    assert answer.status_code == 200
    assert both.status_code == 422


async def test_a_key_makes_a_repetition_safe() -> None:
    """The same request under the same key is planned and applied once."""
    api = wrong()
    async with api.client() as client:
        answers = [
            await client.post(
                SYNC_ALL, json={"user_id": "a", "reason": "r"}, headers={"Idempotency-Key": "k"}
            )
            for _ in range(2)
        ]

    assert answers[0].text == answers[1].text
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert [asked[0] for asked in api.repairs.asked] == ["plan", "apply"]


def token_api(repairs: FakeRepairs | None = None) -> Api:
    """An exchange whose callers have tokens: alice proposes, bob approves, carol checks."""
    scopes = {
        "alice": (Scope.REPAIR_PROPOSE, Scope.REPAIR_APPROVE),
        "bob": (Scope.REPAIR_APPROVE, Scope.CHECK),
        "carol": (Scope.CHECK,),
    }
    tokens = tuple(
        TokenSettings(
            name=name,
            sha256=digest_of(name.encode()).hex(),
            scopes=allowed,
            expires=NOW + timedelta(days=1),
        )
        for name, allowed in scopes.items()
    )
    return replace(wrong(repairs), settings=ApiSettings(tokens=tokens))


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


async def test_somebody_else_approves() -> None:
    """Who made the plan cannot; a second person can, once, and then it is applied."""
    api = token_api(FakeRepairs(needs_approval=True))
    planned = await post(api, headers=bearer("alice"), user_id="a", reason="r")
    approve = f"/api/repairs/{planned.json()['plan_id']}/approve"
    own = await post(api, approve, headers=bearer("alice"), digest=DIGEST)
    edited = await post(api, approve, headers=bearer("bob"), digest=OTHER_DIGEST)
    approved = await post(api, approve, headers=bearer("bob"), digest=DIGEST)
    applied = await post(api, headers=bearer("alice"), reason="r", plan_id="plan-1", digest=DIGEST)
    async with api.client() as client:
        shown = await client.get("/api/repairs/plan-1", headers=bearer("carol"))

    assert planned.status_code == 202
    assert (own.status_code, own.json()["title"]) == (403, "Self approval")
    assert edited.status_code == 409
    assert approved.status_code == 200
    assert (approved.json()["state"], approved.json()["approved_by"]) == ("approved", "bob")
    assert applied.status_code == 200
    assert applied.json()["applied"] is True
    assert shown.json()["state"] == PlanState.APPLIED.value
    assert shown.json()["owed_change"] == {"BTC": -0.5}


async def test_a_caller_without_the_scope_is_refused_by_the_first_guard() -> None:
    """The answer names the guard, and the refusal is counted among the others."""
    api = token_api()
    proposed = await post(api, headers=bearer("carol"), user_id="a", reason="r")
    approved = await post(api, "/api/repairs/p/approve", headers=bearer("carol"), digest=DIGEST)

    assert (proposed.status_code, approved.status_code) == (403, 403)
    assert (proposed.json()["guard"], proposed.json()["scope"]) == ("scope", "repair:propose")
    assert (approved.json()["guard"], approved.json()["scope"]) == ("scope", "repair:approve")
    assert api.told.told == [("refused", Guard.SCOPE, None, "carol")] * 2
    assert api.repairs.asked == []


async def test_nobody_approves_without_a_token() -> None:
    """On loopback nobody can tell two persons apart."""
    answer = await post(Api(), "/api/repairs/p/approve", digest=DIGEST)

    assert answer.status_code == 403
