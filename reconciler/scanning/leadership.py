"""Holds the lease for one daemon: knows at any moment whether it may scan, under which token."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from reconciler.errors import ReconcilerError
from reconciler.model.lease import Lease
from reconciler.scanning.records import LeaseKeeper

# Of the time within which another daemon must take over: how long a lease is given for, and how
# often it is asked for. A holder that dies at once after asking is followed after VALID + STEP.
VALID_SHARE = 0.6
STEP_SHARE = 0.15

Sleep = Callable[[float], Awaitable[None]]


class LeadershipObserver(Protocol):
    """Is told who leads. It must return soon, and must not raise."""

    async def lease_gained(self, token: int) -> None:
        """This daemon holds the lease, under a new token."""

    async def lease_lost(self) -> None:
        """It does so no longer."""

    async def lease_unanswered(self, reason: str) -> None:
        """The database did not say who holds it; told once, until it answers again."""


class Leadership:
    """Asks for the lease again and again.

    The holder counts its time from before it asked, by a clock of its own, so that it stops before
    the database gives the lease to another one. Should it be stopped itself in between, the token
    is what keeps its late writes out.

    `is_answered` says whether the database told who holds it when it was last asked.

    Args:
        keeper: the lease in the database.
        observer: is told of changes.
        holder: this daemon, unlike any other one.
        ttl_seconds: within which another daemon takes over when this one dies.
        monotonic: a clock in seconds.
        sleep: waits some seconds.
    """

    def __init__(
        self,
        keeper: LeaseKeeper,
        observer: LeadershipObserver,
        *,
        holder: str,
        ttl_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.holder = holder
        self._keeper = keeper
        self._observer = observer
        self._valid_seconds = ttl_seconds * VALID_SHARE
        self._step_seconds = ttl_seconds * STEP_SHARE
        self._monotonic = monotonic
        self._sleep = sleep
        self._token: int | None = None
        self._told: int | None = None
        self._until = 0.0
        self.is_answered = True

    @property
    def token(self) -> int | None:
        """The fencing token, while the lease is surely ours; else None."""
        return self._token if self._monotonic() < self._until else None

    async def run(self) -> None:
        """Ask for ever; cancel it to stop."""
        while True:
            await self.step()
            await self._sleep(self._step_seconds)

    async def step(self) -> None:
        """Ask once, and tell of what changed."""
        asked_at = self._monotonic()
        lease = await self._asked()
        if lease is None and self.token is not None:
            return  # what was given before is ours until its time is over
        if lease is None or lease.holder != self.holder:
            await self._lose()
            return
        if self._told not in {None, lease.token}:
            await self._lose()
        self._until = asked_at + self._valid_seconds
        self._token = lease.token
        if self._told is None:
            self._told = lease.token
            await self._observer.lease_gained(lease.token)

    async def give_back(self) -> None:
        """Let another daemon have the lease at once; that is not told."""
        token, self._token, self._told, self._until = self._token, None, None, 0.0
        if token is not None:
            await self._keeper.give_back(self.holder, token)

    async def _asked(self) -> Lease | None:
        try:
            lease = await self._keeper.take(self.holder, seconds=self._valid_seconds)
        except ReconcilerError as error:
            if self.is_answered:
                self.is_answered = False
                await self._observer.lease_unanswered(str(error))
            return None
        self.is_answered = True
        return lease

    async def _lose(self) -> None:
        self._token, self._until = None, 0.0
        if self._told is not None:
            self._told = None
            await self._observer.lease_lost()
