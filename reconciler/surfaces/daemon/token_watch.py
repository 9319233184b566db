"""Writes down whose tokens the daemon lets in, when it starts and when it takes other settings."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from reconciler.auditing.verdicts import Appending
from reconciler.errors import ReconcilerError
from reconciler.model.audit import AuditKind
from reconciler.model.token_trail import Grant, token_events
from reconciler.surfaces.logs import Logs

# What could not be written down is tried again after so long.
AGAIN_SECONDS = 30.0

Recorded = Callable[[AuditKind], Awaitable[Sequence[str]]]


class TokenWatch:
    """Holds the tokens of the settings against the trail, and appends what is new.

    Args:
        trail: where events are written.
        recorded: reads the bodies of all records of a kind, in their order.
        actor: who writes: this process.
        now: gives the time.
        logs: where is said what could not be written down.
        sleep: waits some seconds.
    """

    def __init__(
        self,
        trail: Appending,
        recorded: Recorded,
        *,
        actor: str,
        now: Callable[[], datetime],
        logs: Logs,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._trail = trail
        self._recorded = recorded
        self._actor = actor
        self._now = now
        self._logs = logs
        self._sleep = sleep
        self._grants: Sequence[Grant] = ()
        self._is_new = asyncio.Event()

    def take(self, grants: Sequence[Grant]) -> None:
        """Take the tokens that are let in from now on; they are written down soon."""
        self._grants = grants
        self._is_new.set()

    async def run(self) -> None:
        """Write down what is taken, for ever; cancel it to stop."""
        while True:
            await self._is_new.wait()
            self._is_new.clear()
            try:
                await self.record()
            except ReconcilerError as error:
                self._logs.warning("tokens_not_recorded", reason=str(error))
                self._is_new.set()
                await self._sleep(AGAIN_SECONDS)

    async def record(self) -> None:
        """Write down how the tokens differ from what the trail says.

        Raises:
            ReconcilerError: the trail could not be read or written.
        """
        grants, recorded = self._grants, await self._recorded(AuditKind.TOKEN)
        for event in token_events(grants, recorded, at=self._now(), actor=self._actor):
            await self._trail.append(event)
