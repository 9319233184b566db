"""What the HTTP API asks of the daemon, on its scans and records."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from reconciler.model.bypassing import BypassingPage
from reconciler.model.explanation import Explanation
from reconciler.model.finding import FindingFilter, FindingPage
from reconciler.model.report import ScanReport
from reconciler.model.scan_record import ScanPage, ScanRecord, ScanTrigger
from reconciler.scanning.latest import LatestScan
from reconciler.scanning.leadership import Leadership
from reconciler.scanning.ports import Selection
from reconciler.scanning.records import FindingRecords, ScanRecords
from reconciler.scanning.sharing import SharedScans
from reconciler.surfaces.daemon.pulse import Pulse
from reconciler.surfaces.ports import Health
from reconciler.watching.ports import BypassingWrites


class Explainer(Protocol):
    """Explains accounts."""

    async def explain(self, user_id: str, currency: str) -> Explanation:
        """Show one account as of one moment."""


class DaemonService:
    """The daemon as the HTTP API sees it; see `surfaces.ports.Service`."""

    def __init__(
        self,
        *,
        pulse: Pulse,
        leadership: Leadership,
        shared: SharedScans,
        scans: ScanRecords,
        latest: LatestScan,
        findings: FindingRecords,
        explainer: Explainer,
        bypassing: BypassingWrites,
        now: Callable[[], datetime],
    ) -> None:
        self.is_stopping = False
        self._pulse = pulse
        self._leadership = leadership
        self._shared = shared
        self._scans = scans
        self._latest = latest
        self._findings = findings
        self._explainer = explainer
        self._bypassing = bypassing
        self._now = now

    def health(self) -> Health:
        """Say whether it can do its work, as it was known a moment ago."""
        return Health(
            mongo_up=self._pulse.is_up,
            is_standing_known=self._pulse.standing is not None,
            is_stopping=self.is_stopping,
            is_leader=self._leadership.token is not None,
            is_lease_answered=self._leadership.is_answered,
        )

    def now(self) -> datetime:
        """Give the time of day."""
        return self._now()

    async def check(self, user_id: str | None, currency: str | None) -> ScanReport:
        """Scan now; callers of the same scan at the same time share one.

        Raises:
            ReadInterrupted: the daemon stops.
        """
        scan = await self._shared.scan(Selection(user_id, currency), ScanTrigger.REQUEST)
        return scan.report

    async def last_full(self) -> ScanRecord | None:
        """Give the last full scan that ended with a report.

        None while this daemon has seen a mismatch that is not written down: what is kept is older.
        """
        return None if self._pulse.holds_unrecorded else await self._latest.get()

    async def explain(self, user_id: str, currency: str) -> Explanation:
        """Show one account as of one moment."""
        return await self._explainer.explain(user_id, currency)

    async def findings(
        self, wanted: FindingFilter, *, after: str | None, limit: int
    ) -> FindingPage:
        """List findings in the order of their ids, those after an id."""
        return await self._findings.findings(wanted, after=after, limit=limit)

    async def scans(self, *, before: int | None, limit: int) -> ScanPage:
        """List scans, the youngest first, those numbered below `before`."""
        return await self._scans.scans(before=before, limit=limit)

    async def bypassing_writes(self, *, before: str | None, limit: int) -> BypassingPage:
        """List writes past the library, the youngest first, those whose id is below `before`."""
        return await self._bypassing.page(before=before, limit=limit)
