"""A trail on a real collection, and what tests need around it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from reconciler.auditing.ports import AuditObserver, UnobservedTrail
from reconciler.auditing.proving import Proof, SignedHeads, prove
from reconciler.auditing.trail import SigningPlaces, Trail
from reconciler.keys import make_keys, read_public_key
from reconciler.model.audit import AuditEvent, AuditKind, hash_of
from reconciler.storage.auditing import AUDIT_HEAD, AUDIT_TRAIL, MongoAuditTrail

Database = AsyncDatabase[dict[str, Any]]
START = datetime(2026, 1, 1, tzinfo=UTC)


def event(number: int = 0, kind: AuditKind = AuditKind.INTEGRITY_CHECK) -> AuditEvent:
    return AuditEvent(
        kind,
        "PASSED",
        at=START + timedelta(seconds=number),
        actor="host:1:aa",
        user="alice" if number % 2 else "all",
        details={"number": number},
    )


class Book:
    """A trail with its key and its file of checkpoints."""

    def __init__(
        self, database: Database, directory: Path, observer: AuditObserver | None = None
    ) -> None:
        self.database = database
        self.store = MongoAuditTrail(database, batch_records=3)
        self.places = SigningPlaces(directory / "audit.pem", directory / "checkpoints.jsonl")
        self.public_path = directory / "audit.pub"
        if not self.places.key_path.exists():
            make_keys(self.places.key_path, self.public_path)
        self.observer = observer or UnobservedTrail()
        self.trail = self.opened()

    def opened(self) -> Trail:
        """The trail as a process that starts now has it."""
        return Trail(self.store, self.places, self.observer, clock=lambda: START)

    async def write(self, count: int, *, first: int = 1) -> None:
        for number in range(first, first + count):
            await self.trail.append(event(number))

    async def verified(self, *, with_checkpoints: bool) -> Proof:
        """What `audit verify` finds."""
        signed = None
        if with_checkpoints:
            signed = SignedHeads(self.places.checkpoint_path, read_public_key(self.public_path))
        return await prove(self.store, signed=signed)

    async def rewrite(self, first: int, *, body: str, last: int | None = None) -> None:
        """Change a record and compute every later hash anew, and the head: with root rights."""
        head = await self.store.head()
        assert head is not None
        records = await self.database[AUDIT_TRAIL].find().sort("_id").to_list()
        previous = records[first - 1]["previous_hash"]
        for record in records[first - 1 :]:
            changed = body if record["_id"] == first else record["body"]
            digest = hash_of(
                log_id=head.log_id, previous_hash=previous, sequence=record["_id"], body=changed
            )
            await self.database[AUDIT_TRAIL].replace_one(
                {"_id": record["_id"]},
                {"_id": record["_id"], "previous_hash": previous, "body": changed, "hash": digest},
            )
            previous = digest
        await self.database[AUDIT_HEAD].update_one({}, {"$set": {"hash": previous}})
