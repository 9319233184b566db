"""What a recorded scan needs of the database: scans, findings, and the lease, behind Protocols."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from reconciler.model.finding import Finding, FindingFilter, FindingPage, Sighting, Transition
from reconciler.model.lease import Lease
from reconciler.model.report import ScanReport
from reconciler.model.scan_record import ScanPage, ScanRecord, ScanTrigger
from reconciler.model.standing import Standing
from reconciler.scanning.ports import Selection


class SightingSink(Protocol):
    """Is told by a scan what it sees, batch by batch, so that nothing need be kept in memory.

    It must not raise: a scan says what it saw, whether or not that could be written down.
    """

    async def suspected(self, sightings: Sequence[Sighting]) -> None:
        """These were seen wrong once."""

    async def decided(self, *, confirmed: Sequence[Sighting], cleared: Sequence[str]) -> None:
        """These were seen wrong again; the accounts of these finding keys were seen in sync."""


class ScanRecords(Protocol):
    """Where scans and findings are kept.

    A `token` is the fencing token under which the writer works; None for one without a lease. Each
    method may raise `ReadInterrupted`, `CannotLook` or `DatabaseUnavailable`; the writing ones
    `Fenced`, when another daemon has taken the lease over since.
    """

    async def begin(
        self,
        scan_id: str,
        selection: Selection,
        *,
        trigger: ScanTrigger,
        holder: str,
        token: int | None,
    ) -> ScanRecord:
        """Number a scan and write down that it runs; what it reads must be read after this."""

    async def note(
        self, record: ScanRecord, *, sightings: Sequence[Sighting], cleared: Sequence[str]
    ) -> Sequence[Transition]:
        """Write down what was seen; give what became of the findings."""

    async def resolve_unseen(self, record: ScanRecord) -> Sequence[Transition]:
        """Resolve the open findings which a scan that looked everywhere did not see.

        One batch with each call; an empty sequence says that there are no more.
        """

    async def finish(self, record: ScanRecord, report: ScanReport) -> ScanRecord:
        """Write down how a scan ended."""

    async def give_up(self, record: ScanRecord, *, reason: str, is_fault: bool) -> None:
        """Write down that a scan ended without a report: interrupted, or by a fault of ours."""

    async def interrupt_orphans(self, *, token: int) -> int:
        """Mark the scans that still run under smaller tokens as interrupted; give their number."""

    async def last_full(self) -> ScanRecord | None:
        """Give the youngest finished full scan."""

    async def scans(self, *, before: int | None, limit: int) -> ScanPage:
        """List scans, the youngest first."""

    async def findings(
        self, wanted: FindingFilter, *, after: str | None, limit: int
    ) -> FindingPage:
        """List findings in the order of their ids."""

    async def finding(self, finding_id: str) -> Finding | None:
        """Give one finding."""

    async def standing(self) -> Standing:
        """Sum up where the exchange stands."""

    async def revision(self) -> int:
        """Give a number that grows with whatever `standing` would say anew."""


class LeaseKeeper(Protocol):
    """The lease in the database, all times judged by the database's own clock."""

    async def take(self, holder: str, *, seconds: float) -> Lease:
        """Take it if it is free or expired, prolong it if it is ours; give whoever has it then.

        Raises:
            ReadInterrupted, CannotLook, DatabaseUnavailable: it could not be done.
        """

    async def give_back(self, holder: str, token: int) -> None:
        """Let it expire now, if it is still ours."""

    async def current(self) -> Lease | None:
        """Give the lease as it is."""

    async def now(self) -> datetime:
        """Give the database's time."""
