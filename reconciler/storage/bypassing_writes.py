"""The collection `bypassing_writes`: what was written past the library, so many and for so long."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.errors import BulkWriteError

from reconciler.model.bypassing import BypassingPage, BypassingWrite, WriteOperation
from reconciler.model.identity import Account, Identifier
from reconciler.storage.calls import Calls
from reconciler.storage.finding_documents import TEXT_CHARACTERS_MAX, milliseconds, storable
from reconciler.storage.transactions import WRITE_SECONDS_MAX, Database, own_records

BYPASSING_WRITES = "bypassing_writes"
# The youngest are kept; a load of a million documents by old code must not fill the disk twice.
KEPT_MAX = 10_000
# How many more there may be before the oldest are removed.
SURPLUS = 1_000

_WHAT = "the bypassing writes"
_DUPLICATE_KEY = 11000


class MongoBypassingWrites:
    """Keeps and lists bypassing writes.

    Args:
        database: where the collection is.
        history_days: how long one is kept.
        kept_max: how many are kept, the youngest.
        now: the time of day.
    """

    def __init__(
        self,
        database: Database,
        *,
        history_days: int,
        kept_max: int = KEPT_MAX,
        surplus: int = SURPLUS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._writes = own_records(database)[BYPASSING_WRITES]
        self._history = timedelta(days=history_days)
        self._kept_max = kept_max
        self._surplus = surplus
        self._now = now

    async def add(self, writes: Sequence[BypassingWrite]) -> Sequence[BypassingWrite]:
        """Keep writes; give those that were not kept before: an event may be met again."""
        expires_at = milliseconds(self._now()) + self._history
        documents = [_document(each) | {"expires_at": expires_at} for each in writes]
        known: set[int] = set()
        async with Calls(deadline_seconds=WRITE_SECONDS_MAX).bounded(_WHAT, is_write=True):
            try:
                await self._writes.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                refused = (error.details or {}).get("writeErrors", [])
                if not refused or any(each["code"] != _DUPLICATE_KEY for each in refused):
                    raise
                known = {each["index"] for each in refused}
            await self._trim()
        return [each for number, each in enumerate(writes) if number not in known]

    async def page(self, *, before: str | None, limit: int) -> BypassingPage:
        """List them, the youngest first, those whose id is below `before`."""
        wanted = {} if before is None else {"_id": {"$lt": before}}
        async with Calls(deadline_seconds=WRITE_SECONDS_MAX).bounded(_WHAT):
            found = self._writes.find(wanted).sort("_id", -1).limit(limit + 1)
            documents = await found.to_list()
        writes = tuple(_write(document) for document in documents[:limit])
        return BypassingPage(writes, writes[-1].write_id if len(documents) > limit else None)

    async def _trim(self) -> None:
        count = await self._writes.estimated_document_count()
        if count <= self._kept_max + self._surplus:
            return
        oldest = self._writes.find({}, {"_id": 1}).sort("_id", -1).skip(self._kept_max).limit(1)
        for document in await oldest.to_list():
            await self._writes.delete_many({"_id": {"$lte": document["_id"]}})


def _document(write: BypassingWrite) -> dict[str, Any]:
    account = write.account
    return {
        "_id": write.write_id,
        "collection": write.collection,
        "operation": write.operation.value,
        "document_id": write.document_id,
        "account": None
        if account is None
        else {
            "user_id": _text(account.user_id),
            "user_id_type": account.user_id.bson_type,
            "currency": _text(account.currency),
            "currency_type": account.currency.bson_type,
        },
        "time": write.time,
        "seen_at": milliseconds(write.seen_at),
    }


def _text(identifier: Identifier) -> str:
    return storable(identifier.text[:TEXT_CHARACTERS_MAX])


def _write(document: Mapping[str, Any]) -> BypassingWrite:
    account = document["account"]
    return BypassingWrite(
        write_id=document["_id"],
        collection=document["collection"],
        operation=WriteOperation(document["operation"]),
        document_id=document["document_id"],
        account=None
        if account is None
        else Account(
            Identifier(account["user_id"], account["user_id_type"]),
            Identifier(account["currency"], account["currency_type"]),
        ),
        time=document["time"],
        seen_at=document["seen_at"],
    )
