"""When scans are made. The only file that knows the scheduler."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Protocol

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobEvent,
)
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from reconciler.settings import InvalidSettings, Problem, ScanSettings

_JOB = "scan"
# Enough to meet the nights and the weekend of a line that leaves them out, however often it is due.
GAPS_LOOKED_AT_MIN = 300
GAPS_LOOKED_AT = timedelta(days=8)
# Why a scan that was due did not begin; the words are those of the metric's label.
MISSED = "too_late"
STILL_RUNNING = "still_running"
FAULT = "fault"
REASONS = (MISSED, STILL_RUNNING, FAULT)
_REASON_OF_EVENT = {
    EVENT_JOB_MISSED: MISSED,
    EVENT_JOB_MAX_INSTANCES: STILL_RUNNING,
    EVENT_JOB_ERROR: FAULT,
}

Work = Callable[[], Awaitable[None]]


class ScheduleObserver(Protocol):
    """Is told of what the scheduler itself would pass over in silence. It must not raise."""

    def job_missed(self, reason: str, *, error: BaseException | None = None) -> None:
        """A scan that was due did not begin, or ended by a fault."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When scans are made: a trigger, how late one may begin, and how far apart two may be."""

    trigger: Any
    misfire_grace_seconds: int
    longest_gap_seconds: float

    @classmethod
    def of(cls, scan: ScanSettings) -> "Timing":
        """Read it from the settings.

        Raises:
            InvalidSettings: the cron expression is none.
        """
        # The scheduler counts in whole seconds here.
        return cls(_trigger(scan), math.ceil(scan.misfire_grace_seconds), _longest_gap(scan))


class ScanSchedule:
    """Does its work when it is due: one at a time, once for however many times it was due.

    Args:
        work: makes a scan; it is not called while it still runs.
        observer: is told what was missed.
    """

    def __init__(self, work: Work, observer: ScheduleObserver) -> None:
        self._work = work
        self._observer = observer
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._scheduler.add_listener(
            self._tell, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES | EVENT_JOB_ERROR
        )
        self._soon: set[asyncio.Task[None]] = set()

    def start(self, timing: Timing) -> None:
        """Begin to count; the first scan is made by `run_soon`."""
        self._add(timing)
        self._scheduler.start()

    def retime(self, timing: Timing) -> None:
        """Go on by other times."""
        self._add(timing)

    def run_soon(self, *, after_seconds: float = 0.0) -> None:
        """Make a scan now, or a little later, whenever the next one is due."""
        task = asyncio.create_task(self._guarded(after_seconds))
        self._soon.add(task)
        task.add_done_callback(self._soon.discard)

    def stop(self) -> None:
        """Make no more scans."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for task in self._soon:
            task.cancel()

    def _add(self, timing: Timing) -> None:
        self._scheduler.add_job(
            self._work,
            timing.trigger,
            id=_JOB,
            replace_existing=True,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=timing.misfire_grace_seconds,
        )

    async def _guarded(self, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)
        try:
            await self._work()
        except Exception as error:  # noqa: BLE001 - as the scheduler does with its own
            self._observer.job_missed(FAULT, error=error)

    def _tell(self, event: JobEvent) -> None:
        error = getattr(event, "exception", None)
        if isinstance(error, asyncio.CancelledError):
            return  # it was stopped on purpose
        self._observer.job_missed(_REASON_OF_EVENT[event.code], error=error)


def _longest_gap(scan: ScanSettings) -> float:
    """Give the longest time between two scans: of a cron line, of the next ones that are due."""
    if scan.cron is None:
        return scan.interval_seconds + min(scan.jitter_seconds, scan.interval_seconds)
    trigger = _cron(scan.cron)
    due: list[datetime] = []
    while len(due) < GAPS_LOOKED_AT_MIN or due[-1] - due[0] < GAPS_LOOKED_AT:
        now = due[-1] + timedelta(seconds=1) if due else datetime.now(UTC)
        following = trigger.get_next_fire_time(None, now)
        if following is None:
            break
        due.append(following)
    if not due:
        raise _unusable("is never due")
    gaps = [(later - sooner).total_seconds() for sooner, later in pairwise(due)]
    return max(gaps, default=scan.interval_seconds) + scan.jitter_seconds


def _trigger(scan: ScanSettings) -> Any:
    if scan.cron is None:
        # More than the interval would be another interval.
        jitter = min(scan.jitter_seconds, scan.interval_seconds) or None
        return IntervalTrigger(seconds=scan.interval_seconds, timezone=UTC, jitter=jitter)
    trigger = _cron(scan.cron)
    trigger.jitter = scan.jitter_seconds or None
    return trigger


def _cron(line: str) -> Any:
    try:
        return CronTrigger.from_crontab(line, timezone=UTC)
    except ValueError:
        raise _unusable("is no such line") from None


def _unusable(why: str) -> InvalidSettings:
    what = (
        f"{why}: it must be cron's five fields, minute, hour, day, month and weekday, such as "
        '"*/5 * * * *"'
    )
    return InvalidSettings([Problem("settings", "scan.cron", what)])
