"""The watch on a real replica set: what it finds, what it tells, and what it leaves alone."""

import time
from typing import Any

import pytest
from bson import Decimal128
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.sync import BalanceSync
from tests.integration.sync.stored import make_indexes
from tests.integration.watching.watching import Watched

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
