"""What a daemon does with its records: when it scans, what it serves, what it tells last."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.errors import ReadInterrupted
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import Verdict
from reconciler.model.scan_record import ScanTrigger
from reconciler.model.standing import Standing
from reconciler.scanning.latest import LatestScan
from reconciler.scanning.leadership import Leadership
from reconciler.scanning.ports import Selection
from reconciler.settings import ScanSettings
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.bypassing_writes import MongoBypassingWrites
from reconciler.storage.explaining import Explainer
from reconciler.surfaces.daemon.auditing import AuditWatch
from reconciler.surfaces.daemon.daemon import Daemon, Scans
from reconciler.surfaces.daemon.pulse import Pulse
from reconciler.surfaces.daemon.schedule import Timing
from reconciler.surfaces.daemon.service import DaemonService
from reconciler.surfaces.daemon.succession import Succession
from reconciler.surfaces.logs import Logs, open_logs
from tests.integration.records.recorder import Records
from tests.integration.records.test_recording import ALL, drifted, mend
from tests.integration.scanning.seeing import make_collections

Database = AsyncDatabase[dict[str, Any]]
STOP_SECONDS_MAX = 10.0


class Silent:
    """Hears what a daemon tells."""

    def mongo_up(self, is_up: bool, *, reason: str | None) -> None:
        pass

    def standing_known(self, standing: Standing) -> None:
        pass

    def verdict_changed(self, *, was: Verdict, is_now: Verdict) -> None:
        pass

    def job_missed(self, reason: str, *, error: BaseException | None = None) -> None:
        pass


class Stubborn(Pulse):
    """Takes no notice of the first cancellation."""

    cancellations = 0

    async def run(self) -> None:
        while self.cancellations < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancellations += 1


class Parts:
    """A daemon's scans on a database, without HTTP."""

    def __init__(
        self, database: Database, *, holder: str = "test", settle_seconds: float = 0.001
    ) -> None:
        self.database = database
        self.records = Records(database, settle_seconds=settle_seconds)
        self.logs: Logs = open_logs(level="error", as_text=False, stream=io.StringIO())
        self.pulse = Pulse(self.records.standing, Silent())
        self.latest = LatestScan(self.records.scans.last_full, monotonic=lambda: 0.0)
        self.scans = Scans(self.records.recorder, self.pulse, self.latest)
        self.succession = Succession(
            self.scans.shared, self.records.scans, self.logs, prepare=_nothing
        )
        self.leadership = Leadership(
            self.records.lease, self.succession, holder=holder, ttl_seconds=60
        )
        self.scans.leadership = self.leadership

    def service(self) -> DaemonService:
        store = MongoBalanceStore(self.database, DEFAULT_MAPPINGS)
        return DaemonService(
            pulse=self.pulse,
            leadership=self.leadership,
            shared=self.scans.shared,
            scans=self.records.scans,
            latest=self.latest,
            findings=self.records.findings,
            explainer=Explainer(store, DEFAULT_MAPPINGS),
            bypassing=MongoBypassingWrites(self.database, history_days=30),
            now=lambda: datetime.now(UTC),
        )


async def _nothing() -> None:
    pass


async def count(database: Database) -> int:
    return await database["integrity_scans"].count_documents({})


async def test_nobody_hears_of_an_older_scan_after_a_younger_one(database: Database) -> None:
    """Whoever was told of a mismatch is not told a moment later that all is well."""
    await make_collections(database)
    service = Parts(database).service()
    await service.check(None, None)
    before = await service.last_full()
    await drifted(database, "alice")
    now = await service.check(None, None)
    after = await service.last_full()

    assert now.verdict is Verdict.INTEGRITY_FAILURE
    assert before is not None
    assert after is not None
    assert before.report is not None
    assert after.report is not None
    assert before.report.verdict is Verdict.HEALTHY
    assert after.report.scan_id == now.scan_id


async def test_only_who_holds_the_lease_scans_on_schedule(database: Database) -> None:
    """A follower passes the time over, and records nothing; the leader scans."""
    await make_collections(database)
    leader, follower = Parts(database, holder="leader"), Parts(database, holder="follower")
    await leader.leadership.step()
    await follower.leadership.step()
    await follower.scans.scheduled()
    with pytest.raises(ReadInterrupted):
        await follower.scans.shared.scan(Selection(), ScanTrigger.SCHEDULE)
    assert await count(database) == 0
    await leader.scans.scheduled()

    assert await count(database) == 1


class Watching:
    """Watches over no trail, for as long as the daemon lives."""

    async def run(self) -> None:
        await asyncio.Event().wait()


async def live(parts: Parts, while_serving: Callable[[], Awaitable[None]]) -> None:
    """Let a daemon live until it has served for a moment; it must stop within its time."""
    stop = asyncio.Event()

    @contextlib.asynccontextmanager
    async def serve() -> AsyncIterator[Awaitable[None]]:
        await while_serving()
        stop.set()
        yield asyncio.sleep(3600)

    daemon = Daemon(
        pulse=parts.pulse,
        scans=parts.scans,
        leadership=parts.leadership,
        service=parts.service(),
        observer=Silent(),
        serve=serve,
        logs=parts.logs,
        watches=[cast("AuditWatch", Watching())],
    )
    async with asyncio.timeout(STOP_SECONDS_MAX):
        await daemon.run(Timing.of(ScanSettings()), stop)
    parts.succession.stop()


async def test_the_standing_is_known_before_anything_is_served(database: Database) -> None:
    """A restart in the middle of a failure has its verdict with the very first answer."""
    await drifted(database, "alice")
    parts = Parts(database)
    await parts.records.recorder.scan(ALL, trigger=ScanTrigger.COMMAND)
    known = []

    async def note() -> None:
        known.append(parts.pulse.standing)

    await live(parts, note)

    assert [standing is not None and standing.is_failure for standing in known] == [True]


async def test_a_daemon_that_stops_ends_its_scans(database: Database) -> None:
    """What runs is recorded as interrupted before the daemon is gone."""
    await drifted(database, "alice")
    parts = Parts(database, settle_seconds=60)
    scanning: list[asyncio.Task[Any]] = []

    async def begin_a_scan() -> None:
        scanning.append(asyncio.create_task(parts.scans.shared.scan(ALL, ScanTrigger.REQUEST)))
        for _ in range(1_000):
            if parts.records.told.changes:
                return
            await asyncio.sleep(0.01)

    await live(parts, begin_a_scan)
    document = await database["integrity_scans"].find_one({"trigger": "request"})
    for task in scanning:
        task.cancel()
    await asyncio.wait(scanning)

    assert document is not None
    assert document["state"] == "interrupted"


async def test_a_cancellation_that_got_lost_is_repeated(database: Database) -> None:
    """A part that went on although it was cancelled does not keep the daemon from stopping."""
    parts = Parts(database)
    parts.pulse = Stubborn(parts.records.standing, Silent())

    await live(parts, _nothing)

    assert parts.pulse.cancellations == 2


async def test_what_was_mended_is_told_at_once(database: Database) -> None:
    """The scan that saw the account in sync is the last one, for whoever asks next."""
    await drifted(database, "alice")
    service = Parts(database).service()
    await service.check(None, None)
    assert await service.last_full() is not None
    await mend(database)
    await service.check(None, None)
    last = await service.last_full()

    assert last is not None
    assert last.report is not None
    assert last.report.verdict is Verdict.HEALTHY
