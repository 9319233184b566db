"""An audit trail for the tests of the repair: numbered records, in the caller's transaction.

Each plan has a head of its own, so that what a killed process left open holds no other plan up.
"""

from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from reconciler.errors import CheckpointFailed
from reconciler.model.audit import AuditEvent, AuditRecord, Checkpoint, body_of

Database = AsyncDatabase[dict[str, Any]]


class _Insertion:
    def __init__(self, database: Database, event: AuditEvent) -> None:
        self._database = database
        self._event = event
        self._record: AuditRecord | None = None

    async def __call__(self, session: Any) -> None:
        name = str(self._event.details.get("plan_id"))
        head = await self._database["audit_head"].find_one_and_update(
            {"_id": name}, {"$inc": {"size": 1}}, session=session, upsert=True
        )
        number = (head["size"] if head else 0) + 1
        body = body_of(self._event)
        document = {
            "_id": f"{name}:{number}",
            "sequence": number,
            "kind": self._event.kind.value,
            "outcome": self._event.outcome,
            "actor": self._event.actor,
            "body": body,
        }
        await self._database["audit_trail"].insert_one(document, session=session)
        self._record = AuditRecord("log", number, "", body, "")

    @property
    def record(self) -> AuditRecord:
        if self._record is None:
            raise RuntimeError("it never ran")
        return self._record


class Trail:
    """Writes events; `fails` makes the checkpoints fail."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.fails = False

    def insertion(self, event: AuditEvent) -> _Insertion:
        return _Insertion(self._database, event)

    async def append(self, event: AuditEvent) -> AuditRecord:
        insertion = self.insertion(event)
        async with self._database.client.start_session() as session:
            await session.with_transaction(insertion)
        return insertion.record

    async def checkpoint(self, why: str) -> Checkpoint:
        if self.fails:
            raise CheckpointFailed("the disk is full")
        return Checkpoint("log", 0, "", None, why)  # type: ignore[arg-type]
