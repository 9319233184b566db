"""Finds documents with the driver, within one session."""

from collections.abc import Mapping
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection

from reconciler.storage.calls import Calls
from reconciler.storage.journal import Entry
from reconciler.storage.shape import SIMPLE_COLLATION


class MongoFinding:
    """Finds documents of one collection, as of the session's moment if it has one."""

    def __init__(
        self,
        collection: AsyncCollection[dict[str, Any]],
        calls: Calls,
        session: AsyncClientSession | None,
    ) -> None:
        self._collection = collection
        self._calls = calls
        self._session = session

    async def find(
        self, wanted: Mapping[str, Any], *, newest_first: str, limit: int
    ) -> list[Entry]:
        """Give at most `limit` documents, those with the largest values of a field first."""
        async with self._calls.bounded(self._collection.name):
            cursor = self._collection.find(
                wanted,
                session=self._session,
                sort=[(newest_first, -1)],
                limit=limit,
                collation=SIMPLE_COLLATION,
            )
            return [dict(document) for document in await cursor.to_list()]
