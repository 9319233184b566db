"""Writes the verdict of each recorded scan on the trail."""

import asyncio
import contextlib
from datetime import datetime
from typing import Protocol

from reconciler.auditing.ports import AuditObserver
from reconciler.errors import ReconcilerError
from reconciler.model.audit import EVERYBODY, AuditEvent, AuditKind, AuditRecord
from reconciler.model.report import ScanReport, Verdict
from reconciler.model.scan_record import ScanRecord

PASSED, FAILED, ERROR = "PASSED", "FAILED", "ERROR"
# Whoever waits for a verdict does not wait longer for it to be on the trail.
APPEND_SECONDS_MAX = 3.0

_OUTCOMES = {
    Verdict.HEALTHY: PASSED,
    Verdict.INTEGRITY_FAILURE: FAILED,
    Verdict.INCOMPLETE: ERROR,
}


class Appending(Protocol):
    """What can write an event down."""

    async def append(self, event: AuditEvent) -> AuditRecord:
        """Write one event; tell the observer when that fails, and raise."""


class Verdicts:
    """A `VerdictTrail` of the scanner: it never raises, and tells of what it could not write.

    Args:
        trail: where verdicts are written; it tells of failures itself.
        observer: is told when there was no answer in time.
        seconds_max: how long to wait for that.
    """

    def __init__(
        self,
        trail: Appending,
        observer: AuditObserver,
        *,
        seconds_max: float = APPEND_SECONDS_MAX,
    ) -> None:
        self._trail = trail
        self._observer = observer
        self._seconds_max = seconds_max

    async def scan_ended(self, record: ScanRecord) -> None:
        """Write a scan's verdict down."""
        try:
            async with asyncio.timeout(self._seconds_max):
                with contextlib.suppress(ReconcilerError):
                    await self._trail.append(verdict_event(record))
        except TimeoutError:
            self._observer.append_failed(
                AuditKind.INTEGRITY_CHECK, reason="the database did not answer in time"
            )


def verdict_event(record: ScanRecord) -> AuditEvent:
    """Give the event of a scan that ended; one without a report, or without a verdict, is an error.

    A scan that could not look everywhere and saw no mismatch has no verdict.
    """
    report = record.report
    details = {
        "scan_id": record.scan_id,
        "scan_sequence": record.sequence,
        "mode": record.mode,
        "currency": record.currency,
        "trigger": record.trigger,
        "state": record.state,
        "reason": record.reason,
        "counts": None if report is None else _counts(report),
    }
    return AuditEvent(
        AuditKind.INTEGRITY_CHECK,
        ERROR if report is None else _OUTCOMES[report.verdict],
        at=_ended(record),
        actor=record.holder,
        user=record.user_id or EVERYBODY,
        details=details,
    )


def _ended(record: ScanRecord) -> datetime:
    return record.ended_at or record.started_at


def _counts(report: ScanReport) -> dict[str, object]:
    return {
        "accounts": report.coverage.accounts,
        "users": report.coverage.users,
        "currencies": report.coverage.currencies,
        "mismatches": report.mismatch_count,
        "mismatched_users": report.mismatched_users,
        "by_kind": {kind.value: count for kind, count in report.by_kind.items()},
        "incomplete": len(report.incomplete),
    }
