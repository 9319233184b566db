"""The check of a user's or of all accounts, as several answers have it."""

from datetime import datetime, timedelta

from reconciler.model.mapping import Mappings
from reconciler.model.report import ScanReport
from reconciler.surfaces.answers import Answer, check_answer
from reconciler.surfaces.ports import Service


class Checks:
    """Scans when asked, and shows what a scan found and how long ago it began."""

    def __init__(self, service: Service, *, mappings: Mappings, checksum: str) -> None:
        self._service = service
        self._mappings = mappings
        self._checksum = checksum

    async def of(self, user_id: str | None, currency: str | None) -> ScanReport:
        """Scan now."""
        return await self._service.check(user_id, currency)

    def answer(self, report: ScanReport) -> Answer:
        """Show what a scan found."""
        answer = check_answer(report, mappings=self._mappings, checksum=self._checksum)
        age = age_of(report.started_at, self._service.now())
        return answer | {"age_seconds": round(age.total_seconds(), 3)}


def age_of(begun: datetime, now: datetime) -> timedelta:
    """Give how long ago it was; the clocks of two daemons differ a little, and it is never less."""
    return max(now - begun, timedelta())
