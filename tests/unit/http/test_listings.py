"""Findings and scans, a page at a time."""

import httpx

from reconciler.model.comparison import MismatchKind
from reconciler.model.finding import FindingFilter, FindingState
from tests.fakes.http import Api
from tests.fakes.service import A_WRITE_ID, FAILURE, HEALTHY, FakeService

FINDINGS, SCANS = "/api/integrity/findings", "/api/integrity/scans"
BYPASSING = "/api/integrity/bypassing-writes"


async def get(service: FakeService, address: str) -> httpx.Response:
    async with Api(service).client() as client:
        return await client.get(address)


async def test_a_finding_is_the_mismatch_and_its_life() -> None:
    """What was seen last, and when it was seen first, confirmed and resolved."""
    answer = await get(FakeService(FAILURE), FINDINGS)
    found = answer.json()["findings"][0]

    assert answer.status_code == 200
    assert found["user_id"] == "abc123"
    assert found["kind"] == "amount"
    assert {key: found[key] for key in list(found)[-8:]} == {
        "finding_id": "00000000000000000000000000000000-000001",
        "state": "confirmed",
        "drift": 0.0005,
        "first_seen": "2025-12-22T01:29:30Z",
        "last_seen": "2025-12-22T01:30:00Z",
        "confirmed_at": "2025-12-22T01:30:00Z",
        "resolved_at": None,
        "scan_id": "scan-1",
    }


async def test_findings_are_filtered() -> None:
    """All filters hold at once; without any there are up to 100."""
    service = FakeService()
    await get(service, FINDINGS)
    await get(service, f"{FINDINGS}?state=confirmed&kind=amount&currency=BTC&limit=500")

    assert service.asked == [
        (FindingFilter(), None, 100),
        (FindingFilter(FindingState.CONFIRMED, MismatchKind.AMOUNT, "BTC"), None, 500),
    ]


async def test_a_page_leads_to_the_next() -> None:
    """A cursor goes back as it came; the last page has none."""
    service = FakeService(FAILURE)
    cursor = (await get(service, FINDINGS)).json()["next_cursor"]
    await get(service, f"{FINDINGS}?cursor={cursor}")

    assert service.asked[-1] == (
        FindingFilter(),
        "00000000000000000000000000000000-000001",
        100,
    )
    assert (await get(FakeService(), FINDINGS)).json()["next_cursor"] is None


async def test_scans_are_listed() -> None:
    """One that has a report has its counts; one that was interrupted has its reason."""
    service = FakeService(HEALTHY)
    answer = await get(service, f"{SCANS}?limit=2")
    finished, interrupted = answer.json()["scans"]

    assert answer.status_code == 200
    assert (finished["result"], finished["checked_balances"]) == ("healthy", 20)
    assert (interrupted["state"], interrupted["reason"]) == ("interrupted", "stopped")
    assert interrupted["result"] is None
    assert "checked_balances" not in interrupted

    await get(service, f"{SCANS}?cursor={answer.json()['next_cursor']}")

    assert service.asked == [(None, 2), (6, 100)]


async def test_a_cursor_of_another_list_is_none() -> None:
    """It is refused rather than read as something else."""
    cursor = (await get(FakeService(), SCANS)).json()["next_cursor"]

    assert (await get(FakeService(), f"{FINDINGS}?cursor={cursor}")).status_code == 422


async def test_bypassing_writes_are_named() -> None:
    """Whose copy it was, if that is known; the cursor leads on to older ones."""
    service = FakeService()
    answer = (await get(service, BYPASSING)).json()
    await get(service, f"{BYPASSING}?limit=1&cursor={answer['next_cursor']}")
    known, unknown = answer["bypassing_writes"]

    assert known == {
        "write_id": A_WRITE_ID,
        "collection": "wallets",
        "operation": "update",
        "document_id": "6b05d5eeb19712d5f9fe220a",
        "time": "2025-12-22T01:29:30Z",
        "seen_at": "2025-12-22T01:30:00Z",
        "user_id": "abc",
        "currency": "BTC",
    }
    assert (unknown["user_id"], unknown["currency"]) == (None, None)
    assert service.asked == [(None, 100), (A_WRITE_ID, 1)]
