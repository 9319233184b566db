"""The check, what would put balances right, and one account explained."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from reconciler.errors import (
    CannotLook,
    DatabaseUnavailable,
    ReadInterrupted,
    ReconcilerError,
    SnapshotTooOld,
)
from reconciler.model.scan_record import ScanRecord
from tests.fakes.http import CHECKSUM, Api
from tests.fakes.service import (
    FAILURE,
    HEALTHY,
    INCOMPLETE,
    MISMATCHES,
    NOW,
    FakeService,
    a_report,
    a_scan,
)

CHECK = "/api/integrity/check"


def exact(answer: httpx.Response) -> Any:
    """Read an answer without losing digits."""
    return json.loads(answer.text, parse_float=Decimal, parse_constant=pytest.fail)


async def get(service: FakeService, address: str = CHECK) -> httpx.Response:
    async with Api(service).client() as client:
        return await client.get(address)


async def test_a_healthy_check_is_as_designed() -> None:
    """It answers 200 with the design's keys, and how old what it says is."""
    answer = await get(FakeService())

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert exact(answer) == {
        "status": "healthy",
        "details": "All balances in sync across all 4 collections",
        "checked_users": 5,
        "checked_currencies": 12,
        "checked_balances": 20,
        "timestamp": "2025-12-22T01:29:30Z",
        "checksum": CHECKSUM,
        "scan_id": "scan-1",
        "mode": "full",
        "consistency": "snapshot",
        "duration_seconds": Decimal("0.25"),
        "mismatch_count": 0,
        "truncated": False,
        "incomplete": [],
        "mismatches": [],
        "age_seconds": 30,
    }


async def test_a_mismatch_answers_500() -> None:
    """The account and its four available amounts are there, digit by digit."""
    answer = await get(FakeService(FAILURE))
    found = exact(answer)

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/json"
    assert found["status"] == "INTEGRITY_FAILURE"
    assert found["message"] == "Balance mismatch detected across collections"
    assert {key: found["mismatches"][0][key] for key in ("user_id", "wallets", "in_sync")} == {
        "user_id": "abc123",
        "wallets": Decimal("0.001"),
        "in_sync": False,
    }
    assert '"crypto_balances": 0.0005,' in answer.text
    assert found["mismatches"][2]["user_id_type"] == "objectId"


async def test_an_incomplete_check_answers_503() -> None:
    """It says why, and when to ask again."""
    answer = await get(FakeService(INCOMPLETE))

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["status"] == "incomplete"
    assert answer.json()["reason"] == "The server did not answer."


async def test_a_mismatch_is_told_whatever_was_not_seen() -> None:
    """A scan that found something and could not look everywhere answers 500."""
    answer = await get(FakeService(a_report(MISMATCHES[0], incomplete=("One.",))))

    assert answer.status_code == 500
    assert answer.json()["incomplete"] == ["One."]


@pytest.mark.parametrize(
    "query, asked",
    [
        ("", (None, None)),
        ("?user_id=a", ("a", None)),
        ("?currency=BTC", (None, "BTC")),
        ("?user_id=a%20%2B+b&currency=%E2%82%AC", ("a + b", "€")),
        ("?user_id=two%0Alines", ("two\nlines", None)),
    ],
)
async def test_a_check_can_be_narrowed(query: str, asked: tuple[str | None, str | None]) -> None:
    """What old code stored can be looked up, whatever is forbidden to new ids."""
    service = FakeService()
    await get(service, CHECK + query)

    assert service.asked == [asked]


KEPT = a_scan(FAILURE)


@pytest.mark.parametrize(
    "seconds, last, status",
    [
        ("30", KEPT, 500),
        ("30.0", KEPT, 500),
        ("3e1", KEPT, 500),
        ("31536000", KEPT, 500),
        ("29.999999", KEPT, 200),
        ("0", KEPT, 200),
        ("60", None, 200),
        ("60", a_scan(None), 200),
    ],
)
async def test_the_last_full_scan_will_do_if_it_is_young_enough(
    seconds: str, last: ScanRecord | None, status: int
) -> None:
    """It began 30 s ago and found something; a scan made now finds nothing."""
    service = FakeService(HEALTHY, last=last)
    answer = await get(service, f"{CHECK}?max_age_seconds={seconds}")

    assert answer.status_code == status
    assert ((None, None) in service.asked) == (status == 200)
    assert exact(answer)["age_seconds"] == 30


