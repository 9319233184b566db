"""A backend's audit trail on which nothing ever happened."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from reconciler.auditing.proving import Proof
from reconciler.model.audit import AuditRecord
from reconciler.model.gate import Checklist
from reconciler.model.guarding import HardeningReport
from reconciler.model.roles import Role


class EmptyTrail:
    async def verify(self, checkpoints: Path | None, public_key: Path | None) -> Proof:
        return Proof(None, 0)

    async def records(self) -> AsyncIterator[AuditRecord]:
        nothing: tuple[AuditRecord, ...] = ()
        for record in nothing:
            yield record


class WithoutAudit:
    """Part of a backend that has no trail, no validators and no roles."""

    audit = EmptyTrail()

    async def harden(self, *, applies: bool, replaces: bool) -> HardeningReport:
        return HardeningReport(applies, (), ())

    def roles(self) -> Sequence[Role]:
        return ()

    async def checklist(self) -> Checklist:
        return Checklist(())

    async def apply_roles(self) -> None:
        return None
