"""The watch goes on where it was left, and says so where it cannot."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from bson import Decimal128, Timestamp
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.errors import Fenced
from reconciler.model.finding import Change
from reconciler.model.scan_record import ScanTrigger
from reconciler.scanning.ports import Selection
from reconciler.scanning.stopping import cancelled
from reconciler.storage.watch_positions import MongoPositions
from reconciler.sync import BalanceSync
from reconciler.watching.observer import Restart, ScanWanted
from reconciler.watching.rules import WatchOptions
from tests.integration.records.recorder import Records
from tests.integration.sync.stored import make_indexes
from tests.integration.watching.test_watching import drift, touch
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


async def kept(database: Database, position: dict[str, Any]) -> None:
    """Leave a position behind, as a daemon did that watched before."""
    await Records(database).lease.take("before", seconds=0.001)
    change = {"$set": {"watch": {"position": position}}}
    await database["leases"].update_one({"_id": "scanner"}, change)


@contextlib.asynccontextmanager
async def failing(
    database: Database, command: str, code: int, *, times: int
) -> AsyncIterator[None]:
    """Have the server refuse a command so often."""
    admin = database.client.admin
    await admin.command(
        {
            "configureFailPoint": "failCommand",
            "mode": {"times": times},
            "data": {"failCommands": [command], "errorCode": code},
        }
    )
    try:
        yield
    finally:
        await admin.command({"configureFailPoint": "failCommand", "mode": "off"})


async def test_a_restart_finds_what_was_written_meanwhile(
    database: Database, sync: BalanceSync
) -> None:
    """What was written while nobody watched is found, and nothing is counted twice."""
    async with Watched(database).leading() as first:
        assert first.heard.scans == [ScanWanted.FIRST_START]
        await touch(database, "bob")
        await first.bypassed(1)
    await drift(database, "alice")
    async with Watched(database).leading() as second:
        await second.confirmed("alice")
        await second.bypassed(1)
        await quiet(second)

    assert second.heard.scans == []
    assert [str(each.account) for each in second.heard.written] == ["alice/BTC"]


async def test_the_position_is_not_beyond_what_was_checked(
    database: Database, sync: BalanceSync
) -> None:
    """A watch that ends before it looked at an account leaves it to the next one."""
    slow = WatchOptions(settle_seconds=60.0, max_wait_seconds=60.0)
    async with Watched(database, options=slow).leading() as first:
        await drift(database, "alice")
        await first.bypassed(1)
        # Two postings later the position has been written down once more, for certain.
        await asyncio.sleep(1.5)
    async with Watched(database).leading() as second:
        await second.confirmed("alice")

    assert first.heard.checks == []
    assert second.heard.written == [], "it was written down before"


async def test_a_position_that_cannot_be_used_asks_for_a_full_scan(
    database: Database, sync: BalanceSync
) -> None:
    """What the server cannot go on from, only a full scan can know; then it watches on."""
    await kept(database, {"_data": "8200000001"})
    async with Watched(database).leading() as watched:
        await drift(database, "alice")
        await watched.confirmed("alice")
        stored = await watched.positions.load()

    assert watched.heard.restarts == [Restart.FATAL]
    assert watched.heard.scans == [ScanWanted.LOST]
    assert watched.scans_asked == 1
    assert stored != {"_data": "8200000001"}


async def test_a_lost_history_asks_for_a_full_scan(database: Database, sync: BalanceSync) -> None:
    """The server says that its oplog no longer reaches back so far."""
    position = None
    async with Watched(database).leading() as first:
        for _ in range(400):
            position = await first.positions.load()
            if position is not None:
                break
            await asyncio.sleep(0.05)
    async with failing(database, "aggregate", 286, times=1), Watched(database).leading() as second:
        await drift(database, "alice")
        await second.confirmed("alice")

    assert position is not None
    assert second.heard.restarts == [Restart.HISTORY_LOST]
    assert second.heard.scans == [ScanWanted.LOST]


async def test_a_dropped_collection_asks_for_a_full_scan(
    database: Database, sync: BalanceSync
) -> None:
    """Whatever it held is gone, without an event for each; so it is when one takes its name."""
    async with Watched(database).leading() as watched:
        await database["trader_balances"].drop()
        await until(lambda: len(watched.heard.scans) == 2, "a scan is asked for")
        await database["other"].insert_one({"x": 1})
        await database["other"].rename("trader_balances")
        await until(lambda: len(watched.heard.scans) == 3, "another one is")
        await drift(database, "alice")
        await watched.confirmed("alice")

    assert watched.heard.scans[1:] == [ScanWanted.COLLECTION_CHANGED] * 2
    assert watched.heard.restarts == []


async def test_a_dropped_database_begins_anew(
    client: AsyncMongoClient[dict[str, Any]], database: Database, sync: BalanceSync
) -> None:
    """The stream ends with it; the next one begins at once, with a full scan."""
    async with Watched(database).leading() as watched:
        await client.drop_database(database.name)
        # The lease is gone, too: nobody may write until somebody takes it.
        lease = await watched.records.lease.take(watched.holder, seconds=60)
        watched.led.token = lease.token
        await until(lambda: ScanWanted.LOST in watched.heard.scans, "a scan is asked for")
        await make_indexes(database)
        await until(lambda: watched.heard.is_watching, "it watches again")
        await database["wallets"].insert_one(
            {"user_id": "eve", "currency": "BTC", "available_balance": Decimal128("1")}
        )
        await watched.confirmed("eve")

    assert watched.heard.restarts == [Restart.INVALIDATED]


async def test_a_cut_connection_loses_nothing(database: Database, sync: BalanceSync) -> None:
    """A stream that fails is taken up again where everything was checked."""
    async with (
        Watched(database).leading() as watched,
        failing(database, "getMore", 11602, times=2),
    ):
        await drift(database, "alice")
        await watched.confirmed("alice")

    assert set(watched.heard.restarts) == {Restart.INTERRUPTED}
    assert watched.heard.scans == [ScanWanted.FIRST_START]
    assert [str(each.account) for each in watched.heard.written] == ["alice/BTC"]


async def test_who_lost_the_lease_moves_nothing(database: Database, sync: BalanceSync) -> None:
    """A position is stored under the lease's token alone, and so is a finding."""
    async with Watched(database).leading() as old:
        # As for a daemon that was frozen: another one leads, and it does not know yet.
        change = {"$inc": {"token": 1}, "$set": {"holder": "new"}}
        await database["leases"].update_one({"_id": "scanner"}, change)
        before = await old.positions.load()
        await drift(database, "alice")
        await until(lambda: not old.heard.is_watching, "it gave up")
        after = await old.positions.load()
        with pytest.raises(Fenced):
            await old.positions.store({"_data": "00"}, token=old.led.token or 0)

    assert before == after
    assert old.records.told.changes == []
    assert await database["integrity_findings"].count_documents({}) == 0


