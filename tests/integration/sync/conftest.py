"""A database with the unique indexes, a library on it, and a way to read what is really stored."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.sync import BalanceSync
from tests.integration.sync.failing import NAME, Commands
from tests.integration.sync.recorder import Recorder
from tests.integration.sync.stored import Stored, make_indexes

Database = AsyncDatabase[dict[str, Any]]


@pytest.fixture
async def ready(database: Database) -> Database:
    """The test's database, with its indexes."""
    await make_indexes(database)
    return database


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def sync(ready: Database, recorder: Recorder) -> AsyncIterator[BalanceSync]:
    library = BalanceSync(ready, observer=recorder)
    yield library
    await library.close()


@pytest.fixture
def stored(ready: Database) -> Stored:
    return Stored(ready)


@pytest.fixture
def commands() -> Commands:
    """What the client of `faulty` sends."""
    return Commands()


@pytest.fixture
async def faulty(mongo_uri: str, ready: Database, commands: Commands) -> AsyncIterator[Database]:
    """The test's database through a client of its own, whose commands can be made to fail."""
    listening = AsyncMongoClient[dict[str, Any]](
        mongo_uri, appname=NAME, event_listeners=[commands]
    )
    async with listening as client:
        await client.admin.command("ping")
        yield client[ready.name]