async def test_each_report_is_told_as_it_is() -> None:
    """What is written once for many callers is never given for another report."""
    service = FakeService(FAILURE, last=a_scan(FAILURE))
    async with Api(service).client() as client:
        first, again = [await client.get(f"{CHECK}?max_age_seconds=60") for _ in range(2)]
        service.last = a_scan(replace(FAILURE, scan_id="scan-2"))
        other = await client.get(f"{CHECK}?max_age_seconds=60")
        live = await client.get(CHECK)

    assert first.content == again.content
    assert list(exact(first)) == list(exact(live))
    ids = [exact(answer)["scan_id"] for answer in (first, other, live)]
    assert ids == ["scan-1", "scan-2", "scan-1"]


async def test_a_scan_from_a_clock_ahead_is_new() -> None:
    """Another daemon's clock may be a little ahead: no age is below zero."""
    ahead = replace(HEALTHY, started_at=NOW + timedelta(seconds=2))
    answer = await get(FakeService(last=a_scan(ahead)), f"{CHECK}?max_age_seconds=0")

    assert exact(answer)["age_seconds"] == 0


@pytest.mark.parametrize(
    "error", [CannotLook, DatabaseUnavailable, ReadInterrupted, SnapshotTooOld]
)
async def test_scans_that_cannot_be_read_are_no_answer(error: type[ReconcilerError]) -> None:
    """A check that cannot ask for the last scan is incomplete, in the shape of a check."""
    answer = await get(FakeService(error=error("no answer")), f"{CHECK}?max_age_seconds=60")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["status"] == "incomplete"
    assert answer.json()["reason"] == "no answer"
    assert answer.json()["timestamp"] == "2025-12-22T01:30:00Z"


@pytest.mark.parametrize(
    "path, asked",
    [
        ("alice/BTC", ("alice", "BTC")),
        ("a%2Fb/B%2FC", ("a/b", "B/C")),
        ("a%252Fb/BTC", ("a%2Fb", "BTC")),
        ("a+b/BTC", ("a+b", "BTC")),
        ("%E2%82%AC%20%0A/BTC", ("€ \n", "BTC")),
        ("..%2F..%2Fcheck/BTC", ("../../check", "BTC")),
    ],
)
async def test_an_account_is_named_by_what_was_sent(path: str, asked: tuple[str, str]) -> None:
    """A slash within an id is no slash between two, and nothing is decoded twice."""
    service = FakeService()
    answer = await get(service, f"/api/integrity/explain/{path}")

    assert answer.status_code == 200
    assert service.asked == [asked]


async def test_an_account_is_explained() -> None:
    """Its copies, how far each is from the truth, and its last postings are there."""
    found = exact(await get(FakeService(FAILURE), "/api/integrity/explain/abc123/BTC"))

    assert found["status"] == "INTEGRITY_FAILURE"
    assert found["deltas"]["crypto_balances"]["available"] == Decimal("-0.0005")
    assert found["journal"][0]["op_id"] == "op-1"


async def test_an_account_that_is_nowhere_is_not_found() -> None:
    """Neither a copy nor a posting has it."""
    answer = await get(FakeService(), "/api/integrity/explain/nobody/BTC")

    assert answer.status_code == 404
    assert answer.json()["detail"] == "No collection and no journal entry has this account."


@pytest.mark.parametrize("path", ["a", "a/b/c", "a/b/", ""])
async def test_an_account_is_an_id_and_a_currency(path: str) -> None:
    """Fewer and more parts of the path are no account."""
    answer = await get(FakeService(), f"/api/integrity/explain/{path}")

    assert answer.status_code == 404
    assert answer.json()["title"] == "Not found"
