"""The watch on a real replica set: what it finds, what it tells, and what it leaves alone."""

import asyncio
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.model.copies import Balance
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.explaining import Explainer
from reconciler.sync import BalanceSync, Leg
from reconciler.watching.observer import ScanWanted
from reconciler.watching.rules import WatchOptions
from tests.integration.sync.stored import ACCOUNT_FIELDS, TOTAL_FIELDS, make_indexes
from tests.integration.watching.watching import Watched, quiet, until

Database = AsyncDatabase[dict[str, Any]]


@pytest.fixture
async def sync(database: Database) -> BalanceSync:
    """The library on an exchange in which alice and bob have a little."""
    await make_indexes(database)
    made = BalanceSync(database)
    for user in ("alice", "bob"):
        await made.credit(user, "BTC", "1", "deposit")
    return made


async def drift(database: Database, user: str, amount: str = "-0.5") -> None:
    """Write past the library, into one collection."""
    await database["crypto_balances"].update_one(
        {"user_id": user}, {"$inc": {"available_balance": Decimal128(amount)}}
    )


async def add(
    database: Database, name: str, wanted: dict[str, Any], amount: str, session: Any = None
) -> None:
    """Change a copy as old code does."""
    change = dict.fromkeys(("available_balance", TOTAL_FIELDS[name]), Decimal128(amount))
    await database[name].update_one(wanted, {"$inc": change}, session=session)


async def touch(database: Database, user: str) -> None:
    """Write to an account without changing what it holds."""
    await database["wallets"].update_one({"user_id": user}, {"$inc": {"touched": 1}})


async def repair(database: Database, sync: BalanceSync, user: str) -> None:
    """Drift an account and put it right, as the guarded repair does."""
    await drift(database, user)
    explainer = Explainer(MongoBalanceStore(database, DEFAULT_MAPPINGS), DEFAULT_MAPPINGS)
    seen = await explainer.explain(user, "BTC")
    await sync.replace(seen.view, Balance(Decimal(1)), reason="repair", op_id=f"repair/{user}")


async def id_of(database: Database, name: str, user: str) -> str:
    document = await database[name].find_one({ACCOUNT_FIELDS[name]: user})
    assert document is not None
    return str(document["_id"])


async def test_a_drift_is_confirmed_soon_and_resolved_soon(
    database: Database, sync: BalanceSync
) -> None:
    """A bypassing write is a confirmed finding about a second later, and gone when it is undone."""
    async with Watched(database).leading() as watched:
        begun = time.monotonic()
        await drift(database, "alice")
        await watched.confirmed("alice")
        elapsed = time.monotonic() - begun
        standing = await watched.records.standing.standing()
        await drift(database, "alice", "0.5")
        await watched.resolved("alice")
        after = await watched.records.standing.standing()

    assert elapsed < 2.0
    assert standing.is_failure
    assert not after.is_failure
    record = await database["integrity_scans"].find_one({"mode": "watch"})
    assert record is not None
    assert (record["trigger"], record["state"]) == ("watch", "finished")
    assert watched.heard.latencies[0] < 2.0


async def test_what_is_written_copy_by_copy_is_not_looked_at_half_way(
    database: Database, sync: BalanceSync
) -> None:
    """Old code that writes one collection after the other is no drift while it is at it."""
    options = WatchOptions(settle_seconds=1.0, max_wait_seconds=30.0)
    async with Watched(database, options=options).leading() as watched:
        for name, field in ACCOUNT_FIELDS.items():
            await add(database, name, {field: "alice"}, "1")
            await asyncio.sleep(0.05)
        await until(lambda: watched.heard.accounts_checked > 0, "it was looked at")

    assert sum(mismatched for _, mismatched in watched.heard.checks) == 0
    assert watched.records.told.changes == []


async def test_a_busy_account_is_checked_all_the_same(
    database: Database, sync: BalanceSync
) -> None:
    """An account that is never quiet has its drift found by the longest wait."""
    options = WatchOptions(settle_seconds=10.0, max_wait_seconds=0.3)
    async with Watched(database, options=options).leading() as watched:
        await drift(database, "alice")

        async def write_and_look() -> bool:
            await touch(database, "alice")
            return bool(watched.heard.checks)

        await until(write_and_look, "the busy account is looked at", within_seconds=5)

    assert watched.heard.checks[0] == (1, 1)


