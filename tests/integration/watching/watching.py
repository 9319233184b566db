"""Watches a test's database as a daemon would, and remembers what was told."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from reconciler.model.bypassing import BypassingWrite
from reconciler.model.finding import Change
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import ScanReport
from reconciler.scanning.judging import Judge
from reconciler.scanning.observer import Unobserved
from reconciler.scanning.records import NoVerdictTrail
from reconciler.scanning.stopping import cancelled
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.bypassing_writes import MongoBypassingWrites
from reconciler.storage.changes import MongoChangeSource
from reconciler.storage.owners import MongoOwners
from reconciler.storage.watch_positions import MongoPositions
from reconciler.watching.checking import Checker
from reconciler.watching.observer import Restart, ScanWanted
from reconciler.watching.recording import WatchRecorder
from reconciler.watching.rules import WatchOptions
from reconciler.watching.watch import Watch
from tests.integration.records.recorder import Records

Database = AsyncDatabase[dict[str, Any]]

FAST = WatchOptions(settle_seconds=0.1, max_wait_seconds=0.4)
# Far more than anything here takes when all is well.
WITHIN_SECONDS = 15.0
AGAIN_SECONDS = 0.02


class Heard:
    """Remembers what a watch tells."""

    def __init__(self) -> None:
        self.active: list[bool] = []
        self.unsupported_reasons: list[str] = []
        self.events = 0
        self.pending = self.pending_max = 0
        self.restarts: list[Restart] = []
        self.faults: list[BaseException] = []
        self.scans: list[ScanWanted] = []
        self.written: list[BypassingWrite] = []
        self.checks: list[tuple[int, int]] = []
        self.latencies: list[float] = []
        self.reads = 0

    @property
    def is_watching(self) -> bool:
        return bool(self.active) and self.active[-1]

    @property
    def accounts_checked(self) -> int:
        return sum(accounts for accounts, _ in self.checks)

    def watching(self, *, is_active: bool) -> None:
        self.active.append(is_active)

    def unsupported(self, reason: str) -> None:
        self.unsupported_reasons.append(reason)

    def progressed(self, *, events: int, pending: int, lag_seconds: float) -> None:
        self.events += events
        self.reads += 1
        self.pending = pending
        self.pending_max = max(self.pending_max, pending)

    def restarted(self, why: Restart, *, reason: str, error: BaseException | None = None) -> None:
        if error is not None:
            self.faults.append(error)
        self.restarts.append(why)

    def scan_wanted(self, why: ScanWanted, *, detail: str) -> None:
        self.scans.append(why)

    def bypassing(self, writes: Sequence[BypassingWrite]) -> None:
        self.written += writes

    def checked(self, *, accounts: int, mismatched: int) -> None:
        self.checks.append((accounts, mismatched))

    def confirmed(self, *, latency_seconds: float) -> None:
        self.latencies.append(latency_seconds)


class Led:
    """Leads under a token, or does not."""

    def __init__(self, token: int | None) -> None:
        self.token = token


class Watched:
    """A watch over one database, with its records."""

    def __init__(
        self,
        database: Database,
        *,
        options: WatchOptions = FAST,
        batch_events_max: int = 1_000,
        kept_max: int = 10_000,
        holder: str = "watcher",
    ) -> None:
        self.database = database
        self.records = Records(database)
        self.heard = Heard()
        self.led = Led(None)
        self.holder = holder
        self.scans_asked = 0
        self.unrecorded: list[ScanReport] = []
        self.bypassing = MongoBypassingWrites(
            database, history_days=30, kept_max=kept_max, surplus=0
        )
        self.positions = MongoPositions(database)
        recorder = WatchRecorder(
            self.records.scans,
            self.records.findings,
            self.records.told,
            Unobserved(),
            NoVerdictTrail(),
            holder=holder,
            told=self._told,
        )
        store = MongoBalanceStore(database, DEFAULT_MAPPINGS)
        self.watch = Watch(
            self.led,
            MongoChangeSource(database, DEFAULT_MAPPINGS, batch_events_max=batch_events_max),
            self.positions,
            MongoOwners(database, DEFAULT_MAPPINGS),
            self.bypassing,
            lambda: Checker(
                store,
                Judge(DEFAULT_MAPPINGS, double_tolerance=options.double_tolerance),
                self.records.findings,
                recorder,
                self.heard,
                options,
                monotonic=time.monotonic,
                now=lambda: datetime.now(UTC),
            ),
            self.heard,
            options,
            scan_soon=self._scan_soon,
        )

    @contextlib.asynccontextmanager
    async def leading(self) -> AsyncIterator["Watched"]:
        """Take the lease and watch; wait until the stream is open."""
        lease = await self.records.lease.take(self.holder, seconds=60)
        assert lease.holder == self.holder
        self.led.token = lease.token
        running = asyncio.create_task(self.watch.run())
        try:
            await until(lambda: self.heard.is_watching or running.done(), "it watches")
            yield self
            assert self.heard.faults == []
        finally:
            # As the daemon does: the driver may lose a cancellation.
            await cancelled([running], again_seconds=0.1)
            await self.records.lease.give_back(self.holder, lease.token)

    async def confirmed(self, user: str) -> None:
        """Wait until a finding of the user's is confirmed."""
        await until(lambda: (user, Change.CONFIRMED) in self.records.told.changes, "a finding")

    async def resolved(self, user: str) -> None:
        """Wait until one is resolved."""
        await until(lambda: (user, Change.RESOLVED) in self.records.told.changes, "no finding")

    async def checked_more_than(self, checks: int) -> None:
        """Wait until it looked more often than that."""
        await until(lambda: len(self.heard.checks) > checks, "it looked again")

    async def bypassed(self, count: int) -> list[BypassingWrite]:
        """Wait until so many writes past the library were seen; give them all."""
        await until(lambda: len(self.heard.written) >= count, f"{count} bypassing writes")
        return self.heard.written

    async def _told(self, report: ScanReport | None) -> None:
        if report is not None:
            self.unrecorded.append(report)

    def _scan_soon(self) -> None:
        self.scans_asked += 1


async def until(
    holds: Callable[[], bool | Awaitable[bool]],
    what: str,
    *,
    within_seconds: float = WITHIN_SECONDS,
) -> None:
    """Wait for a condition."""
    ends_at = time.monotonic() + within_seconds
    while time.monotonic() < ends_at:
        held = holds()
        if held if isinstance(held, bool) else await held:
            return
        await asyncio.sleep(AGAIN_SECONDS)
    raise AssertionError(f"not within {within_seconds} seconds: {what}")


async def quiet(watched: Watched, *, reads: int = 2) -> None:
    """Wait until nothing is left to look at: some answers in a row, no event, nobody waiting."""
    last, count = watched.heard.events, watched.heard.reads

    def holds() -> bool:
        nonlocal last, count
        if watched.heard.events != last or watched.heard.pending:
            last, count = watched.heard.events, watched.heard.reads
        return watched.heard.reads - count >= reads

    await until(holds, "it is quiet")
