"""The audit trail in the database: it is only ever inserted into, and read in order.

`audit_trail` holds records under their sequences, `audit_head` where the trail ends. A record and
the head's step to it are one transaction, in which the head is compared before it is set: writers
that race fail and try again, so that the chain has no gap and no fork.
"""

import contextlib
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pymongo
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from reconciler.errors import AuditTrailBroken, UnsupportedServer
from reconciler.model.audit import (
    GENESIS_HASH,
    AuditHead,
    AuditKind,
    AuditRecord,
    head_after,
    next_record,
)
from reconciler.storage.server import translating
from reconciler.storage.transactions import Database, Transactions, own_records

AUDIT_TRAIL = "audit_trail"
AUDIT_HEAD = "audit_head"
HEAD = "head"
# Records that are read at once: what a proof holds in memory.
BATCH_RECORDS = 2_000
READ_SECONDS_MAX = 10.0

_FIELDS = {"_id", "previous_hash", "body", "hash"}
_WHAT = "the audit trail"


class MongoAuditTrail:
    """Where the trail is kept.

    Args:
        database: where the two collections are.
        batch_records: how many records are read at once.
    """

    def __init__(self, database: Database, *, batch_records: int = BATCH_RECORDS) -> None:
        self._records = own_records(database)[AUDIT_TRAIL]
        self._heads = own_records(database)[AUDIT_HEAD]
        self._transactions = Transactions(database)
        self._batch_records = batch_records

    async def begin(self) -> AuditHead:
        """Give the head; an empty trail that nobody began gets its log id now.

        Raises:
            AuditTrailBroken: the head is gone, or no head; ReadInterrupted, CannotLook: no answer.
        """
        found = await self.head()
        if found is not None:
            return found
        with translating(_WHAT, is_write=True), pymongo.timeout(READ_SECONDS_MAX):
            await self._head_beside_records(None)
            # Somebody else may begin it just now.
            with contextlib.suppress(DuplicateKeyError):
                await self._heads.insert_one(_new_head())
        begun = await self.head()
        if begun is None:
            raise AuditTrailBroken("the head of the audit trail vanished as it was made")
        return begun

    async def head(self) -> AuditHead | None:
        """Give where the trail ends; None where there is no head."""
        with translating(_WHAT), pymongo.timeout(READ_SECONDS_MAX):
            return _head(await self._heads.find_one({"_id": HEAD}))

    async def append(self, body: str) -> AuditRecord:
        """Write one record in a transaction of its own.

        Raises:
            AuditTrailBroken: what is stored is no chain that could be gone on with.
            UnsupportedServer: the server has no transactions.
            ReadInterrupted, CannotLook, DatabaseUnavailable: it could not be written.
        """

        async def work(session: AsyncClientSession | None) -> AuditRecord:
            if session is None:
                raise UnsupportedServer(
                    "the audit trail needs transactions: run the server as a replica set"
                )
            return await self.insert(body, session)

        return await self._transactions.run(_WHAT, work)

    async def insert(self, body: str, session: AsyncClientSession) -> AuditRecord:
        """Write one record within somebody's transaction, whose fate it shares.

        The driver's errors come out as they are, so that the transaction can be repeated.
        """
        head = _head(await self._heads.find_one({"_id": HEAD}, session=session))
        if head is None:
            head = await self._begin(session)
        record = next_record(head, body)
        try:
            await self._records.insert_one(_document(record), session=session)
        except DuplicateKeyError as error:
            raise AuditTrailBroken(
                f"there is a record {record.sequence} beyond the head of the audit trail"
            ) from error
        await self._advance(head, head_after(record), session)
        return record

    async def _begin(self, session: AsyncClientSession) -> AuditHead:
        found = await self._head_beside_records(session)
        if found is not None:
            return found
        document = _new_head()
        await self._heads.insert_one(document, session=session)
        return AuditHead(document["log_id"], 0, GENESIS_HASH)

    async def batches(self, after: int, *, log_id: str) -> AsyncIterator[Sequence[AuditRecord]]:
        """Read the records after a sequence in their order, whatever else lies between them too.

        Of what is no record, the sequence is the last good one's: it follows from nothing.
        """
        last = after
        wanted: Mapping[str, Any] = {"_id": {"$gt": after}} if after else {}
        with translating(_WHAT):
            cursor = self._records.find(wanted, sort=[("_id", 1)], batch_size=self._batch_records)
            async with cursor:
                while cursor.alive:
                    with pymongo.timeout(READ_SECONDS_MAX):
                        documents = await cursor.to_list(self._batch_records)
                    records = []
                    for document in documents:
                        record = _record(document, log_id, last)
                        last = max(last, record.sequence)
                        records.append(record)
                    if records:
                        yield records

    async def bodies(self, kind: AuditKind) -> Sequence[str]:
        """Read the bodies of all records of a kind in their order; it looks through the trail.

        Raises:
            ReadInterrupted, CannotLook: it could not be read.
        """
        # Within a text of a body quotes are escaped: this is a key and its value.
        wanted = {"body": {"$regex": f'"kind":"{kind.value}"'}}
        with translating(_WHAT), pymongo.timeout(READ_SECONDS_MAX):
            found = self._records.find(wanted, {"body": 1}, sort=[("_id", 1)])
            return [str(document["body"]) async for document in found]

    async def last_id(self) -> object:
        """Give the greatest id in the trail, whatever it is; None if there is nothing."""
        with translating(_WHAT), pymongo.timeout(READ_SECONDS_MAX):
            found = await self._records.find_one({}, {"_id": 1}, sort=[("_id", -1)])
        return None if found is None else found["_id"]

    async def _head_beside_records(self, session: AsyncClientSession | None) -> AuditHead | None:
        """Look again for a head that was not there; None if there are no records either.

        Somebody may have begun the trail since. So it was seen within a transaction, too: two
        collections that another one makes are there one after the other.

        Raises:
            AuditTrailBroken: there are records, and no head.
        """
        if await self._records.find_one({}, {"_id": 1}, session=session) is None:
            return None
        head = _head(await self._heads.find_one({"_id": HEAD}, session=session))
        if head is None:
            raise AuditTrailBroken("there are audit records, but their head is gone")
        return head

    async def _advance(self, seen: AuditHead, head: AuditHead, session: AsyncClientSession) -> None:
        result = await self._heads.update_one(
            {"_id": HEAD, "size": seen.size, "hash": seen.hash},
            {"$set": {"size": head.size, "hash": head.hash}},
            session=session,
        )
        if result.matched_count != 1:
            raise AuditTrailBroken("the head of the audit trail is not what was read of it")


