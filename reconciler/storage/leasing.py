"""The lease that says which daemon scans on the schedule, kept by the database's own clock."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pymongo
from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from reconciler.model.lease import Lease
from reconciler.storage.server import translating
from reconciler.storage.transactions import Database, own_records

LEASES = "leases"
SCANNER = "scanner"
# What does not answer by then counts as lost: a lease is worth its time.
CALL_SECONDS_MAX = 5.0


class MongoLease:
    """The lease of one database. Its holder is whoever `take` named last before it expired.

    Args:
        database: where the collection `leases` is.
        call_seconds_max: what a single call may take.
    """

    def __init__(self, database: Database, *, call_seconds_max: float = CALL_SECONDS_MAX) -> None:
        self._leases = own_records(database)[LEASES]
        self._call_seconds_max = call_seconds_max

    async def take(self, holder: str, *, seconds: float) -> Lease:
        """Take it if it is free or expired, prolong it if it is ours; give whoever has it then.

        Raises:
            ReadInterrupted, CannotLook: it could not be done.
        """
        with self._bounded():
            try:
                document = await self._leases.find_one_and_update(
                    {
                        "_id": SCANNER,
                        "$or": [
                            {"holder": holder, "$expr": {"$gt": ["$expires_at", "$$NOW"]}},
                            {"$expr": {"$lte": ["$expires_at", "$$NOW"]}},
                        ],
                    },
                    [_taken_by(holder, seconds)],
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
            except DuplicateKeyError:
                # There is one, and it is somebody else's.
                document = None
        if document is None:
            return await self.current() or await self.take(holder, seconds=seconds)
        return _lease(document, now=document["taken_at"])

    async def give_back(self, holder: str, token: int) -> None:
        """Let it expire now, if it is still ours."""
        with self._bounded():
            await self._leases.update_one(
                {"_id": SCANNER, "holder": holder, "token": token},
                [{"$set": {"expires_at": "$$NOW"}}],
            )

    async def current(self) -> Lease | None:
        """Give the lease as it is; None if nobody ever held it."""
        with self._bounded():
            found = await self._leases.aggregate(
                [{"$match": {"_id": SCANNER}}, {"$set": {"now": "$$NOW"}}]
            )
            documents = await found.to_list()
        return _lease(documents[0], now=documents[0]["now"]) if documents else None

    async def now(self) -> datetime:
        """Give the database's time."""
        with self._bounded():
            hello = await self._leases.database.command("hello")
        moment: datetime = hello["localTime"]
        return moment

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        with translating("the lease", is_write=True), pymongo.timeout(self._call_seconds_max):
            yield


async def is_fenced(database: Database, token: int, session: AsyncClientSession | None) -> bool:
    """Whether the lease has gone to another holder since `token` was given out."""
    found = await database[LEASES].find_one({"_id": SCANNER}, {"token": 1}, session=session)
    return found is None or int(found["token"]) != token


def _taken_by(holder: str, seconds: float) -> Mapping[str, Any]:
    """Set the holder; a lease that changes hands, or had expired, gets the next token."""
    is_kept = {
        "$and": [{"$eq": ["$holder", holder]}, {"$gt": ["$expires_at", "$$NOW"]}],
    }
    last = {"$ifNull": ["$token", 0]}
    return {
        "$set": {
            "token": {"$toLong": {"$cond": [is_kept, last, {"$add": [last, 1]}]}},
            "holder": {"$literal": holder},
            "taken_at": "$$NOW",
            "expires_at": {"$add": ["$$NOW", round(seconds * 1000)]},
        }
    }


def _lease(document: Mapping[str, Any], *, now: datetime) -> Lease:
    return Lease(
        holder=document["holder"],
        token=int(document["token"]),
        expires_at=document["expires_at"],
        has_expired=document["expires_at"] <= now,
    )
