"""Faults of the server and the network: what callers are told, and what becomes of the accounts."""

import asyncio
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.embedded import EmbeddedMongo
from reconciler.errors import (
    DatabaseUnavailable,
    DeadlineExceeded,
    OperationVoided,
    OutcomeUnknown,
    PostingFailed,
    PostingRefused,
)
from reconciler.sync import BalanceSync, Outcome
from tests.integration.sync.failing import Commands, failing
from tests.integration.sync.recorder import Recorder
from tests.integration.sync.stored import Stored, make_indexes

D = Decimal
Database = AsyncDatabase[dict[str, Any]]


async def test_a_lost_connection_at_commit_is_asked_again(
    ready: Database, faulty: Database, stored: Stored
) -> None:
    """A commit whose connection breaks several times is asked for again, and applied once."""
    sync = BalanceSync(faulty)
    async with failing(ready, "commitTransaction", mode={"times": 5}, closeConnection=True):
        await sync.credit("u", "BTC", "1", "deposit")

    assert await stored.amounts("u", "BTC") == {(D(1), D(0), D(1))}
    assert await stored.replayed("u", "BTC") == (D(1), D(0))


UNKNOWN_RESULTS: list[dict[str, Any]] = [
    {"errorCode": 50},  # MaxTimeMSExpired: the commit did not run, but nobody can tell
    {"writeConcernError": {"code": 64, "errmsg": "no majority in time"}},  # it did run
]


@pytest.mark.parametrize("result", UNKNOWN_RESULTS, ids=str)
async def test_a_commit_of_unknown_result_is_asked_again(
    ready: Database, faulty: Database, stored: Stored, result: dict[str, Any]
) -> None:
    """An answer that leaves the commit open, which the driver gives back, is asked for again."""
    sync = BalanceSync(faulty)
    await sync.open()
    async with failing(ready, "commitTransaction", mode={"times": 3}, **result):
        await sync.credit("u", "BTC", "1", "deposit")

    assert await stored.amounts("u", "BTC") == {(D(1), D(0), D(1))}
    assert await stored.replayed("u", "BTC") == (D(1), D(0))


@pytest.mark.parametrize("command", ["aggregate", "update", "insert", "commitTransaction"])
async def test_a_conflict_is_tried_again(
    ready: Database, faulty: Database, stored: Stored, command: str
) -> None:
    """A write conflict at any command repeats the whole posting under the same op_id."""
    recorder = Recorder()
    sync = BalanceSync(faulty, observer=recorder)
    await sync.credit("u", "BTC", "1", "deposit")
    labels = ["TransientTransactionError"]
    async with failing(ready, command, mode={"times": 3}, errorCode=112, errorLabels=labels):
        await sync.credit("u", "BTC", "1", "deposit", op_id="op")

    assert await stored.amounts("u", "BTC") == {(D(2), D(0), D(2))}
    assert recorder.of("retried") == ["op"] * 3


@pytest.mark.parametrize("command", ["aggregate", "update", "insert"])
async def test_a_lost_connection_before_the_commit(
    ready: Database, faulty: Database, stored: Stored, command: str
) -> None:
    """A connection that breaks before the commit costs an attempt, not the posting."""
    sync = BalanceSync(faulty)
    await sync.credit("u", "BTC", "1", "deposit")
    async with failing(ready, command, mode={"times": 1}, closeConnection=True):
        await sync.debit("u", "BTC", "1", "withdrawal")

    assert await stored.amounts("u", "BTC") == {(D(0), D(0), D(0))}
    assert await stored.replayed("u", "BTC") == (D(0), D(0))


async def test_a_refusing_server(ready: Database, faulty: Database, stored: Stored) -> None:
    """An error that no repetition can help is `PostingFailed`, with the driver's behind it."""
    sync = BalanceSync(faulty)
    await sync.open()
    async with failing(ready, "update", "insert", mode="alwaysOn", errorCode=13):
        with pytest.raises(PostingFailed, match="nothing was written") as failed:
            await sync.credit("u", "BTC", "1", "deposit")

    assert isinstance(failed.value.__cause__, pymongo.errors.OperationFailure)
    assert not any((await stored.everything()).values())


async def set_lifetime(database: Database, *, seconds: int) -> None:
    """Set for how long the server lets a transaction be open that nobody ends."""
    name = "transactionLifetimeLimitSeconds"
    await database.client.admin.command({"setParameter": 1, name: seconds})


