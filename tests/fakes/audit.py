"""A backend's audit trail on which nothing ever happened."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from reconciler.auditing.proving import Proof
from reconciler.model.audit import AuditRecord
from reconciler.model.gate import Checklist
from reconciler.model.schema import Role


class EmptyTrail:
    async def verify(self, checkpoints: Path | None, public_key: Path | None) -> Proof:
        return Proof(None, 0)

    async def records(self) -> AsyncIterator[AuditRecord]:
        nothing: tuple[AuditRecord, ...] = ()
        for record in nothing:
            yield record


class WithoutAudit:
    """Part of a backend that has no trail and no roles."""

    audit = EmptyTrail()

    def roles(self) -> Sequence[Role]:
        return ()

    async def checklist(self) -> Checklist:
        return Checklist(())

    async def apply_roles(self) -> None:
        return None
