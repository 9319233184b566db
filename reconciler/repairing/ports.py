"""What the repair needs of others: the audit trail on which everything of it is written down."""

from typing import Any, Protocol

from reconciler.model.audit import AuditEvent, AuditRecord, Checkpoint


class Insertion(Protocol):
    """Writes one event in somebody else's transaction: pass it as `within=` of `sync.replace`.

    It may run again when the transaction is repeated; `record` is what the last run wrote, and is
    true once the transaction is known to be committed.
    """

    async def __call__(self, session: Any) -> None:
        """Write the record and advance the head, with the transaction's session."""

    @property
    def record(self) -> AuditRecord:
        """What was written.

        Raises:
            RuntimeError: it never ran.
        """


class AuditTrail(Protocol):
    """The append-only, hash-chained record of what was done."""

    async def append(self, event: AuditEvent) -> AuditRecord:
        """Write one event in a transaction of its own.

        Raises:
            AuditTrailBroken: what is stored is no chain that could be gone on with.
            CannotLook, DatabaseUnavailable, ReadInterrupted: it could not be written.
        """

    def insertion(self, event: AuditEvent) -> Insertion:
        """Prepare one event to be written in somebody else's transaction.

        Raises:
            InvalidAuditEvent: it cannot be written down exactly.
        """

    async def checkpoint(self, why: str) -> Checkpoint:
        """Sign where the trail stands now, outside the database; `why` is a word or two.

        Raises:
            CheckpointFailed: it could not be: nothing may be repaired.
        """
