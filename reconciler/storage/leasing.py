"""The lease that says which daemon scans on the schedule, kept by the database's own clock."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pymongo
from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession

from reconciler.model.lease import Lease
from reconciler.storage.server import translating
from reconciler.storage.transactions import Database, own_records

LEASES = "leases"
SCANNER = "scanner"
# What does not answer by then counts as lost: a lease is worth its time.
CALL_SECONDS_MAX = 5.0

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


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
            document = await self._leases.find_one_and_update(
                {"_id": SCANNER},
                [_taken_by(holder, seconds)],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        assert document is not None, "an upsert gives what it wrote"
        # One that had expired would be ours now.
        return _lease(document, has_expired=False)

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
        if not documents:
            return None
        return _lease(documents[0], has_expired=documents[0]["expires_at"] <= documents[0]["now"])

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        with translating("the lease", is_write=True), pymongo.timeout(self._call_seconds_max):
            yield


async def is_fenced(database: Database, token: int, session: AsyncClientSession | None) -> bool:
    """Whether the lease has gone to another holder since `token` was given out."""
    found = await database[LEASES].find_one({"_id": SCANNER}, {"token": 1}, session=session)
    return found is None or int(found["token"]) != token


def _taken_by(holder: str, seconds: float) -> Mapping[str, Any]:
    """Take what is free or ours, in one atomic step; a lease that was free gets the next token."""
    is_free = {"$lte": [{"$ifNull": ["$expires_at", _LONG_AGO]}, "$$NOW"]}
    name = {"$literal": holder}
    is_taken = {"$or": [is_free, {"$eq": ["$holder", name]}]}
    last = {"$ifNull": ["$token", 0]}
    until = {"$add": ["$$NOW", round(seconds * 1000)]}
    return {
        "$set": {
            "token": {"$toLong": {"$cond": [is_free, {"$add": [last, 1]}, last]}},
            "holder": {"$cond": [is_taken, name, "$holder"]},
            "expires_at": {"$cond": [is_taken, until, "$expires_at"]},
        }
    }


def _lease(document: Mapping[str, Any], *, has_expired: bool) -> Lease:
    return Lease(
        holder=document["holder"],
        token=int(document["token"]),
        expires_at=document["expires_at"],
        has_expired=has_expired,
    )
