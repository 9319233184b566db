"""Keeps the gauges of the repair up to date: the switch, and the plans that wait."""

import asyncio
from collections.abc import Awaitable, Callable

from reconciler.errors import ReconcilerError
from reconciler.surfaces.daemon.pulse import ANSWER_SECONDS_MAX
from reconciler.surfaces.repair_watching import RepairStanding, RepairWatcher

PULSE_SECONDS = 2.0


class RepairPulse:
    """Reads where the repair stands, a beat at a time; what cannot be read is told as not known.

    Args:
        look: reads it.
        observer: is told at each beat.
        sleep: waits some seconds.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[RepairStanding]],
        observer: RepairWatcher,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._look = look
        self._observer = observer
        self._sleep = sleep

    async def run(self) -> None:
        """Beat for ever; cancel it to stop."""
        while True:
            await self.beat()
            await self._sleep(PULSE_SECONDS)

    async def beat(self) -> None:
        """Read once, and tell."""
        standing: RepairStanding | None = None
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                standing = await self._look()
        except (ReconcilerError, TimeoutError):
            # Why is told by the daemon's own pulse.
            pass
        self._observer.standing_known(standing)
