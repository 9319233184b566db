"""A made-up exchange of any size, the same for the same seed, in the field's shape."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from bson import Decimal128, ObjectId
from pymongo import AsyncMongoClient, WriteConcern
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.model.mapping import DEFAULT_MAPPINGS, CollectionMapping
from reconciler.model.schema import required_indexes

CURRENCIES = {"BTC": 8, "ETH": 18, "GBP": 2, "USDT": 6}
LOADED_AT = datetime(2025, 12, 22, 1, 30, tzinfo=UTC)
_BATCH_SIZE = 5_000

Database = AsyncDatabase[dict[str, Any]]


@dataclass(frozen=True)
class Population:
    """How many accounts, from which seed, and which share of them holds legacy doubles."""

    accounts: int
    seed: int
    double_share: float = 0.0

    def keys(self) -> Iterator[tuple[str, str]]:
        """Give the (user id, currency) of each account."""
        random_ids = random.Random(self.seed)
        for _ in range(0, self.accounts, len(CURRENCIES)):
            user_id = str(uuid.UUID(int=random_ids.getrandbits(128), version=4))
            for currency in CURRENCIES:
                yield user_id, currency

    def documents(self, mapping: CollectionMapping) -> Iterator[dict[str, Any]]:
        """Give a collection's documents; the amounts of an account are the same in all of them."""
        amounts = random.Random(self.seed + 1)
        for user_id, currency in islice(self.keys(), self.accounts):
            places = CURRENCIES[currency]
            available = Decimal(amounts.randrange(10**12)).scaleb(-places)
            locked = Decimal(amounts.randrange(10**9)).scaleb(-places)
            is_double = amounts.random() < self.double_share
            numbers = [available, locked, available + locked]
            stored = [float(n) if is_double else Decimal128(n) for n in numbers]
            yield {
                "_id": ObjectId(),
                mapping.account: user_id,
                "currency": currency,
                mapping.available: stored[0],
                mapping.locked: stored[1],
                str(mapping.total): stored[2],
                mapping.updated: LOADED_AT,
            }

    async def load(self, database: Database) -> None:
        """Fill the collections, make the indexes, and wait until a snapshot sees all of it.

        Raises:
            RuntimeError: a snapshot does not see as many accounts as were loaded.
        """
        for mapping in DEFAULT_MAPPINGS:
            collection = database[mapping.name].with_options(write_concern=WriteConcern(1))
            documents = self.documents(mapping)
            while batch := list(islice(documents, _BATCH_SIZE)):
                await collection.insert_many(batch, ordered=False)
        await make_indexes(database)
        # A majority write comes after all earlier writes, so those are on a majority, too.
        majority = database["loaded"].with_options(write_concern=WriteConcern("majority"))
        await majority.insert_one({"accounts": self.accounts})
        await majority.drop()
        await database.client.admin.command("fsync")
        async with database.client.start_session(snapshot=True) as session:
            for mapping in DEFAULT_MAPPINGS:
                seen = await database[mapping.name].count_documents({}, session=session)
                if seen != self.accounts:
                    raise RuntimeError(f"{mapping.name}: {seen} of {self.accounts} loaded")


async def make_indexes(database: Database) -> None:
    """Make the unique indexes that the library needs and that every reader may use."""
    for index in required_indexes(DEFAULT_MAPPINGS):
        await database[index.collection].create_index(
            [(name, 1) for name in index.fields],
            name=index.name,
            unique=True,
            sparse=index.sparse,
        )


def connect(uri: str) -> AsyncMongoClient[dict[str, Any]]:
    """Connect with the driver's default settings."""
    return AsyncMongoClient[dict[str, Any]](uri)