async def test_the_librarys_traffic_is_neither_drift_nor_bypassing(
    database: Database, sync: BalanceSync
) -> None:
    """Postings on old and new accounts, on one and on many, and a repair: all accounted for."""
    async with Watched(database).leading() as watched:

        async def call(number: int) -> None:
            for turn in range(6):
                user = f"user-{number % 4}"
                await sync.credit(user, "BTC", "5", "traffic")
                await sync.lock(user, "BTC", "1", "traffic")
                legs = [Leg(user, "BTC", "-1"), Leg(f"new-{number}-{turn}", "BTC", "1")]
                await sync.post(legs, reason="traffic")
                await sync.update(user, "BTC", "1", "-1", "unlock")

        await asyncio.gather(*(call(number) for number in range(8)))
        await repair(database, sync, "bob")
        await sync.outcome("never", settle=True)
        await quiet(watched)
        await until(lambda: watched.heard.accounts_checked >= 8 * 6 + 4, "all were checked")
        page = await watched.bypassing.page(before=None, limit=10)

    # The drift that the repair put right was written past the library, on purpose.
    assert [(each.collection, each.document_id) for each in page.writes] == [
        ("crypto_balances", await id_of(database, "crypto_balances", "bob"))
    ]
    assert not (await watched.records.standing.standing()).findings
    assert {user for user, _ in watched.records.told.changes} <= {"bob"}
    assert watched.heard.restarts == []


async def test_a_bypassing_write_is_told_though_all_copies_agree(
    database: Database, sync: BalanceSync
) -> None:
    """Whoever writes all four collections alike, without the journal, is seen all the same."""
    async with Watched(database).leading() as watched:
        for name, field in ACCOUNT_FIELDS.items():
            await add(database, name, {field: "alice"}, "1")
        written = await watched.bypassed(4)
        await until(lambda: watched.heard.accounts_checked > 0, "it was looked at")
        page = await watched.bypassing.page(before=None, limit=3)
        rest = await watched.bypassing.page(before=page.before, limit=3)

    assert {each.collection for each in written} == set(ACCOUNT_FIELDS)
    assert {str(each.account) for each in written} == {"alice/BTC"}
    assert {each.operation.value for each in written} == {"update"}
    assert abs((written[0].time - datetime.now(UTC)).total_seconds()) < 60
    assert written[0].document_id == await id_of(database, written[0].collection, "alice")
    kept = [each.write_id for each in (*page.writes, *rest.writes)]
    assert kept == sorted((each.write_id for each in written), reverse=True)
    assert rest.before is None
    assert watched.records.told.changes == []


async def test_a_transaction_without_an_entry_is_bypassing(
    database: Database, sync: BalanceSync
) -> None:
    """Old code that uses a transaction is old code all the same; what is undone is nothing."""
    async with Watched(database).leading() as watched:
        async with database.client.start_session() as session, await session.start_transaction():
            for name, field in ACCOUNT_FIELDS.items():
                await add(database, name, {field: "alice"}, "1", session)
        async with database.client.start_session() as session:
            await session.start_transaction()
            await add(database, "wallets", {"user_id": "bob"}, "1", session)
            await session.abort_transaction()
        written = await watched.bypassed(4)
        await quiet(watched)

    assert [str(each.account) for each in written] == ["alice/BTC"] * 4


async def test_who_rides_on_a_posting_is_bypassing(database: Database, sync: BalanceSync) -> None:
    """A write to another account, or a second one to the same, within a posting's transaction."""
    async with Watched(database).leading() as watched:

        async def to_another(session: Any) -> None:
            await add(database, "wallets", {"user_id": "bob"}, "1", session)

        async def to_the_same(session: Any) -> None:
            await add(database, "trader_balances", {"trader_id": "alice"}, "1", session)

        await sync.post([Leg("alice", "BTC", "1")], reason="ride", within=to_another)
        await sync.post([Leg("alice", "BTC", "1")], reason="ride", within=to_the_same)
        written = await watched.bypassed(2)
        await watched.confirmed("bob")
        await watched.confirmed("alice")

    found = [(each.collection, str(each.account)) for each in written]
    assert found == [("wallets", "bob/BTC"), ("trader_balances", "alice/BTC")]


