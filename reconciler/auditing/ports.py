"""What the trail needs of where it is kept, and whom it tells what happens to it."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

from reconciler.model.audit import AuditHead, AuditKind, AuditRecord, ChainProblem, Checkpoint


class TrailReading(Protocol):
    """The stored trail as a proof reads it. Each method may raise `ReadInterrupted`, `CannotLook`.

    `head` raises `AuditTrailBroken` when what is stored as the head is none.
    """

    async def head(self) -> AuditHead | None:
        """Give where the trail ends; None where there is no head."""

    def batches(self, after: int, *, log_id: str) -> AsyncIterator[Sequence[AuditRecord]]:
        """Read the records after a sequence in their order."""

    async def last_id(self) -> object:
        """Give the greatest id in the trail; None if there is nothing."""


class TrailStore(TrailReading, Protocol):
    """The stored trail as it is written."""

    async def begin(self) -> AuditHead:
        """Give the head; an empty trail that nobody began gets its log id now."""

    async def append(self, body: str) -> AuditRecord:
        """Write one record in a transaction of its own."""

    async def insert(self, body: str, session: Any) -> AuditRecord:
        """Write one record within somebody's transaction."""


class AuditObserver(Protocol):
    """Is told what happens to the trail. It must return at once, and must not raise."""

    def appended(self, record: AuditRecord, kind: AuditKind) -> None:
        """A record was written."""

    def append_failed(self, kind: AuditKind, *, reason: str) -> None:
        """What happened could not be written down."""

    def checkpointed(self, checkpoint: Checkpoint) -> None:
        """The head was signed, or was found signed when we began."""

    def checkpoint_failed(self, why: str, *, reason: str) -> None:
        """The head could not be signed."""

    def chain_proven(self, head: AuditHead) -> None:
        """All that was read of the trail is right."""

    def chain_broken(self, problem: ChainProblem) -> None:
        """The trail was changed."""


class UnobservedTrail:
    """An observer that does nothing."""

    def appended(self, record: AuditRecord, kind: AuditKind) -> None:
        """Do nothing."""

    def append_failed(self, kind: AuditKind, *, reason: str) -> None:
        """Do nothing."""

    def checkpointed(self, checkpoint: Checkpoint) -> None:
        """Do nothing."""

    def checkpoint_failed(self, why: str, *, reason: str) -> None:
        """Do nothing."""

    def chain_proven(self, head: AuditHead) -> None:
        """Do nothing."""

    def chain_broken(self, problem: ChainProblem) -> None:
        """Do nothing."""
