"""The only way in which this library reads and writes: bound to a session.

One forgotten `session=` writes outside the transaction, silently. So no other file of this package
touches a collection, save the fence in `settlement.py`, which must be outside any transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import InsertOne, ReadPreference, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from reconciler.errors import RefusedByValidator

Document = dict[str, Any]

# Reading never fails on what old code left behind: years past 9999, texts that are not UTF-8.
CODEC_OPTIONS: CodecOptions[Document] = CodecOptions(
    tz_aware=True,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    unicode_decode_error_handler="replace",
)

_DUPLICATE_KEY = 11000
_REFUSED_BY_VALIDATOR = 121
# A collection may have a default collation under which other ids are equal.
BINARY_ORDER = {"locale": "simple"}


class Reading:
    """Aggregations within one session."""

    def __init__(self, session: AsyncClientSession, database: AsyncDatabase[Document]) -> None:
        self._session = session
        self._database = database.with_options(
            codec_options=CODEC_OPTIONS, read_preference=ReadPreference.PRIMARY
        )

    async def aggregate(
        self, pipeline: Sequence[Mapping[str, Any]], *, collection: str | None = None
    ) -> list[Document]:
        """Run a pipeline on a collection, or on the database, and give all that it yields."""
        source = self._database if collection is None else self._database[collection]
        cursor = await source.aggregate(pipeline, session=self._session, collation=BINARY_ORDER)
        async with cursor:
            return await cursor.to_list()


class Transaction(Reading):
    """One open transaction: reads its snapshot, and writes what becomes visible with its commit."""

    @property
    def session(self) -> AsyncClientSession:
        """The session, for a caller's own writes in the same transaction."""
        return self._session

    async def write(
        self, collection: str, operations: Sequence[InsertOne[Document] | UpdateOne]
    ) -> None:
        """Write to one collection, all or nothing with the rest of the transaction.

        Raises:
            DuplicateKey: a unique index refused an insert; the transaction is over.
            LostUpdate: an update found no document. Within a snapshot that cannot be, unless its
                `_id` cannot be written as it was read; the transaction must be given up.
            RefusedByValidator: the collection's validator refused it; the transaction is over.
        """
        try:
            result = await self._database[collection].bulk_write(operations, session=self._session)
        except BulkWriteError as error:
            refused = error.details.get("writeErrors") or [{}]
            if refused[0].get("code") == _DUPLICATE_KEY:
                raise DuplicateKey(str(refused[0].get("errmsg"))) from error
            if refused[0].get("code") == _REFUSED_BY_VALIDATOR:
                raise RefusedByValidator(collection) from error
            raise
        updates = sum(isinstance(operation, UpdateOne) for operation in operations)
        if result.matched_count != updates:
            raise LostUpdate(f"{updates - result.matched_count} documents of {collection} are gone")


class DuplicateKey(Exception):
    """A unique index refused an insert inside a transaction; never leaves this package."""


class LostUpdate(Exception):
    """An update inside a transaction matched nothing; never leaves this package."""


async def begin(session: AsyncClientSession, database: AsyncDatabase[Document]) -> Transaction:
    """Open a transaction: one snapshot for its reads, and a majority for its commit."""
    await session.start_transaction(
        read_concern=ReadConcern("snapshot"),
        write_concern=WriteConcern("majority"),
        read_preference=ReadPreference.PRIMARY,
    )
    return Transaction(session, database)
