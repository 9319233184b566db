"""Transactions of the daemon's own records: repeated while that can help, in bounded time.

For records alone, never for balances: those are in the hands of `reconciler.sync`.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pymongo
from pymongo import AsyncMongoClient, ReadPreference
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from reconciler.storage.server import probe, translating
from reconciler.storage.wire import CODEC_OPTIONS

T = TypeVar("T")

WRITE_SECONDS_MAX = 10.0

Client = AsyncMongoClient[dict[str, Any]]
Database = AsyncDatabase[dict[str, Any]]
Work = Callable[[AsyncClientSession | None], Awaitable[T]]


def own_records(database: Database) -> Database:
    """Give the database as records are read and written: from and to a majority, on the primary."""
    return database.with_options(
        codec_options=CODEC_OPTIONS,
        read_preference=ReadPreference.PRIMARY,
        read_concern=ReadConcern("majority"),
        write_concern=WriteConcern("majority"),
    )


class Transactions:
    """Runs work in transactions, or without where the server is standalone and has none."""

    def __init__(self, database: Database, *, seconds_max: float = WRITE_SECONDS_MAX) -> None:
        self._client: Client = database.client
        self._seconds_max = seconds_max
        self._has_transactions: bool | None = None

    async def run(self, what: str, work: Work[T]) -> T:
        """Run `work` in one transaction; it may run again, and gets None where there are none.

        Raises:
            ReadInterrupted, CannotLook, DatabaseUnavailable: it could not be done, or not in time.
        """
        if self._has_transactions is None:
            server = await probe(self._client)
            self._has_transactions = server.has_snapshots
        with translating(what, is_write=True), pymongo.timeout(self._seconds_max):
            if not self._has_transactions:
                return await work(None)
            async with self._client.start_session() as session:
                return await session.with_transaction(
                    work,
                    read_concern=ReadConcern("snapshot"),
                    write_concern=WriteConcern("majority"),
                    read_preference=ReadPreference.PRIMARY,
                )
