"""Callers share what was read of the last full scan, and none is told of what is long gone."""

import asyncio
from datetime import UTC, datetime

import pytest

from reconciler.errors import ReadInterrupted
from reconciler.model.report import ScanMode
from reconciler.model.scan_record import ScanRecord, ScanState, ScanTrigger
from reconciler.scanning.latest import SHARED_SECONDS, LatestScan


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Records:
    """Each read gives a younger scan, once it may end, or fails."""

    def __init__(self) -> None:
        self.reads = 0
        self.is_away = False
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def read(self) -> ScanRecord:
        self.reads += 1
        sequence = self.reads
        await self.may_end.wait()
        if self.is_away:
            raise ReadInterrupted("away")
        return ScanRecord(
            scan_id=f"scan-{sequence}",
            sequence=sequence,
            mode=ScanMode.FULL,
            user_id=None,
            currency=None,
            trigger=ScanTrigger.SCHEDULE,
            holder="test",
            token=1,
            state=ScanState.FINISHED,
            started_at=datetime(2026, 1, 1, tzinfo=UTC),
        )


def parts() -> tuple[LatestScan, Records, Clock]:
    records, clock = Records(), Clock()
    return LatestScan(records.read, monotonic=clock), records, clock


async def numbers(latest: LatestScan, callers: int) -> set[int]:
    found = await asyncio.gather(*(latest.get() for _ in range(callers)))
    return {record.sequence for record in found if record is not None}


async def test_callers_at_the_same_time_share_a_read() -> None:
    """Two hundred callers cost one read, and so do those who come a little later."""
    latest, records, clock = parts()

    assert await numbers(latest, 200) == {1}
    clock.seconds += SHARED_SECONDS - 0.01
    assert await numbers(latest, 200) == {1}
    assert records.reads == 1


async def test_another_daemons_scan_is_seen_in_time() -> None:
    """What was read is not given out for longer than a moment."""
    latest, _, clock = parts()
    await latest.get()
    clock.seconds += SHARED_SECONDS

    assert await numbers(latest, 3) == {2}


async def test_time_counts_from_before_the_read() -> None:
    """A read that was long under way may miss what was written meanwhile."""
    latest, records, clock = parts()
    records.may_end.clear()
    first = asyncio.create_task(latest.get())
    await asyncio.sleep(0)
    clock.seconds += SHARED_SECONDS
    second = asyncio.create_task(latest.get())
    await asyncio.sleep(0)
    records.may_end.set()
    found = await asyncio.gather(first, second)

    assert [record and record.sequence for record in found] == [1, 2]


async def test_nothing_older_after_a_scan_of_ones_own() -> None:
    """A read that began before the scan was recorded is not for those who ask after it."""
    latest, records, _ = parts()
    await latest.get()
    latest.forget()
    records.may_end.clear()
    under_way = asyncio.create_task(latest.get())
    await asyncio.sleep(0)
    latest.forget()
    later = asyncio.create_task(latest.get())
    await asyncio.sleep(0)
    records.may_end.set()
    found = await asyncio.gather(under_way, later)

    assert [record and record.sequence for record in found] == [2, 3]


async def test_a_failure_is_not_kept() -> None:
    """While the database is away nobody is told of what it said before, and it is asked anew."""
    latest, records, clock = parts()
    await latest.get()
    records.is_away = True
    clock.seconds += SHARED_SECONDS
    for _ in range(2):
        with pytest.raises(ReadInterrupted):
            await latest.get()
    records.is_away = False

    assert await numbers(latest, 1) == {4}


async def test_a_caller_who_leaves_takes_nothing_from_the_others() -> None:
    """One cancelled caller does not end the read."""
    latest, records, _ = parts()
    records.may_end.clear()
    leaving, staying = (asyncio.create_task(latest.get()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    records.may_end.set()

    assert (await staying) is not None
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert records.reads == 1