async def test_only_the_leader_watches(database: Database, sync: BalanceSync) -> None:
    """A follower reads nothing; when it leads it goes on where the other one was."""
    follower = Watched(database, holder="follower")
    following = asyncio.create_task(follower.watch.run())
    try:
        async with Watched(database).leading() as leader:
            await drift(database, "alice")
            await leader.confirmed("alice")
            assert follower.heard.reads == 0
        await drift(database, "bob")
        lease = await follower.records.lease.take("follower", seconds=60)
        follower.led.token = lease.token
        await follower.confirmed("bob")
    finally:
        await cancelled([following], again_seconds=0.1)

    assert ("alice", Change.DETECTED) not in follower.records.told.changes
    assert follower.heard.scans == []


async def test_a_standalone_server_is_not_watched(standalone_uri: str) -> None:
    """It keeps no history: that is said, and the daemon lives on."""
    async with AsyncMongoClient[dict[str, Any]](standalone_uri) as client:
        watched = Watched(client["alone"])
        watched.led.token = 1
        running = asyncio.create_task(watched.watch.run())
        await until(lambda: bool(watched.heard.unsupported_reasons), "it says so")
        assert not running.done()
        await cancelled([running], again_seconds=0.1)

    assert watched.heard.scans == []
    assert True not in watched.heard.active


async def test_a_position_is_read_as_it_was_stored(database: Database) -> None:
    """Whatever the server made of it."""
    await Records(database).lease.take("anybody", seconds=60)
    positions = MongoPositions(database)
    position = {"_data": "8201", "_typeBits": b"\x00$x", "$odd": {"time": Timestamp(1, 2)}}
    assert await positions.load() is None
    await positions.store(position, token=1)

    assert await positions.load() == position


async def test_a_check_leaves_the_full_scan_alone(database: Database, sync: BalanceSync) -> None:
    """The leader's full scan goes on beside its watch, each under the same token."""
    async with Watched(database).leading() as watched:
        scan = await watched.records.scans.begin(
            "full",
            Selection(),
            trigger=ScanTrigger.SCHEDULE,
            holder=watched.holder,
            token=watched.led.token,
        )
        await drift(database, "alice")
        await watched.confirmed("alice")
        still = await database["integrity_scans"].find_one({"_id": scan.scan_id})

    assert still is not None
    assert still["state"] == "running"