def _new_head() -> dict[str, Any]:
    return {"_id": HEAD, "log_id": uuid.uuid4().hex, "size": 0, "hash": GENESIS_HASH}


def _head(document: Mapping[str, Any] | None) -> AuditHead | None:
    if document is None:
        return None
    log_id, size, digest = (document.get(name) for name in ("log_id", "size", "hash"))
    if not (isinstance(log_id, str) and isinstance(size, int) and isinstance(digest, str)):
        raise AuditTrailBroken("the head of the audit trail is no head: it was changed")
    return AuditHead(log_id, int(size), digest)


def _document(record: AuditRecord) -> dict[str, Any]:
    return {
        "_id": record.sequence,
        "previous_hash": record.previous_hash,
        "body": record.body,
        "hash": record.hash,
    }


def _record(document: Mapping[str, Any], log_id: str, last: int) -> AuditRecord:
    sequence = document["_id"]
    is_sequence = isinstance(sequence, int) and not isinstance(sequence, bool)
    place = int(sequence) if is_sequence else last
    previous, body, digest = (document.get(name) for name in ("previous_hash", "body", "hash"))
    are_texts = isinstance(previous, str) and isinstance(body, str) and isinstance(digest, str)
    if document.keys() != _FIELDS or not are_texts:
        # Nothing that is no record has a hash that could be right.
        return AuditRecord(log_id, place, "", "", "")
    return AuditRecord(log_id, place, str(previous), str(body), str(digest))
