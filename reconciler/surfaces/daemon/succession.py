"""What a daemon does when it gains the lease, and when it loses it."""

import asyncio
from collections.abc import Awaitable, Callable

from reconciler.errors import ReconcilerError
from reconciler.model.scan_record import ScanTrigger
from reconciler.scanning.records import ScanRecords
from reconciler.scanning.sharing import SharedScans
from reconciler.surfaces.daemon.schedule import ScanSchedule
from reconciler.surfaces.logs import Logs

# What the last holder left may be locked by its last transaction until the server undoes that, a
# minute by default: it is tried again for as long as this daemon leads.
AGAIN_SECONDS = 5.0
STOP_SECONDS_MAX = 5.0

Prepare = Callable[[], Awaitable[None]]


class Succession:
    """Scans at once as the new holder, and clears up behind the last one beside that.

    Nothing here may take long: whoever waits for it does not prolong the lease.

    Args:
        shared: the daemon's scans.
        records: where scans are kept.
        logs: where it is told.
        prepare: makes what is missing in the database, such as indexes.
    """

    def __init__(
        self, shared: SharedScans, records: ScanRecords, logs: Logs, *, prepare: Prepare
    ) -> None:
        self.schedule: ScanSchedule | None = None
        self._shared = shared
        self._records = records
        self._logs = logs
        self._prepare = prepare
        self._clearing: asyncio.Task[None] | None = None

    async def lease_gained(self, token: int) -> None:
        """Scan, and mark what the last holder left running."""
        self._logs.info("lease_gained", token=token)
        self._clearing = asyncio.create_task(self._clear_up(token))
        if self.schedule is not None:
            self.schedule.run_soon()

    async def lease_unanswered(self, reason: str) -> None:
        """Say why this daemon does not know who scans."""
        self._logs.warning("lease_unanswered", reason=reason)

    async def lease_lost(self) -> None:
        """Stop what was made under it: another daemon scans, or nobody can."""
        self._logs.warning("lease_lost")
        self.stop()
        try:
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await self._shared.stop(ScanTrigger.SCHEDULE)
        except TimeoutError:
            # What it still writes is refused.
            self._logs.warning("stop_incomplete", what="scans", reason="no answer")

    def stop(self) -> None:
        """Clear up no longer."""
        if self._clearing is not None:
            self._clearing.cancel()

    async def _clear_up(self, token: int) -> None:
        is_told = False
        while True:
            try:
                interrupted = await self._records.interrupt_orphans(token=token)
                if interrupted:
                    self._logs.warning("scans_left_running", interrupted=interrupted)
                await self._prepare()
            except ReconcilerError as error:
                if not is_told:
                    self._logs.warning("clearing_up_waits", reason=str(error))
                is_told = True
            else:
                return
            await asyncio.sleep(AGAIN_SECONDS)
