"""What is kept of a scan: who made it and why, how it ended, and what it said."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.model.report import ScanMode, ScanReport


class ScanTrigger(StrEnum):
    """Why a scan was made: the schedule, a request over HTTP, a command, or a change of data."""

    SCHEDULE = "schedule"
    REQUEST = "request"
    COMMAND = "command"
    WATCH = "watch"


class ScanState(StrEnum):
    """Where a scan is: at work, ended with a report, or ended without one."""

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class ScanResult(StrEnum):
    """How a scan ended, as it is counted; `error` is a fault of ours, not of the data."""

    HEALTHY = "healthy"
    MISMATCH = "mismatch"
    INCOMPLETE = "incomplete"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """One scan as it is kept.

    `sequence` numbers scans in the order in which they began. `token` is the fencing token of the
    lease under which it was made; None for one that needs no lease. `report` is there once it is
    finished; its `mismatches` may be cut.
    """

    scan_id: str
    sequence: int
    mode: ScanMode
    user_id: str | None
    currency: str | None
    trigger: ScanTrigger
    holder: str
    token: int | None
    state: ScanState
    started_at: datetime
    ended_at: datetime | None = None
    reason: str | None = None
    report: ScanReport | None = None


@dataclass(frozen=True, slots=True)
class ScanPage:
    """Some scans, the youngest first, and the number to go on below; None: that is all."""

    scans: tuple[ScanRecord, ...]
    before: int | None
