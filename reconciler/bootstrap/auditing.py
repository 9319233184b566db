"""Builds the audit trail and what reads it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reconciler.auditing.ports import AuditObserver
from reconciler.auditing.proving import Proof, SignedHeads, prove
from reconciler.auditing.trail import Trail, places_of
from reconciler.keys import read_public_key
from reconciler.model.audit import AuditRecord
from reconciler.settings import InvalidSettings, Problem, Settings
from reconciler.storage.auditing import MongoAuditTrail
from reconciler.storage.transactions import Database


def open_trail(settings: Settings, database: Database, observer: AuditObserver) -> Trail:
    """Build the trail: nothing is asked of the database or of the disk yet."""
    audit = settings.audit
    places = places_of(audit.signing_key_path, audit.checkpoint_path)
    return Trail(MongoAuditTrail(database), places, observer, clock=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class AuditReader:
    """What `reconciler audit` asks."""

    settings: Settings
    database: Database

    async def verify(self, checkpoints: Path | None, public_key: Path | None) -> Proof:
        """Prove the whole trail, against the checkpoints that are given or those of the settings.

        Raises:
            InvalidSettings: there are checkpoints and no key to prove them with.
            UnusableKey, CheckpointFailed: the files cannot be read.
            ReadInterrupted, CannotLook: the trail could not be.
        """
        audit = self.settings.audit
        path = checkpoints or audit.checkpoint_path
        key_path = public_key or audit.signing_key_path
        signed = None
        if path is not None:
            if key_path is None:
                raise InvalidSettings(
                    [Problem("", "", "checkpoints are proven with --public-key FILE: give it")]
                )
            signed = SignedHeads(path, read_public_key(key_path))
        return await prove(MongoAuditTrail(self.database), signed=signed)

    async def records(self) -> AsyncIterator[AuditRecord]:
        """Read all records in their order."""
        store = MongoAuditTrail(self.database)
        head = await store.head()
        async for batch in store.batches(0, log_id=head.log_id if head else ""):
            for record in batch:
                yield record
