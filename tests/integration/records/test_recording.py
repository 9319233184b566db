"""Scans and findings as they are written down, and read back."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import bson
import pytest
from bson import Decimal128
from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient

from reconciler.errors import Fenced
from reconciler.model.comparison import MismatchKind
from reconciler.model.finding import Change, FindingFilter, FindingState, Sighting
from reconciler.model.report import ScanMode, Verdict
from reconciler.model.scan_record import ScanState, ScanTrigger
from reconciler.scanning.ports import Selection
from reconciler.storage.record_indexes import make_record_indexes
from tests.integration.records.recorder import Database, Records
from tests.integration.scanning.seeing import make_collections, put, put_alike

ONE = {"available_balance": Decimal128("1"), "locked_balance": Decimal128("0")}
TWO = {"available_balance": Decimal128("2"), "locked_balance": Decimal128("0")}
ALL = Selection()
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


async def drifted(database: Database, *users: object, currency: str = "BTC") -> None:
    """Store accounts whose wallets hold one more than the others."""
    for user in users:
        await put(database, "wallets", user, currency, **TWO)
        for name in ("crypto_balances", "trader_balances", "internal_balances"):
            await put(database, name, user, currency, **ONE)


async def mend(database: Database, **wanted: Any) -> None:
    await database["wallets"].update_many(wanted, {"$set": ONE})


async def scan(records: Records, selection: Selection = ALL, token: int | None = None) -> Verdict:
    done = await records.recorder.scan(selection, trigger=ScanTrigger.SCHEDULE, token=token)
    return done.report.verdict


async def test_a_drift_is_a_finding_until_it_is_gone(database: Database) -> None:
    """A mismatch is detected, confirmed and, once a scan saw it in sync, resolved."""
    records = Records(database)
    await drifted(database, "alice")
    await put_alike(database, "bob", "BTC", **ONE)
    assert await scan(records) is Verdict.INTEGRITY_FAILURE
    standing = await records.standing.standing()
    await mend(database)
    assert await scan(records) is Verdict.HEALTHY

    told = [("alice", change) for change in (Change.DETECTED, Change.CONFIRMED, Change.RESOLVED)]
    assert records.told.changes == told
    assert standing.is_failure
    assert standing.findings == {(MismatchKind.AMOUNT, "BTC", FindingState.CONFIRMED): 1}
    assert (standing.mismatched_users, standing.drift) == (1, {"BTC": Decimal(1)})
    after = await records.standing.standing()
    assert (after.is_failure, after.findings, after.oldest_first_seen) == (False, {}, None)
    assert after.verdict is Verdict.HEALTHY
    assert after.coverage is not None
    assert (after.coverage.accounts, after.coverage.users) == (2, 2)


async def test_what_is_read_back_is_what_was_seen(database: Database) -> None:
    """Every kind of mismatch comes back from the database as it was seen, to the digit."""
    records = Records(database)
    await make_collections(database)
    await drifted(database, "alice", 7, 7.5, Decimal128("1E-20"), None)
    await put_alike(database, "broken", "BTC", available_balance="many", locked_balance=0.1)
    await put(database, "wallets", "lone", "B\nTC", **ONE)
    await put(database, "crypto_balances", "lone", "other", **ONE)
    await put(database, "wallets", ..., "BTC", **ONE)
    await put(database, "wallets", ["a", "b"], "BTC", **ONE)
    for _ in range(60):
        await put(database, "wallets", "often", "BTC", **ONE)
    done = await records.recorder.scan(ALL, trigger=ScanTrigger.COMMAND)
    page = await records.findings.findings(FindingFilter(), after=None, limit=100)
    last = await records.scans.last_full()

    report = done.report
    assert report.mismatch_count == len(page.findings) == 14
    kinds = {finding.mismatch.account: finding.mismatch.kind for finding in page.findings}
    assert kinds == {mismatch.account: mismatch.kind for mismatch in report.mismatches}
    stored = {each.finding_id: each.mismatch for each in page.findings}
    seen = [m for m in report.mismatches if m.account.user_id.text != "often"]
    assert all(mismatch in stored.values() for mismatch in seen)
    assert last is not None
    assert last.report is not None
    assert (last.report.mismatch_count, last.report.by_kind) == (14, report.by_kind)
    assert last.report.duration_seconds == report.duration_seconds


async def test_ids_that_bson_cannot_hold(database: Database) -> None:
    """Bytes that are no UTF-8, and an id of a megabyte, are recorded escaped and cut."""
    records = Records(database)
    await make_collections(database)
    await drifted(database, "x" * 1_000_000)
    raw = bson.encode({"user_id": "XY", "currency": "BTC", **ONE}).replace(b"XY", b"\xff\xfe")
    await database["wallets"].insert_one(RawBSONDocument(raw))
    assert await scan(records) is Verdict.INTEGRITY_FAILURE
    page = await records.findings.findings(FindingFilter(), after=None, limit=10)

    texts = sorted(finding.account.user_id.text for finding in page.findings)
    assert [len(text) for text in texts] == [len(texts[0]), 1_001]
    assert "udcff" in texts[0]
    assert records.told.unrecorded == []
    assert await scan(records) is Verdict.INTEGRITY_FAILURE
    assert len(records.told.changes) == 4, "the same two findings"


async def test_narrowed_scans_resolve_only_what_they_looked_at(database: Database) -> None:
    """A scan of one user says nothing of the others."""
    records = Records(database)
    await drifted(database, "alice", "bob")
    await scan(records)
    await mend(database)
    assert await scan(records, Selection("alice")) is Verdict.HEALTHY
    page = await records.findings.findings(
        FindingFilter(state=FindingState.CONFIRMED), after=None, limit=10
    )
    assert [finding.account.user_id.text for finding in page.findings] == ["bob"]
    assert await scan(records, Selection(currency="ETH")) is Verdict.HEALTHY
    assert (await records.standing.standing()).is_failure
    await scan(records, Selection(currency="BTC"))

    assert not (await records.standing.standing()).is_failure
    modes = [record.mode for record in records.told.recorded]
    assert modes == [ScanMode.FULL, ScanMode.USER, ScanMode.CURRENCY, ScanMode.CURRENCY]


async def test_a_narrowed_scan_leaves_what_its_text_does_not_mean(database: Database) -> None:
    """A finding whose id only reads like the one that was typed stays open."""
    records = Records(database)
    long = "x" * 1_100
    odd: list[object] = [
        None,
        [],
        {"a": 1},
        bson.Binary(b"\1\2", 5),
        bson.Timestamp(1, 2),
        long + "a",
        long + "b",
    ]
    await make_collections(database)
    for user in odd:
        await database["wallets"].insert_one({"user_id": user, "currency": "BTC", **ONE})
    await scan(records)
    page = await records.findings.findings(FindingFilter(), after=None, limit=20)
    for finding in page.findings:
        await scan(records, Selection(user_id=finding.account.user_id.text))

    after = await records.findings.findings(FindingFilter(), after=None, limit=20)
    assert len(after.findings) == len(odd)
    assert all(each.is_open for each in after.findings)


async def test_a_scan_resolves_nothing_that_was_seen_while_it_ran(database: Database) -> None:
    """An older scan that is still at work may look after a younger one, and see a later drift."""
    records = Records(database)
    older, younger = [
        await records.scans.begin(name, ALL, trigger=ScanTrigger.REQUEST, holder=name, token=None)
        for name in ("older", "younger")
    ]
    await drifted(database, "alice")
    await scan(records)
    (finding,) = (await records.findings.findings(FindingFilter(), after=None, limit=5)).findings
    sighting = Sighting(finding.mismatch, finding.differences, is_confirmed=True)
    await database["integrity_findings"].delete_many({})
    await records.findings.note(older, sightings=[sighting], cleared=())
    await records.findings.resolve_unseen(younger)
    assert (await records.standing.standing()).is_failure

    await mend(database)
    await scan(records)
    assert not (await records.standing.standing()).is_failure


async def test_an_incomplete_scan_resolves_nothing(database: Database) -> None:
    """A scan that could not look everywhere leaves what it did not see."""
    records = Records(database)
    await drifted(database, "alice")
    await scan(records)
    await database.drop_collection("trader_balances")
    assert await scan(records) is Verdict.INCOMPLETE
    standing = await records.standing.standing()

    assert standing.is_failure
    assert standing.last_completion[ScanMode.FULL] > standing.last_success[ScanMode.FULL]


async def test_many_findings_are_written_in_batches(database: Database) -> None:
    """More findings than one transaction takes are all written, and all resolved."""
    records = Records(database)
    await make_record_indexes(database)
    users = [f"user{number:04}" for number in range(1_100)]
    await make_collections(database)
    for name, amounts in (("wallets", TWO), ("crypto_balances", ONE), ("internal_balances", ONE)):
        await database[name].insert_many(
            [{"user_id": user, "currency": "BTC", **amounts} for user in users]
        )
    await scan(records)
    standing = await records.standing.standing()
    await database["wallets"].delete_many({})
    await database["crypto_balances"].delete_many({})
    await database["internal_balances"].delete_many({})
    await scan(records)

    assert sum(standing.findings.values()) == standing.mismatched_users == 1_100
    assert (await records.standing.standing()).findings == {}
    assert len(records.told.changes) == 3_300


async def test_pages(database: Database) -> None:
    """Findings and scans are listed a page at a time, each once, and filtered."""
    records = Records(database)
    await drifted(database, "a", "b", "c")
    await drifted(database, "d", currency="ETH")
    for _ in range(3):
        await scan(records)
    seen, after = [], None
    for _ in range(4):
        page = await records.findings.findings(FindingFilter(), after=after, limit=1)
        seen += [finding.account.user_id.text for finding in page.findings]
        after = page.after
    first = await records.scans.scans(before=None, limit=2)
    second = await records.scans.scans(before=first.before, limit=2)
    ether = await records.findings.findings(FindingFilter(currency="ETH"), after=None, limit=9)
    nothing = await records.findings.findings(
        FindingFilter(kind=MismatchKind.ORPHAN), after=None, limit=9
    )

    assert (sorted(seen), after) == (["a", "b", "c", "d"], None)
    assert [scan.sequence for scan in (*first.scans, *second.scans)] == [3, 2, 1]
    assert second.before is None
    assert [finding.account.user_id.text for finding in ether.findings] == ["d"]
    assert nothing.findings == ()


async def test_who_took_over_shuts_the_last_holder_out(database: Database) -> None:
    """A scan under an older token can neither begin, nor note, nor end; the record says why."""
    records = Records(database)
    await drifted(database, "alice")
    old = await records.lease.take("old", seconds=0.05)
    running = await records.scans.begin(
        "late", ALL, trigger=ScanTrigger.SCHEDULE, holder="old", token=old.token
    )
    await asyncio.sleep(0.1)
    new = await records.lease.take("new", seconds=60)
    assert new.token == old.token + 1
    assert await records.scans.interrupt_orphans(token=new.token) == 1
    report = (await records.recorder.scan(ALL, trigger=ScanTrigger.SCHEDULE, token=2)).report

    with pytest.raises(Fenced):
        await records.scans.finish(running, report)
    with pytest.raises(Fenced):
        await records.findings.note(running, sightings=(), cleared=())
    with pytest.raises(Fenced):
        await records.findings.resolve_unseen(running)
    with pytest.raises(Fenced):
        await records.recorder.scan(ALL, trigger=ScanTrigger.SCHEDULE, token=old.token)
    scans = (await records.scans.scans(before=None, limit=10)).scans
    states = {scan.scan_id: scan.state for scan in scans}
    assert states.pop("late") is ScanState.INTERRUPTED
    assert list(states.values()) == [ScanState.FINISHED]
    assert (await records.standing.standing()).is_failure


async def test_the_token_alone_shuts_it_out(database: Database) -> None:
    """Before anybody marked its scan as interrupted, the last holder is refused all the same."""
    records = Records(database)
    await drifted(database, "alice")
    old = await records.lease.take("old", seconds=0.05)
    running = await records.scans.begin(
        "late", ALL, trigger=ScanTrigger.SCHEDULE, holder="old", token=old.token
    )
    report = (await records.recorder.scan(ALL, trigger=ScanTrigger.REQUEST)).report
    await asyncio.sleep(0.1)
    await records.lease.take("new", seconds=60)

    with pytest.raises(Fenced):
        await records.findings.note(running, sightings=(), cleared=())
    with pytest.raises(Fenced):
        await records.scans.finish(running, report)


async def test_a_scan_that_was_marked_as_interrupted_stays_so(database: Database) -> None:
    """One without a lease, too, cannot end once its record says that it has."""
    records = Records(database)
    running = await records.scans.begin(
        "late", ALL, trigger=ScanTrigger.COMMAND, holder="a shell", token=None
    )
    await database["integrity_scans"].update_one({}, {"$set": {"started_at": LONG_AGO}})
    assert await records.scans.interrupt_orphans(token=1) == 1
    report = (await records.recorder.scan(ALL, trigger=ScanTrigger.REQUEST)).report

    with pytest.raises(Fenced):
        await records.findings.note(running, sightings=(), cleared=())
    with pytest.raises(Fenced):
        await records.scans.finish(running, report)


async def test_a_cancelled_scan_is_recorded_as_interrupted(database: Database) -> None:
    """Whoever stops a scan finds it in the records as interrupted, and its suspects as suspects."""
    records = Records(database, settle_seconds=30)
    await drifted(database, "alice")
    task = asyncio.create_task(records.recorder.scan(ALL, trigger=ScanTrigger.SCHEDULE))
    for _ in range(1_000):
        if records.told.changes:
            break
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (record,) = records.told.recorded
    standing = await records.standing.standing()

    assert record.state is ScanState.INTERRUPTED
    assert standing.findings == {(MismatchKind.AMOUNT, "BTC", FindingState.SUSPECT): 1}
    assert not standing.is_failure
    assert standing.verdict is Verdict.INCOMPLETE, "no scan ever looked everywhere"


async def test_the_next_scan_confirms_a_suspect_at_its_first_look(database: Database) -> None:
    """A suspect that an interrupted scan left is confirmed as soon as another scan sees it."""
    interrupted = Records(database, settle_seconds=30)
    await drifted(database, "alice")
    task = asyncio.create_task(interrupted.recorder.scan(ALL, trigger=ScanTrigger.SCHEDULE))
    for _ in range(1_000):
        if interrupted.told.changes:
            break
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task})
    again = Records(database)
    await database["wallets"].update_many({}, {"$inc": {"available_balance": 5}})
    for name in ("crypto_balances", "trader_balances", "internal_balances"):
        await database[name].update_many({}, {"$inc": {"available_balance": 5}})
    await scan(again)

    assert again.told.changes == [("alice", Change.CONFIRMED)]


async def test_a_revision_grows_with_each_change(database: Database) -> None:
    """Whoever follows the revision reads the standing anew when it changed, and not otherwise."""
    records = Records(database)
    await put_alike(database, "alice", "BTC", **ONE)
    before = await records.standing.revision()
    await scan(records)
    after = await records.standing.revision()

    assert before < after == await records.standing.revision()


async def test_a_standalone_server(standalone_uri: str) -> None:
    """Where there are no transactions, findings are recorded one by one."""
    async with AsyncMongoClient[dict[str, Any]](standalone_uri) as client:
        database = client["standalone_records"]
        records = Records(database)
        await drifted(database, "alice")
        assert await scan(records) is Verdict.INTEGRITY_FAILURE
        await mend(database)
        assert await scan(records) is Verdict.HEALTHY
        await client.drop_database(database.name)

    assert [change for _, change in records.told.changes][-1] is Change.RESOLVED
    assert records.told.unrecorded == []
