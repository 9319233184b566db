"""Callers at the same time share a scan, and nobody is told what is older than the question."""

import asyncio
from datetime import UTC, datetime

import pytest

from reconciler.errors import ReadInterrupted
from reconciler.model.report import Consistency, Coverage, ScanReport
from reconciler.model.scan_record import ScanTrigger
from reconciler.scanning.ports import Selection
from reconciler.scanning.recording import RecordedScan
from reconciler.scanning.sharing import SharedScans
from reconciler.scanning.stopping import cancelled

ALL = Selection()


class Scans:
    """Makes scans that end when they are let; counts how many run at once."""

    def __init__(self) -> None:
        self.made: list[Selection] = []
        self.running = 0
        self.most_running = 0
        self.may_end = asyncio.Event()

    async def make(self, selection: Selection, _trigger: ScanTrigger) -> RecordedScan:
        self.made.append(selection)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self.may_end.wait()
        finally:
            self.running -= 1
        report = ScanReport(
            scan_id=str(len(self.made)),
            mode=selection.mode,
            consistency=Consistency.SNAPSHOT,
            started_at=datetime(2026, 1, 1, tzinfo=UTC),
            duration_seconds=0.0,
            coverage=Coverage(),
            mismatch_count=0,
            mismatched_users=0,
            by_kind={},
            mismatches=(),
        )
        return RecordedScan(report, None)


async def begun(scans: Scans, count: int) -> None:
    for _ in range(5_000):
        if len(scans.made) >= count:
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"{len(scans.made)} scans began, not {count}")


async def test_callers_at_the_same_time_share_one() -> None:
    """A hundred callers at once get one and the same scan."""
    scans = Scans()
    scans.may_end.set()
    shared = SharedScans(scans.make)

    answers = await asyncio.gather(*(shared.scan(ALL, ScanTrigger.REQUEST) for _ in range(100)))

    assert scans.made == [ALL]
    assert len({answer.report.scan_id for answer in answers}) == 1


async def test_who_comes_later_gets_a_later_scan() -> None:
    """A caller who comes while a scan reads waits for the next one, shared with others."""
    scans = Scans()
    shared = SharedScans(scans.make)
    first = asyncio.create_task(shared.scan(ALL, ScanTrigger.SCHEDULE))
    await begun(scans, 1)
    later = [asyncio.create_task(shared.scan(ALL, ScanTrigger.REQUEST)) for _ in range(3)]
    await asyncio.sleep(0.05)
    assert scans.made == [ALL], "never two full scans at once"
    scans.may_end.set()

    ids = {task.report.scan_id for task in await asyncio.gather(*later)}
    assert (await first).report.scan_id not in ids
    assert len(ids) == 1
    assert scans.most_running == 1


async def test_narrowed_scans_run_beside_a_full_one() -> None:
    """Who asks for one user does not wait for a scan of all."""
    scans = Scans()
    shared = SharedScans(scans.make)
    full = asyncio.create_task(shared.scan(ALL, ScanTrigger.REQUEST))
    users = [
        asyncio.create_task(shared.scan(Selection(name), ScanTrigger.REQUEST)) for name in "abc"
    ]
    await begun(scans, 4)
    scans.may_end.set()
    await asyncio.gather(full, *users)

    assert scans.most_running == 4


async def test_a_caller_who_leaves_ends_nothing() -> None:
    """One cancelled caller does not take the scan from the others."""
    scans = Scans()
    shared = SharedScans(scans.make)
    leaving, staying = (
        asyncio.create_task(shared.scan(ALL, ScanTrigger.REQUEST)) for _ in range(2)
    )
    await begun(scans, 1)
    leaving.cancel()
    scans.may_end.set()

    assert (await staying).report.scan_id == "1"
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_stopping_interrupts_and_says_so() -> None:
    """Who waits for a scan that is stopped hears that it was, and is not cancelled."""
    scans = Scans()
    shared = SharedScans(scans.make)
    waiting = asyncio.create_task(shared.scan(ALL, ScanTrigger.REQUEST))
    await begun(scans, 1)

    await shared.stop()

    with pytest.raises(ReadInterrupted):
        await waiting
    assert scans.running == 0


async def test_a_lost_cancellation_is_sent_again() -> None:
    """What swallows one cancellation, as the driver was seen to, ends at the next."""
    swallowed = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await cancelled([task], again_seconds=0.01)

    assert swallowed.is_set()
    assert task.cancelled()