async def test_a_deleted_copy_is_missing(database: Database, sync: BalanceSync) -> None:
    """A deletion does not say whose copy it was; whoever was seen before is known."""
    async with Watched(database).leading() as watched:
        await sync.credit("alice", "BTC", "1", "seen")
        await quiet(watched)
        await database["trader_balances"].delete_one({"trader_id": "alice"})
        written = await watched.bypassed(1)
        await watched.confirmed("alice")

    assert str(written[0].account) == "alice/BTC"
    assert ScanWanted.UNKNOWN_OWNER not in watched.heard.scans


async def test_a_deletion_of_the_unknown_asks_for_a_full_scan(
    database: Database, sync: BalanceSync
) -> None:
    """Nobody can say whose it was: a full scan can; many deletions ask for one."""
    async with Watched(database).leading() as watched:
        await database["trader_balances"].delete_one({"trader_id": "alice"})
        await database["trader_balances"].delete_one({"trader_id": "bob"})
        written = await watched.bypassed(2)
        await quiet(watched)

    assert [each.account for each in written] == [None, None]
    assert watched.heard.scans.count(ScanWanted.UNKNOWN_OWNER) == 1


async def test_a_copy_that_changes_hands_is_two_accounts(
    database: Database, sync: BalanceSync
) -> None:
    """Both are checked: who had it before, if that is known, and who has it now."""
    async with Watched(database).leading() as watched:
        await sync.credit("alice", "BTC", "1", "seen")
        await quiet(watched)
        await database["wallets"].update_one({"user_id": "alice"}, {"$set": {"user_id": "eve"}})
        await watched.confirmed("alice")
        await watched.confirmed("eve")

    assert ScanWanted.UNKNOWN_OWNER not in watched.heard.scans


async def test_a_document_without_an_owner_is_found(database: Database, sync: BalanceSync) -> None:
    """What belongs to no account is a finding by its `_id`, and a bypassing write of nobody."""
    async with Watched(database).leading() as watched:
        await database["wallets"].insert_one({"currency": "BTC", "available_balance": 1})
        await database["wallets"].insert_one({"user_id": ["a"], "currency": "BTC"})
        written = await watched.bypassed(2)
        await until(lambda: len(watched.records.told.changes) >= 4, "both are confirmed")

    assert [each.account for each in written] == [None, None]


async def test_what_is_known_is_not_recorded_again(database: Database, sync: BalanceSync) -> None:
    """A busy drifted account is one finding of one check, not one of each second."""
    async with Watched(database).leading() as watched:
        await drift(database, "alice")
        await watched.confirmed("alice")
        for _ in range(3):
            checks = len(watched.heard.checks)
            await drift(database, "alice")
            await watched.checked_more_than(checks)
        records = await database["integrity_scans"].count_documents({})

    assert records == 1
    assert len(watched.records.told.changes) == 2


async def test_the_oldest_bypassing_writes_make_room(database: Database, sync: BalanceSync) -> None:
    """However much old code writes, so many are kept, the youngest; all are told."""
    async with Watched(database, kept_max=5, batch_events_max=4).leading() as watched:
        for _ in range(12):
            await add(database, "wallets", {"user_id": "alice"}, "1")
        written = await watched.bypassed(12)
        await quiet(watched)
        page = await watched.bypassing.page(before=None, limit=100)

    youngest = sorted((each.write_id for each in written), reverse=True)[:5]
    assert [each.write_id for each in page.writes] == youngest


async def test_memory_is_bounded_however_much_is_written(
    database: Database, sync: BalanceSync
) -> None:
    """While many accounts wait nothing is read, and nothing waits to fall quiet; all are seen."""
    options = WatchOptions(settle_seconds=60.0, max_wait_seconds=60.0, pending_max=20)
    users = [f"user-{number:03d}" for number in range(150)]
    async with Watched(database, options=options, batch_events_max=10).leading() as watched:
        await database["wallets"].insert_many(
            [
                {"user_id": user, "currency": "BTC", "available_balance": Decimal128("1")}
                for user in users
            ]
        )
        await watched.bypassed(len(users))

    assert watched.heard.pending_max <= 20 + 10
    assert watched.heard.accounts_checked >= len(users) - 20
