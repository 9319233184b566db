"""Writes down under which freeze the daemon runs, once, when that is not what the trail says."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from reconciler.auditing.verdicts import Appending
from reconciler.errors import ReconcilerError
from reconciler.model.audit import AuditKind
from reconciler.model.freeze_trail import FreezeStanding, freeze_event
from reconciler.surfaces.daemon.token_watch import AGAIN_SECONDS, Recorded
from reconciler.surfaces.logs import Logs


class FreezeWatch:
    """Holds the freeze that the daemon runs under against the trail.

    Args:
        trail: where the event is written.
        recorded: reads the bodies of all records of a kind, in their order.
        standing: the freeze of this program.
        actor: who writes: this process.
        now: gives the time.
        logs: where is said what could not be written down.
        sleep: waits some seconds.
    """

    def __init__(
        self,
        trail: Appending,
        recorded: Recorded,
        standing: FreezeStanding,
        *,
        actor: str,
        now: Callable[[], datetime],
        logs: Logs,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._trail = trail
        self._recorded = recorded
        self._standing = standing
        self._actor = actor
        self._now = now
        self._logs = logs
        self._sleep = sleep

    async def run(self) -> None:
        """Write it down, then do nothing for ever; cancel it to stop."""
        while True:
            try:
                await self.record()
                break
            except ReconcilerError as error:
                self._logs.warning("freeze_not_recorded", reason=str(error))
                await self._sleep(AGAIN_SECONDS)
        await asyncio.Event().wait()

    async def record(self) -> None:
        """Write the freeze down if the trail says another one last.

        Raises:
            ReconcilerError: the trail could not be read or written.
        """
        recorded = await self._recorded(AuditKind.FREEZE)
        event = freeze_event(self._standing, recorded, at=self._now(), actor=self._actor)
        if event is not None:
            await self._trail.append(event)
