"""Refuses to work on a server or a schema that cannot keep the library's promises."""

from collections.abc import Mapping
from typing import Any

import pymongo
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

from reconciler.errors import PostingFailed, SchemaNotReady, UnsupportedServer
from reconciler.model.mapping import Mappings
from reconciler.model.pause import PAUSES
from reconciler.model.schema import RequiredIndex, required_indexes
from reconciler.sync.transaction import Document

# MongoDB 6.0: https://www.mongodb.com/docs/manual/reference/command/hello/
_WIRE_VERSION_MIN = 17
_UNAUTHORIZED = 13
_NO_SUCH_COLLECTION = 26


class Readiness:
    """Checks a database once, before the first posting; a failed check is made again next time."""

    def __init__(
        self, database: AsyncDatabase[Document], mappings: Mappings, *, deadline_seconds: float
    ) -> None:
        self._database = database
        self._mappings = mappings
        self._deadline_seconds = deadline_seconds
        self._checked = False

    async def ensure(self) -> None:
        """Check the server, the unique indexes and the user's rights unless that was done before.

        Raises:
            UnsupportedServer: no replica set, or older than MongoDB 6.0.
            SchemaNotReady: a unique index is missing, or the pauses of repairs may not be read.
            PostingFailed: the server could not be asked.
        """
        if self._checked:
            return
        try:
            with pymongo.timeout(self._deadline_seconds):
                await self._check_server()
                for wanted in required_indexes(self._mappings):
                    await self._check_index(wanted)
                await self._check_pauses()
        except PyMongoError as error:
            raise PostingFailed(
                "the database could not be asked whether it is ready; nothing was written"
            ) from error
        self._checked = True

    async def _check_server(self) -> None:
        hello = await self._database.client.admin.command("hello")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise UnsupportedServer(
                "this MongoDB server is a standalone one, which has no transactions: run it as a "
                "replica set (one member is enough; start it with --replSet)"
            )
        if not hello.get("isWritablePrimary"):
            raise UnsupportedServer(
                "the connection leads to a member that is not the primary: leave directConnection "
                "out of the connection string, or wait for the election to end"
            )
        if hello.get("maxWireVersion", 0) < _WIRE_VERSION_MIN:
            raise UnsupportedServer("this MongoDB server is older than 6.0, the oldest supported")

    async def _check_pauses(self) -> None:
        """Try what every posting reads: a user who may not would learn it from a lost posting."""
        try:
            await self._database[PAUSES].find_one({}, {"_id": 1})
        except OperationFailure as error:
            if error.code != _UNAUTHORIZED:
                raise
            raise SchemaNotReady(
                f"the database user may not read {PAUSES}, where a repair asks postings to wait: "
                f"grant it the action find on {PAUSES}"
            ) from error

    async def _check_index(self, wanted: RequiredIndex) -> None:
        try:
            # An index that is still being built is listed, too, and keeps nothing unique yet; asked
            # so, the server lists it in another shape.
            listed = await self._database.command(
                {"listIndexes": wanted.collection, "includeBuildUUIDs": True}
            )
            indexes = listed["cursor"]["firstBatch"]
        except OperationFailure as error:
            if error.code != _NO_SUCH_COLLECTION:
                raise
            indexes = []
        if not any(_serves(index, wanted) for index in indexes):
            raise SchemaNotReady(
                f"{wanted.collection} has no finished unique index on "
                f"({', '.join(wanted.fields)}), without which racing postings double documents: "
                "run `reconciler db init`"
            )


def _serves(index: Mapping[str, Any], wanted: RequiredIndex) -> bool:
    return (
        bool(index.get("unique"))
        and "buildUUID" not in index
        and set(index.get("key", ())) == set(wanted.fields)
        and not index.get("partialFilterExpression")
        and not index.get("collation")
    )
