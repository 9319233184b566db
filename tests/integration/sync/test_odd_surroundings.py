"""What surrounds a posting and is not as it should be: names, indexes, collations, tasks."""

import asyncio
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.errors import OutcomeUnknown, SchemaNotReady
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.schema import JOURNAL, required_indexes
from reconciler.sync import BalanceSync, Outcome
from tests.integration.sync.failing import Commands, failing
from tests.integration.sync.stored import Stored, make_indexes

D = Decimal
Database = AsyncDatabase[dict[str, Any]]


class Platform(str, Enum):  # noqa: UP042 - prints as Platform.FEES, which is what this is about
    """Names as code bases have them."""

    FEES = "PLATFORM_FEES"
    BTC = "BTC"


async def test_names_that_are_enums(sync: BalanceSync, stored: Stored) -> None:
    """An Enum of names means its characters, never what it prints as."""
    await sync.credit(Platform.FEES, Platform.BTC, "1", Platform.FEES, op_id=Platform.FEES)

    assert await stored.amounts("PLATFORM_FEES", "BTC") == {(D(1), D(0), D(1))}
    assert await sync.outcome("PLATFORM_FEES") is Outcome.APPLIED


async def open_again_and_again(database: Database) -> None:
    """Open libraries until one refuses, but not for ever."""
    for _ in range(100):
        await BalanceSync(database).open()
        await asyncio.sleep(0.05)


async def test_an_index_that_is_still_being_built(database: Database) -> None:
    """A unique index under construction keeps nothing unique yet, and is not taken for one."""
    await make_indexes(database)
    await database[JOURNAL].drop_index("reconciler_op_id")
    await database[JOURNAL].insert_one({"op_id": "an entry, so that there is something to build"})
    hang = "hangAfterStartingIndexBuildUnlocked"
    admin = database.client.admin
    await admin.command({"configureFailPoint": hang, "mode": "alwaysOn"})
    building = asyncio.create_task(make_indexes(database))
    try:
        with pytest.raises(SchemaNotReady, match="op_id"):
            await open_again_and_again(database)
    finally:
        await admin.command({"configureFailPoint": hang, "mode": "off"})
        await building
    await BalanceSync(database).open()


async def test_a_journal_with_a_collation_of_its_own(database: Database) -> None:
    """An op_id is told from one that only a collation takes for the same."""
    await database.create_collection(JOURNAL, collation={"locale": "en", "strength": 1})
    for index in required_indexes(DEFAULT_MAPPINGS):
        await database[index.collection].create_index(
            [(name, 1) for name in index.fields],
            name=index.name,
            unique=True,
            sparse=index.sparse,
            collation={"locale": "simple"},
        )
    sync = BalanceSync(database)
    await sync.credit("u", "BTC", "1", "deposit", op_id="op-alice")

    assert await sync.outcome("OP-ALICE") is Outcome.UNKNOWN
    assert not (await sync.credit("u", "BTC", "1", "deposit", op_id="OP-ALICE")).replayed


async def test_ids_that_are_arrays(database: Database) -> None:
    """A document whose id is an array is nobody's copy, although it matches its elements."""
    await make_indexes(database)
    await database["crypto_balances"].insert_one({"user_id": ["v"], "currency": "ETH"})
    await database["wallets"].insert_one({"user_id": "u", "currency": ["BTC"]})
    sync = BalanceSync(database)

    assert (await sync.balance("v", "ETH")).available == D(0)
    assert (await sync.balance("u", "BTC")).available == D(0)


async def test_all_tasks_cancelled_at_the_commit(
    ready: Database, faulty: Database, commands: Commands, sync: BalanceSync
) -> None:
    """Whoever cancels the library's own tasks as well is not told that nothing was written."""
    slow = BalanceSync(faulty)
    await slow.open()
    blocking = {"blockConnection": True, "blockTimeMS": 1000}
    async with failing(ready, "commitTransaction", mode="alwaysOn", **blocking):
        before = asyncio.all_tasks()
        posting = asyncio.create_task(slow.credit("u", "BTC", "1", "deposit", op_id="op"))
        await commands.sent("commitTransaction")
        for task in asyncio.all_tasks() - before - {posting}:
            if "Carrier" in repr(task.get_coro()):
                task.cancel()
        with pytest.raises(OutcomeUnknown):
            await posting
        await slow.close()

    assert await sync.outcome("op", settle=True) in {Outcome.APPLIED, Outcome.VOID}


async def test_own_writes_that_end_the_transaction(sync: BalanceSync) -> None:
    """A caller that commits or aborts within the posting is told that nobody knows what became."""

    async def commits(session: AsyncClientSession) -> None:
        await session.commit_transaction()

    with pytest.raises(OutcomeUnknown, match="ended the transaction itself"):
        await sync.credit("u", "BTC", "1", "deposit", op_id="op", within=commits)

    assert await sync.outcome("op") is Outcome.APPLIED
