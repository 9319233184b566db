"""Watches over the audit trail: proves it whole at the start, then what is new, and signs it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from reconciler.auditing.proving import Proof
from reconciler.errors import ReconcilerError
from reconciler.model.audit import Checkpoint
from reconciler.surfaces.logs import Logs

Sleep = Callable[[float], Awaitable[None]]

AT_INTERVALS = "interval"


class WatchedTrail(Protocol):
    """The trail, as the daemon watches over it."""

    @property
    def can_sign(self) -> bool:
        """Whether there is a place for checkpoints."""

    async def checkpoint(self, why: str) -> Checkpoint:
        """Prove what is new and sign where the trail stands; tell when that fails, and raise."""

    async def prove_newest(self) -> Proof:
        """Prove what is new."""

    async def prove_all(self) -> Proof:
        """Prove everything."""

    def know_last_checkpoint(self) -> None:
        """Tell of the checkpoint that was the last one."""


class AuditWatch:
    """Proves and signs for as long as the daemon runs.

    Args:
        trail: the trail; it tells its observer what comes of it.
        interval_seconds: gives how long to wait between two checkpoints.
        logs: where is said what could not be read.
        sleep: waits some seconds.
    """

    def __init__(
        self,
        trail: WatchedTrail,
        *,
        interval_seconds: Callable[[], float],
        logs: Logs,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._trail = trail
        self._interval_seconds = interval_seconds
        self._logs = logs
        self._sleep = sleep

    async def run(self) -> None:
        """Watch for ever; cancel it to stop."""
        whole = asyncio.create_task(self._prove_all())
        try:
            self._know_last()
            while True:
                await self.step()
                await self._sleep(self._interval_seconds())
        finally:
            whole.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await whole

    async def step(self) -> None:
        """Sign what is new, or prove it at least where nothing can be signed."""
        is_signed = False
        if self._trail.can_sign:
            # Whoever observes the trail has been told.
            with contextlib.suppress(ReconcilerError):
                await self._trail.checkpoint(AT_INTERVALS)
                is_signed = True
        if not is_signed:
            await self._said("newest", self._trail.prove_newest())

    async def _prove_all(self) -> None:
        await self._said("all", self._trail.prove_all())

    def _know_last(self) -> None:
        try:
            self._trail.know_last_checkpoint()
        except ReconcilerError as error:
            self._logs.error("audit_not_proven", what="checkpoints", reason=str(error))

    async def _said(self, what: str, proof: Awaitable[Proof]) -> None:
        try:
            await proof
        except ReconcilerError as error:
            self._logs.warning("audit_not_proven", what=what, reason=str(error))
