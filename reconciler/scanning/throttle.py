"""Makes a scan wait before its next unit of work while the server is busy, within a bound."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from reconciler.errors import CannotLook
from reconciler.model.throttle import Busy, ServerLoad, ThrottleLimits, busy
from reconciler.scanning.deadline import Deadline
from reconciler.scanning.ports import Selection

# The server is asked this often at most, however many units of work are begun.
LOOK_SECONDS = 1.0
PAUSE_SECONDS = 0.5

Sleep = Callable[[float], Awaitable[None]]


class LoadSource(Protocol):
    """Says how busy the server is."""

    async def load(self) -> ServerLoad:
        """Ask the server. It returns in bounded time and never raises: what fails is unknown."""


class ThrottleObserver(Protocol):
    """Is told when a scan waits. It must return at once, and must not raise."""

    def scan_throttled(self, scan_id: str, busy: Busy, *, seconds: float) -> None:
        """A scan begins to wait (0 seconds), or has waited so many seconds more."""

    def scan_resumed(self, scan_id: str, *, seconds: float) -> None:
        """A scan reads on after so many seconds."""

    def load_unknown(self, scan_id: str, *, why: str) -> None:
        """Something that would throttle a scan cannot be asked."""


class Throttle:
    """The throttle of one scan: `pass_through` before each unit of work.

    All that pass at once wait for the same look at the server, and their wait counts once.

    Args:
        source: says how busy the server is; None throttles nothing.
        limits: above which a scan waits, and for how long in all.
        deadline: the scan's.
        told: what is unknown and was told before, of all scans; each is told once.
    """

    def __init__(
        self,
        source: LoadSource | None,
        limits: ThrottleLimits,
        deadline: Deadline,
        *,
        scan_id: str,
        observer: ThrottleObserver,
        told: set[str],
        monotonic: Callable[[], float],
        sleep: Sleep,
    ) -> None:
        self._source = None if limits.is_off else source
        self._limits = limits
        self._deadline = deadline
        self._scan_id = scan_id
        self._observer = observer
        self._told = told
        self._monotonic = monotonic
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._looked_at: float | None = None
        self._waited_seconds = 0.0

    async def pass_through(self, what: object) -> None:
        """Return once the server is calm; `what` names the unit of work that is about to begin.

        Raises:
            CannotLook: the scan has waited as long as it may, or until its deadline.
        """
        if self._source is None:
            return
        async with self._turn:
            if self._looked_at is None or self._monotonic() - self._looked_at >= LOOK_SECONDS:
                await self._wait_until_calm(self._source, what)
                self._looked_at = self._monotonic()

    async def _wait_until_calm(self, source: LoadSource, what: object) -> None:
        begun = self._monotonic()
        found = await self._look(source)
        if found is None:
            return
        self._observer.scan_throttled(self._scan_id, found, seconds=0)
        while found is not None:
            await self._pause(found, what)
            found = await self._look(source)
        self._observer.scan_resumed(self._scan_id, seconds=self._monotonic() - begun)

    async def _look(self, source: LoadSource) -> Busy | None:
        load = await source.load()
        for why in load.unknown:
            if why not in self._told:
                self._told.add(why)
                self._observer.load_unknown(self._scan_id, why=why)
        return busy(load, self._limits)

    async def _pause(self, found: Busy, what: object) -> None:
        left = self._limits.wait_seconds_max - self._waited_seconds
        if left <= 0:
            limit = f"scan.throttle_wait_seconds_max ({self._limits.wait_seconds_max:g})"
            raise CannotLook(f"{what} could not be read: {found}, for longer than {limit} in all")
        if self._deadline.is_past:
            why = self._deadline.explain(TimeoutError())
            raise CannotLook(f"{what} could not be read: {found}, until {why}")
        begun = self._monotonic()
        await self._sleep(min(PAUSE_SECONDS, left, self._deadline.remaining_seconds))
        seconds = self._monotonic() - begun
        self._waited_seconds += seconds
        self._observer.scan_throttled(self._scan_id, found, seconds=seconds)


class Throttles:
    """Makes the throttle of each scan; what all of them share is what was told already.

    Args:
        source: says how busy the server is; None throttles nothing.
    """

    def __init__(
        self,
        source: LoadSource | None,
        observer: ThrottleObserver,
        *,
        monotonic: Callable[[], float],
        sleep: Sleep,
    ) -> None:
        self._source = source
        self._observer = observer
        self._monotonic = monotonic
        self._sleep = sleep
        self._told: set[str] = set()

    def of_scan(
        self, scan_id: str, selection: Selection, limits: ThrottleLimits, deadline: Deadline
    ) -> Throttle:
        """Make the throttle of one scan. What one user has is read at once, however busy it is."""
        return Throttle(
            self._source if selection.user_id is None else None,
            limits,
            deadline,
            scan_id=scan_id,
            observer=self._observer,
            told=self._told,
            monotonic=self._monotonic,
            sleep=self._sleep,
        )
