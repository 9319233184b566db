"""A place for daemons, and a database for them with an account in it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from bson import Decimal128
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.sync import BalanceSync
from tests.integration.sync.stored import make_indexes
from tests.observing.daemon import Daemon
from tests.observing.processes import Processes, processes

Database = AsyncDatabase[dict[str, Any]]
NewDaemon = Callable[..., Daemon]


@pytest.fixture
async def place() -> AsyncIterator[Processes]:
    async with processes() as opened:
        yield opened


@pytest.fixture
async def exchange(database: Database) -> Database:
    """A database in which alice and bob have a little."""
    await make_indexes(database)
    sync = BalanceSync(database)
    for user in ("alice", "bob"):
        await sync.credit(user, "BTC", "0.001", "deposit")
    return database


@pytest.fixture
def new_daemon(place: Processes, mongo_uri: str, exchange: Database) -> NewDaemon:
    """Makes daemons on that database; each keyword is a setting of the environment."""

    def make(**settings: str) -> Daemon:
        return Daemon(
            place,
            mongo_uri,
            exchange.name,
            {f"RECONCILER_{name}": text for name, text in settings.items()},
        )

    return make


async def drift(database: Database, user: str = "alice", amount: str = "-0.0005") -> None:
    """Write past the library, as old code does."""
    await database["crypto_balances"].update_one(
        {"user_id": user}, {"$inc": {"available_balance": Decimal128(amount)}}
    )
