"""The daemon's life: it learns where things stand, serves, leads or follows, and stops in time."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from reconciler.errors import Fenced, ReadInterrupted, ReconcilerError
from reconciler.model.report import ScanReport
from reconciler.model.scan_record import ScanTrigger
from reconciler.scanning.latest import LatestScan
from reconciler.scanning.leadership import Leadership
from reconciler.scanning.ports import Selection
from reconciler.scanning.recording import RecordedScan, ScanRecorder
from reconciler.scanning.sharing import SharedScans
from reconciler.scanning.stopping import cancelled
from reconciler.surfaces.daemon.pulse import Pulse
from reconciler.surfaces.daemon.schedule import ScanSchedule, ScheduleObserver, Timing
from reconciler.surfaces.daemon.service import DaemonService
from reconciler.surfaces.logs import Logs

# Each step of stopping has its share of the ten seconds in which the daemon must be gone.
PARTS_STOP_SECONDS_MAX = 1.0
SCANS_STOP_SECONDS_MAX = 2.5
LEASE_STOP_SECONDS_MAX = 1.0
AGAIN_SECONDS = 0.2
UNRECORDED_AGAIN_SECONDS = 10.0

Serve = Callable[[], AbstractAsyncContextManager[Awaitable[None]]]


class Watch(Protocol):
    """Looks at something for as long as the daemon runs."""

    async def run(self) -> None:
        """Run for ever; it is cancelled."""


class Scans:
    """Makes the daemon's scans: the scheduled ones under its lease, all others without."""

    def __init__(self, recorder: ScanRecorder, pulse: Pulse, latest: LatestScan) -> None:
        self.leadership: Leadership | None = None
        self.schedule: ScanSchedule | None = None
        self.shared = SharedScans(self._make)
        self._recorder = recorder
        self._pulse = pulse
        self._latest = latest

    async def scheduled(self) -> None:
        """Make the scan that is due, if this daemon is the one that scans."""
        if self.leadership is None or self.leadership.token is None:
            return
        # Who lost the lease, or stops, has been told so already.
        with contextlib.suppress(Fenced, ReadInterrupted):
            scan = await self.shared.scan(Selection(), ScanTrigger.SCHEDULE)
            if scan.unrecorded is not None and self.schedule is not None:
                # Nobody must wait a whole interval for what could not be written down.
                self.schedule.run_soon(after_seconds=UNRECORDED_AGAIN_SECONDS)

    def soon(self) -> None:
        """Have a full scan made at once: something may be wrong that nobody can know otherwise."""
        if self.schedule is not None:
            self.schedule.run_soon()

    async def watch_told(self, unrecorded: ScanReport | None) -> None:
        """Tell what the watch wrote down; or remember what it saw and could not."""
        if unrecorded is None:
            await self._pulse.beat()
            return
        self._pulse.remember_unrecorded(unrecorded)
        if unrecorded.mismatch_count and self.schedule is not None:
            # Only a full scan that was written down takes it back.
            self.schedule.run_soon(after_seconds=UNRECORDED_AGAIN_SECONDS)

    async def _make(self, selection: Selection, trigger: ScanTrigger) -> RecordedScan:
        is_due = trigger is ScanTrigger.SCHEDULE and self.leadership is not None
        token = self.leadership.token if is_due and self.leadership else None
        if is_due and token is None:
            raise ReadInterrupted("this daemon no longer holds the lease")
        scan = await self._recorder.scan(selection, trigger=trigger, token=token)
        # Nobody may hear of an older scan once somebody has heard of this one.
        self._latest.forget()
        is_whole = selection == Selection() and not scan.report.incomplete
        can_be_read = scan.unrecorded is None or not scan.report.mismatch_count
        if is_whole and can_be_read:
            self._pulse.forget_unrecorded(scan.report)
        if can_be_read:
            await self._pulse.beat()
        if not can_be_read or not self._pulse.is_up:
            # Either it is not written down, or what is written down cannot be read now.
            self._pulse.remember_unrecorded(scan.report)
        return scan


class Daemon:
    """Everything that runs while the daemon does.

    Args:
        pulse: knows where things stand.
        scans: makes scans.
        leadership: holds the lease.
        service: what the HTTP API asks.
        observer: is told what the scheduler missed.
        serve: serves HTTP while its context is open; what it gives ends when serving does.
        logs: where its life is told.
        watches: run for as long as it does: over the audit trail, the repair, what is written.
    """

    def __init__(
        self,
        *,
        pulse: Pulse,
        scans: Scans,
        leadership: Leadership,
        service: DaemonService,
        observer: ScheduleObserver,
        serve: Serve,
        logs: Logs,
        watches: Sequence[Watch],
    ) -> None:
        self._watches = watches
        self._pulse = pulse
        self._scans = scans
        self._leadership = leadership
        self._service = service
        self._serve = serve
        self._logs = logs
        self.schedule = scans.schedule = ScanSchedule(scans.scheduled, observer)

    async def run(self, timing: Timing, stop: asyncio.Event) -> None:
        """Run until `stop` is set, and stop within ten seconds.

        Raises:
            ServingFailed: the address cannot be served. RuntimeError: a part of it ended.
        """
        # What `/metrics` says must never be younger than what is known: so this comes first.
        await self._pulse.beat()
        async with self._serve() as served:
            self.schedule.start(timing)
            parts = [self._pulse.run(), self._leadership.run()]
            parts += [each.run() for each in self._watches]
            parts.append(_awaited(served))
            running = [asyncio.ensure_future(part) for part in parts]
            stopping = asyncio.ensure_future(stop.wait())
            try:
                await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
                ended = [part for part in running if part.done()]
            finally:
                await self._stop([*running, stopping])
        for part in ended:
            part.result()
            raise RuntimeError("a part of the daemon ended by itself")

    async def _stop(self, running: list["asyncio.Future[Any]"]) -> None:
        self._service.is_stopping = True
        self._logs.info("daemon_stopping")
        self.schedule.stop()
        await self._bounded(
            "parts", cancelled(running, again_seconds=AGAIN_SECONDS), PARTS_STOP_SECONDS_MAX
        )
        await self._bounded("scans", self._scans.shared.stop(), SCANS_STOP_SECONDS_MAX)
        await self._bounded("lease", self._leadership.give_back(), LEASE_STOP_SECONDS_MAX)

    async def _bounded(self, what: str, step: Coroutine[Any, Any, None], seconds: float) -> None:
        """Take one step of stopping; what cannot be done in time is left to those who follow."""
        try:
            async with asyncio.timeout(seconds):
                await step
        except (ReconcilerError, TimeoutError) as error:
            self._logs.warning("stop_incomplete", what=what, reason=str(error) or "no answer")


async def _awaited(served: Awaitable[None]) -> None:
    await served
