"""What a recorded scan needs of the database: scans, findings, and the lease, behind Protocols."""

from collections.abc import Sequence
from typing import Protocol

from reconciler.model.finding import Finding, FindingFilter, FindingPage, Sighting, Transition
from reconciler.model.lease import Lease
from reconciler.model.report import ScanMode, ScanReport
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
    """Where scans are kept.

    Each method may raise `ReadInterrupted` or `CannotLook`; those that write also `Fenced`, when
    another daemon has taken the lease over since.
    """

    async def begin(
        self,
        scan_id: str,
        selection: Selection,
        *,
        trigger: ScanTrigger,
        holder: str,
        token: int | None,
        mode: ScanMode | None = None,
    ) -> ScanRecord:
        """Number a scan and write down that it runs; what it reads must be read after this.

        `token` is the fencing token under which it is made; None for one without a lease. `mode`
        is that of the selection if it is not given.
        """

    async def finish(self, record: ScanRecord, report: ScanReport) -> ScanRecord:
        """Write down what a scan said."""

    async def give_up(self, record: ScanRecord, *, reason: str, is_fault: bool) -> ScanRecord:
        """Write down that a scan ended without a report: interrupted, or by a fault of ours."""

    async def interrupt_orphans(self, *, token: int) -> int:
        """Mark the scans that still run under smaller tokens as interrupted; give their number."""

    async def last_full(self) -> ScanRecord | None:
        """Give the youngest full scan that ended with a report."""

    async def scans(self, *, before: int | None, limit: int) -> ScanPage:
        """List scans, the youngest first, those numbered below `before`."""


class VerdictTrail(Protocol):
    """Where the verdict of each recorded scan goes, beside its record: the audit trail.

    It must not raise, and must return in bounded time: a verdict is told whether or not it could
    be written there, and what could not be is told elsewhere.
    """

    async def scan_ended(self, record: ScanRecord) -> None:
        """A scan ended and is recorded, whatever became of it."""


class NoVerdictTrail:
    """Keeps nothing."""

    async def scan_ended(self, record: ScanRecord) -> None:
        """Do nothing."""


class FindingRecords(Protocol):
    """Where findings are kept. Each method may raise what those of `ScanRecords` may.

    Those that write may raise `DatabaseUnavailable` too.
    """

    async def note(
        self, record: ScanRecord, *, sightings: Sequence[Sighting], cleared: Sequence[str]
    ) -> Sequence[Transition]:
        """Write down what a scan saw; give what became of the findings."""

    async def resolve_unseen(self, record: ScanRecord) -> Sequence[Transition]:
        """Resolve the open findings which a scan that looked everywhere did not see.

        One batch with each call; an empty sequence says that there are no more.
        """

    async def findings(
        self, wanted: FindingFilter, *, after: str | None, limit: int
    ) -> FindingPage:
        """List findings in the order of their ids, those after an id."""

    async def finding(self, finding_id: str) -> Finding | None:
        """Give one finding."""


class StandingRecords(Protocol):
    """Sums up what is kept, for every daemon alike. Each method may raise as above."""

    async def standing(self) -> Standing:
        """Sum up where the exchange stands."""

    async def revision(self) -> int:
        """Give a number that grows with whatever `standing` would say anew."""


class LeaseKeeper(Protocol):
    """The lease in the database, all times judged by the database's own clock.

    Each method may raise `ReadInterrupted` or `CannotLook`.
    """

    async def take(self, holder: str, *, seconds: float) -> Lease:
        """Take it if it is free or expired, prolong it if it is ours; give whoever has it then."""

    async def give_back(self, holder: str, token: int) -> None:
        """Let it expire now, if it is still ours."""

    async def current(self) -> Lease | None:
        """Give the lease as it is; None if nobody ever held it."""
