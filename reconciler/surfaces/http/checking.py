"""The check of a user's or of all accounts, as several answers have it."""

from datetime import datetime, timedelta

from reconciler.model.mapping import Mappings
from reconciler.model.report import ScanReport
from reconciler.surfaces.answers import Answer, check_answer, incomplete_answer
from reconciler.surfaces.http.answering import Written
from reconciler.surfaces.ports import Service


class Checks:
    """Scans when asked, and shows what a scan found and how long ago it began."""

    def __init__(self, service: Service, *, mappings: Mappings, checksum: str) -> None:
        self._service = service
        self._mappings = mappings
        self._checksum = checksum
        self._written: tuple[ScanReport, Written] | None = None

    async def of(self, user_id: str | None, currency: str | None) -> ScanReport:
        """Scan now."""
        return await self._service.check(user_id, currency)

    def answer(self, report: ScanReport) -> Answer:
        """Show what a scan found."""
        return self._found_answer(report) | self._age_answer(report)

    def no_answer(self) -> Answer:
        """Say that there was no look; what was done before it is done all the same."""
        why = "the look after the repair failed: ask /api/integrity/check"
        answer = incomplete_answer([why], now=self._service.now(), checksum=self._checksum)
        return answer | {"age_seconds": 0}

    def written(self, report: ScanReport) -> Written:
        """Write what callers of the same report share: a hundred mismatches take milliseconds."""
        if self._written is None or self._written[0] is not report:
            self._written = report, Written.of(self._found_answer(report))
        return self._written[1].extended(self._age_answer(report))

    def _found_answer(self, report: ScanReport) -> Answer:
        return check_answer(report, mappings=self._mappings, checksum=self._checksum)

    def _age_answer(self, report: ScanReport) -> Answer:
        age = age_of(report.started_at, self._service.now())
        return {"age_seconds": round(age.total_seconds(), 3)}


def age_of(begun: datetime, now: datetime) -> timedelta:
    """Give how long ago it was; the clocks of two daemons differ a little, and it is never less."""
    return max(now - begun, timedelta())