async def test_the_deadline_before_the_commit(
    ready: Database, faulty: Database, sync: BalanceSync, stored: Stored
) -> None:
    """A posting stuck before its commit is undone at the deadline, and frees its account."""
    await sync.credit("u", "BTC", "5", "deposit")
    slow = BalanceSync(faulty, deadline_seconds=1.5)
    await slow.open()
    started = time.monotonic()
    # The journal's insert is the last write: by then all four copies are locked. The driver's own
    # way to undo the transaction hangs, too.
    commands = ("insert", "abortTransaction")
    await set_lifetime(ready, seconds=60)
    async with failing(ready, *commands, mode="alwaysOn", blockConnection=True, blockTimeMS=6000):
        with pytest.raises(DeadlineExceeded, match="nothing was written"):
            await slow.debit("u", "BTC", "1", "withdrawal", op_id="late")
        assert time.monotonic() - started < 4.5
        await sync.debit("u", "BTC", "2", "withdrawal")
        assert time.monotonic() - started < 5.9, "the account had to wait for the stuck posting"

    await set_lifetime(ready, seconds=3)
    await slow.close()
    assert await sync.outcome("late") is Outcome.UNKNOWN
    assert await sync.outcome("late", settle=True) is Outcome.VOID
    assert await stored.amounts("u", "BTC") == {(D(3), D(0), D(3))}


async def test_the_callers_own_timeout(ready: Database, faulty: Database, stored: Stored) -> None:
    """A `pymongo.timeout` around the call ends it before the commit, never the commit."""
    sync = BalanceSync(faulty)
    await sync.open()
    async with failing(
        ready, "update", "insert", mode="alwaysOn", blockConnection=True, blockTimeMS=900
    ):
        with pymongo.timeout(0.3), pytest.raises(DeadlineExceeded):
            await sync.credit("u", "BTC", "1", "deposit")
    blocking = {"blockConnection": True, "blockTimeMS": 2500}
    async with failing(ready, "commitTransaction", mode="alwaysOn", **blocking):
        with pymongo.timeout(2):
            await sync.credit("v", "BTC", "1", "deposit")

    assert not any((await stored.documents("u", "BTC")).values())
    assert await stored.amounts("v", "BTC") == {(D(1), D(0), D(1))}


async def test_the_deadline_at_the_commit(
    ready: Database, faulty: Database, sync: BalanceSync, stored: Stored
) -> None:
    """A commit not answered by the deadline is unknown, goes on, and `close` waits for it."""
    recorder = Recorder()
    slow = BalanceSync(faulty, deadline_seconds=1.5, observer=recorder)
    await slow.open()
    blocking = {"blockConnection": True, "blockTimeMS": 3000}
    async with failing(ready, "commitTransaction", mode="alwaysOn", **blocking):
        with pytest.raises(OutcomeUnknown, match="slow-op") as unknown:
            await slow.credit("u", "BTC", "1", "deposit", op_id="slow-op")
        assert await sync.outcome("slow-op") is Outcome.UNKNOWN
        await slow.close()
        assert await sync.outcome("slow-op") is Outcome.APPLIED

    assert unknown.value.op_id == "slow-op"
    assert recorder.of("unknown") == ["slow-op"]
    assert await stored.amounts("u", "BTC") == {(D(1), D(0), D(1))}
    assert (await sync.credit("u", "BTC", "1", "deposit", op_id="slow-op")).replayed


async def test_a_cancellation_at_the_commit(
    ready: Database, faulty: Database, commands: Commands, sync: BalanceSync, stored: Stored
) -> None:
    """A task cancelled at its commit learns that the outcome is unknown, not that it failed."""
    slow = BalanceSync(faulty)
    await slow.open()
    blocking = {"blockConnection": True, "blockTimeMS": 1500}
    async with failing(ready, "commitTransaction", mode="alwaysOn", **blocking):
        posting = asyncio.create_task(slow.credit("u", "BTC", "1", "deposit", op_id="op"))
        await commands.sent("commitTransaction")
        posting.cancel()
        with pytest.raises(OutcomeUnknown):
            await posting
        await slow.close()

    assert await sync.outcome("op") is Outcome.APPLIED
    assert await stored.amounts("u", "BTC") == {(D(1), D(0), D(1))}


async def test_a_cancelled_commit_is_carried_on(
    ready: Database, faulty: Database, commands: Commands, sync: BalanceSync, stored: Stored
) -> None:
    """A commit that has to be asked for again is, although its caller was cancelled meanwhile."""
    slow = BalanceSync(faulty)
    await slow.open()
    answer = {"blockConnection": True, "blockTimeMS": 1500, "errorCode": 50}
    async with failing(ready, "commitTransaction", mode={"times": 1}, **answer):
        posting = asyncio.create_task(slow.credit("u", "BTC", "1", "deposit", op_id="op"))
        await commands.sent("commitTransaction")
        await asyncio.sleep(0.3)  # it is with the server, which holds it back
        posting.cancel()
        with pytest.raises(OutcomeUnknown):
            await posting
        await slow.close()

    assert await sync.outcome("op") is Outcome.APPLIED
    assert await stored.amounts("u", "BTC") == {(D(1), D(0), D(1))}


async def test_settling_waits_for_a_posting_under_way(
    ready: Database, faulty: Database, commands: Commands, sync: BalanceSync
) -> None:
    """A settlement waits for an open transaction with its op_id, and tells how that ended."""
    slow = BalanceSync(faulty)
    await slow.open()
    blocking = {"blockConnection": True, "blockTimeMS": 1500}
    async with failing(ready, "commitTransaction", mode="alwaysOn", **blocking):
        posting = asyncio.create_task(slow.credit("u", "BTC", "1", "deposit", op_id="op"))
        await commands.sent("commitTransaction")
        assert await sync.outcome("op", settle=True) is Outcome.APPLIED
        await posting


