"""Lets callers of the same scan share one, and keeps full scans from running beside each other."""

import asyncio
from collections.abc import Awaitable, Callable

from reconciler.errors import ReadInterrupted
from reconciler.model.report import ScanMode
from reconciler.model.scan_record import ScanTrigger
from reconciler.scanning.ports import Selection
from reconciler.scanning.recording import RecordedScan
from reconciler.scanning.stopping import cancelled

# So long a scan waits for further callers before it reads.
GATHER_SECONDS = 0.02
# Narrowed scans read little; so many run at once.
NARROWED_MAX = 4
# A scan that is stopped has this long to write that down before it is cancelled again.
AGAIN_SECONDS = 1.0

MakeScan = Callable[[Selection, ScanTrigger], Awaitable[RecordedScan]]
Sleep = Callable[[float], Awaitable[None]]


class SharedScans:
    """Makes scans for callers who may come at the same time.

    A caller shares a scan that has not begun to read. One that comes later waits for the next: what
    it is told must not be older than its question. A caller who leaves does not end a scan.

    Args:
        make: makes one scan.
        sleep: waits some seconds.
    """

    def __init__(self, make: MakeScan, *, sleep: Sleep = asyncio.sleep) -> None:
        self._make = make
        self._sleep = sleep
        self._gathering: dict[Selection, asyncio.Task[RecordedScan]] = {}
        self._tasks: dict[asyncio.Task[RecordedScan], ScanTrigger] = {}
        self._full = asyncio.Lock()
        self._narrowed = asyncio.Semaphore(NARROWED_MAX)

    async def scan(self, selection: Selection, trigger: ScanTrigger) -> RecordedScan:
        """Give a scan that begins to read after this call.

        Raises:
            ReadInterrupted: all scans were stopped.
            Fenced, or a fault: as the scan itself does.
        """
        task = self._gathering.get(selection)
        if task is None:
            task = asyncio.create_task(self._run(selection, trigger))
            self._gathering[selection] = task
            self._tasks[task] = trigger
            task.add_done_callback(self._forget)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled() and not _is_cancelled_itself():
                raise ReadInterrupted(
                    "the scan was interrupted: this daemon stops, or another one scans now"
                ) from None
            raise

    async def stop(self, *triggers: ScanTrigger) -> None:
        """Interrupt the scans of these triggers, or all, and wait until each has said so."""
        wanted = triggers or tuple(ScanTrigger)
        tasks = {task for task, trigger in self._tasks.items() if trigger in wanted}
        await cancelled(tasks, again_seconds=AGAIN_SECONDS)

    async def _run(self, selection: Selection, trigger: ScanTrigger) -> RecordedScan:
        turn = self._full if selection.mode is ScanMode.FULL else self._narrowed
        try:
            async with turn:
                await self._sleep(GATHER_SECONDS)
                # From here on a caller would be told what was read before its question.
                del self._gathering[selection]
                return await self._make(selection, trigger)
        finally:
            if self._gathering.get(selection) is asyncio.current_task():
                del self._gathering[selection]

    def _forget(self, task: asyncio.Task[RecordedScan]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled():
            task.exception()  # seen, so that asyncio does not report it when all callers have left


def _is_cancelled_itself() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
