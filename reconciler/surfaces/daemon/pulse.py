"""Keeps up with the database: whether it answers, and where the exchange stands."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from reconciler.errors import ReconcilerError
from reconciler.model.report import ScanReport, Verdict
from reconciler.model.standing import Standing
from reconciler.scanning.records import StandingRecords

PULSE_SECONDS = 1.0
# What does not answer by then is taken to be away.
ANSWER_SECONDS_MAX = 3.0
# Even if no change was counted, the standing is read again after so long.
STANDING_SECONDS_MAX = 30.0
# Summing up takes long where much is wrong; meanwhile a quick question shows the database is there.
LOOK_SECONDS = 1.0

Sleep = Callable[[float], Awaitable[None]]


class PulseObserver(Protocol):
    """Is told what a daemon knows. It must not raise."""

    def mongo_up(self, is_up: bool, *, reason: str | None) -> None:  # noqa: FBT001 - a gauge
        """Whether the database answers; told at each beat."""

    def standing_known(self, standing: Standing) -> None:
        """Where the exchange stands; told at each beat."""

    def verdict_changed(self, *, was: Verdict, is_now: Verdict) -> None:
        """What is known of all accounts together changed."""


class Pulse:
    """Reads the standing whenever anything changed, a beat at a time.

    Args:
        records: where the standing is summed up.
        observer: is told at each beat.
        monotonic: a clock in seconds.
        sleep: waits some seconds.
    """

    def __init__(
        self,
        records: StandingRecords,
        observer: PulseObserver,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._records = records
        self._observer = observer
        self._monotonic = monotonic
        self._sleep = sleep
        self.is_up = False
        self.standing: Standing | None = None
        self._stored: Standing | None = None
        self._revision: int | None = None
        self._read_at = 0.0
        self._unrecorded: ScanReport | None = None
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Beat for ever; cancel it to stop."""
        while True:
            await self.beat()
            await self._sleep(PULSE_SECONDS)

    async def beat(self) -> None:
        """Ask the database once, and tell what is known then."""
        async with self._turn:
            reason = await self._read()
        self.is_up = reason is None
        self._observer.mongo_up(self.is_up, reason=reason)
        if self.standing is not None:
            self._observer.standing_known(self.standing)

    @property
    def holds_unrecorded(self) -> bool:
        """Whether a mismatch was seen that what is stored does not tell of."""
        return self._unrecorded is not None

    def remember_unrecorded(self, report: ScanReport) -> None:
        """Keep a mismatch that is not to be read, until a later full scan has looked everywhere."""
        if report.mismatch_count:
            self._unrecorded = report
            if self._stored is not None:
                self._know(self._stored.with_unrecorded(report))

    def forget_unrecorded(self, report: ScanReport) -> None:
        """A full scan has looked everywhere, and what it saw is written down, or is nothing."""
        if self._unrecorded is None or self._unrecorded.started_at <= report.started_at:
            self._unrecorded = None
        self._revision = None

    async def _read(self) -> str | None:
        """Read what changed; give why that was not possible, or None."""
        try:
            revision = await self._asked_revision()
            is_old = self._monotonic() - self._read_at > STANDING_SECONDS_MAX
            if revision != self._revision or is_old or self.standing is None:
                standing = self._stored = await self._summed_up()
                self._revision, self._read_at = revision, self._monotonic()
                unrecorded = self._unrecorded
                self._know(standing.with_unrecorded(unrecorded) if unrecorded else standing)
        except ReconcilerError as error:
            return str(error)
        except TimeoutError:
            return f"the database did not answer in {ANSWER_SECONDS_MAX:g} seconds"
        return None

    async def _asked_revision(self) -> int:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            return await self._records.revision()

    async def _summed_up(self) -> Standing:
        """Read the standing, however long that takes while the database answers all the same."""
        reading = asyncio.ensure_future(self._records.standing())
        reading.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            while not (await asyncio.wait({reading}, timeout=LOOK_SECONDS))[0]:
                await self._asked_revision()
            return reading.result()
        finally:
            reading.cancel()

    def _know(self, standing: Standing) -> None:
        was, self.standing = self.standing, standing
        if was is not None and was.verdict is not standing.verdict:
            self._observer.verdict_changed(was=was.verdict, is_now=standing.verdict)