async def test_a_settled_void_is_for_ever(
    ready: Database, faulty: Database, commands: Commands, sync: BalanceSync, stored: Stored
) -> None:
    """A posting under way whose op_id is settled as void meanwhile can no longer be applied."""
    slow = BalanceSync(faulty)
    await slow.open()
    async with failing(ready, "insert", mode={"times": 1}, blockConnection=True, blockTimeMS=2000):
        posting = asyncio.create_task(slow.credit("u", "BTC", "1", "deposit", op_id="op"))
        await commands.sent("insert")
        assert await sync.outcome("op", settle=True) is Outcome.VOID
        with pytest.raises(OperationVoided):
            await posting

    with pytest.raises(OperationVoided):
        await sync.credit("u", "BTC", "1", "deposit", op_id="op")
    assert await sync.outcome("op") is Outcome.VOID
    assert await sync.outcome("op", settle=True) is Outcome.VOID
    assert not any((await stored.documents("u", "BTC")).values())


async def test_many_voids(sync: BalanceSync) -> None:
    """Any number of op_ids can be settled, also one twice at once."""
    settled = await asyncio.gather(
        *(sync.outcome(f"op-{number % 5}", settle=True) for number in range(20))
    )

    assert set(settled) == {Outcome.VOID}


async def test_a_frozen_server(mongod_path: Path) -> None:
    """Calls end by their deadline while the server is frozen; then the accounts are free."""
    async with (
        EmbeddedMongo(mongod_path=mongod_path) as server,
        AsyncMongoClient[dict[str, Any]](server.uri) as client,
    ):
        database = client["exchange"]
        await make_indexes(database)
        sync = BalanceSync(database, deadline_seconds=1.0)
        await sync.credit("u", "BTC", "5", "deposit")
        await server.members[0].freeze()
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await sync.debit("u", "BTC", "1", "withdrawal", op_id="frozen")
        with pytest.raises(DatabaseUnavailable):
            await sync.outcome("frozen")
        with pytest.raises(DatabaseUnavailable):
            await sync.balance("u", "BTC")
        assert time.monotonic() - started < 6.0
        await server.members[0].resume()
        patient = BalanceSync(database)
        await patient.debit("u", "BTC", "2", "withdrawal")

        assert await patient.outcome("frozen", settle=True) is Outcome.VOID
        assert await Stored(database).amounts("u", "BTC") == {(D(3), D(0), D(3))}
        await sync.close()


async def test_a_server_that_is_not_there() -> None:
    """Without a server a posting is refused within its deadline, and nothing is unknown."""
    async with AsyncMongoClient[dict[str, Any]]("mongodb://127.0.0.1:1/") as client:
        sync = BalanceSync(client["exchange"], deadline_seconds=0.5)
        started = time.monotonic()
        with pytest.raises(PostingRefused, match="nothing was written"):
            await sync.credit("u", "BTC", "1", "deposit")
        assert time.monotonic() - started < 3.0


async def test_elections_under_traffic(mongod_path: Path) -> None:
    """Step-downs and a killed primary lose no posting, double none, and leave no outcome open."""
    async with (
        EmbeddedMongo(members=3, mongod_path=mongod_path) as server,
        AsyncMongoClient[dict[str, Any]](server.uri) as client,
    ):
        database = client["exchange"]
        await make_indexes(database)
        sync = BalanceSync(database)
        told: dict[str, str] = {}
        done = asyncio.Event()

        async def caller(number: int) -> None:
            count = 0
            while not done.is_set() and count < 400:
                count += 1
                op_id = f"op-{number}-{count}"
                try:
                    await sync.credit(f"u{number % 4}", "BTC", "1", "deposit", op_id=op_id)
                    told[op_id] = "applied"
                except PostingRefused:
                    told[op_id] = "refused"
                except OutcomeUnknown:
                    told[op_id] = "unknown"

        callers = [asyncio.create_task(caller(number)) for number in range(8)]
        await asyncio.sleep(0.5)
        await server.step_down()
        await asyncio.sleep(3.0)
        primary = await server.primary()
        await primary.kill()
        await asyncio.sleep(4.0)
        done.set()
        await asyncio.gather(*callers)

        applied = 0
        for op_id, seen in told.items():
            outcome = await sync.outcome(op_id, settle=True)
            assert outcome is not Outcome.UNKNOWN
            if seen != "unknown":
                assert (outcome is Outcome.APPLIED) is (seen == "applied")
            applied += outcome is Outcome.APPLIED
        stored = Stored(database)
        total = sum([(await stored.replayed(f"u{n}", "BTC"))[0] for n in range(4)], D(0))
        assert total == applied > 0
        for number in range(4):
            ((available, _, _),) = await stored.amounts(f"u{number}", "BTC")
            assert (available, D(0)) == await stored.replayed(f"u{number}", "BTC")
        await sync.close()
