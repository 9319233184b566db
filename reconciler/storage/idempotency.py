"""Where idempotency keys are kept: a document for each, changed in one step by the server's clock.

A document says whose key it is, what was asked (`fingerprint`), which attempt works on it and until
when nobody else may (`attempt`, `busy_until`), and the answer, once there is one. It goes by itself
a day after its last change (a TTL index), and counts as gone from then on.
"""

import uuid
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from pymongo import ReturnDocument, WriteConcern
from pymongo.errors import DuplicateKeyError

from reconciler.errors import ReadInterrupted
from reconciler.model.idempotency import KeyClaim, KeyedRequest, KeyState, StoredAnswer
from reconciler.storage.calls import Calls, Database

COLLECTION = "idempotency_keys"
TTL_INDEX = "reconciler_expiry"
KEPT_SECONDS = 24 * 3600
CALL_SECONDS_MAX = 10.0
# Two claims that both insert: one of them finds the other's document at its next try.
_CLAIMS_MAX = 5

Expression = Mapping[str, Any]


class MongoIdempotencyKeys:
    """The keys in a database. Safe with several daemons: each change is one conditional write."""

    def __init__(self, database: Database, *, kept_seconds: float = KEPT_SECONDS) -> None:
        """Take the database, and how long a key is kept after its last change."""
        self._keys = database.get_collection(
            COLLECTION, write_concern=WriteConcern(w="majority", j=True)
        )
        self._kept_seconds = kept_seconds
        self._has_index = False

    async def claim(self, request: KeyedRequest, *, busy_seconds: float) -> KeyClaim:
        """Take a key for a request, so that nobody else works on it for so many seconds.

        Raises:
            ReadInterrupted, CannotLook: it is not known whether the key is ours; it becomes free
                after `busy_seconds` if it is.
        """
        await self._ensure_index()
        attempt = uuid.uuid4().hex
        for _ in range(_CLAIMS_MAX):
            async with _bounded():
                try:
                    found = await self._keys.find_one_and_update(
                        {"_id": request.id},
                        [{"$set": self._claimed(request, attempt, busy_seconds)}],
                        upsert=True,
                        return_document=ReturnDocument.AFTER,
                    )
                except DuplicateKeyError:
                    continue
                return _claim_of(found, request, attempt)
        raise ReadInterrupted("an idempotency key was wanted by too many at once")

    async def keep(self, request: KeyedRequest, claim: KeyClaim, answer: StoredAnswer) -> None:
        """Store the answer, unless another attempt has taken the key over.

        Raises:
            ReadInterrupted, CannotLook: it is not known whether it was stored.
        """
        changes = {
            "busy_until": None,
            "answer": {
                "status": answer.status,
                "body": answer.body,
                "media_type": answer.media_type,
            },
        }
        await self._change(request, claim, changes)

    async def let_go(self, request: KeyedRequest, claim: KeyClaim) -> None:
        """Let the same request be tried again at once, unless another attempt has the key.

        Raises:
            ReadInterrupted, CannotLook: it is not known whether that was written.
        """
        await self._change(request, claim, {"busy_until": None})

    async def _change(
        self, request: KeyedRequest, claim: KeyClaim, changes: Mapping[str, Any]
    ) -> None:
        literal = {name: {"$literal": value} for name, value in changes.items()}
        async with _bounded():
            await self._keys.update_one(
                {"_id": request.id, "attempt": claim.attempt},
                [{"$set": {**literal, "expires_at": _after(self._kept_seconds)}}],
            )

    async def _ensure_index(self) -> None:
        if self._has_index:
            return
        async with _bounded():
            await self._keys.create_index("expires_at", name=TTL_INDEX, expireAfterSeconds=0)
        self._has_index = True

    def _claimed(self, request: KeyedRequest, attempt: str, busy_seconds: float) -> Expression:
        """Give every field of the document that is free for this request; else leave it as it is.

        Each expression sees the document as it was before.
        """
        is_gone = {"$lte": [{"$ifNull": ["$expires_at", None]}, "$$NOW"]}
        is_same = {"$eq": ["$fingerprint", {"$literal": request.fingerprint}]}
        is_idle = {"$lte": [{"$ifNull": ["$busy_until", None]}, "$$NOW"]}
        has_answer = {"$ne": [{"$type": "$answer"}, "missing"]}
        # null is less than every date: a field that is missing or null says gone, or idle.
        is_free = {"$and": [is_idle, {"$or": [is_gone, {"$and": [is_same, {"$not": has_answer}]}]}]}
        ours = {
            "fingerprint": {"$literal": request.fingerprint},
            "principal": {"$literal": request.principal},
            "route": {"$literal": request.route},
            "attempt": {"$literal": attempt},
            "busy_until": _after(busy_seconds),
            "expires_at": _after(self._kept_seconds),
            "answer": "$$REMOVE",
        }
        return {name: {"$cond": [is_free, value, f"${name}"]} for name, value in ours.items()}


def _bounded() -> AbstractAsyncContextManager[None]:
    return Calls(deadline_seconds=CALL_SECONDS_MAX).bounded(
        COLLECTION, is_quick=True, is_write=True
    )


def _after(seconds: float) -> Expression:
    return {"$add": ["$$NOW", {"$literal": round(seconds * 1000)}]}


def _claim_of(document: Any, request: KeyedRequest, attempt: str) -> KeyClaim:
    if document["attempt"] == attempt:
        return KeyClaim(KeyState.CLAIMED, attempt)
    if document["fingerprint"] != request.fingerprint:
        return KeyClaim(KeyState.OTHER_REQUEST, attempt)
    answer = document.get("answer")
    if answer is None:
        return KeyClaim(KeyState.IN_FLIGHT, attempt)
    stored = StoredAnswer(answer["status"], bytes(answer["body"]), answer["media_type"])
    return KeyClaim(KeyState.ANSWERED, attempt, stored)
