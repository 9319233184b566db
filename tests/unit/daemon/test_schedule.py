"""Scans are made when they are due, one at a time, and what is missed is told."""

import asyncio
import time

import pytest

from reconciler.settings import InvalidSettings, ScanSettings
from reconciler.surfaces.daemon.schedule import ScanSchedule, Timing


class Missed:
    def __init__(self) -> None:
        self.reasons: list[str] = []

    def job_missed(self, reason: str, *, error: BaseException | None = None) -> None:
        self.reasons.append(reason)


def timing(**settings: object) -> Timing:
    return Timing.of(ScanSettings.model_validate({"jitter_seconds": 0, **settings}))


async def runs_of(work_seconds: float, *, count: int) -> tuple[int, Missed]:
    """Let work of a length be due every tenth of a second, until it ran so often."""
    missed, running, most, done = Missed(), 0, 0, 0

    async def work() -> None:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await asyncio.sleep(work_seconds)
        running -= 1
        done += 1

    schedule = ScanSchedule(work, missed)
    schedule.start(timing(interval_seconds=0.1))
    for _ in range(500):
        if done >= count:
            break
        await asyncio.sleep(0.01)
    schedule.stop()
    return most, missed


async def test_it_runs_again_and_again() -> None:
    """Work that is quick is done each time."""
    most, missed = await runs_of(0, count=3)

    assert (most, missed.reasons) == (1, [])


async def test_work_that_lasts_longer_is_not_begun_twice() -> None:
    """What is due while it still runs is told as missed, and not made up for."""
    most, missed = await runs_of(0.25, count=2)

    assert most == 1
    assert set(missed.reasons) == {"still_running"}


async def test_what_could_not_begin_in_time_is_missed() -> None:
    """A process that was held up for longer than the grace leaves a scan out, and says so."""
    missed = Missed()

    async def work() -> None:
        """Do nothing."""

    schedule = ScanSchedule(work, missed)
    schedule.start(timing(interval_seconds=1.2, misfire_grace_seconds=0.5))
    await asyncio.sleep(0.05)
    time.sleep(2.3)  # noqa: ASYNC251 - this is what holds a process up
    for _ in range(200):
        if missed.reasons:
            break
        await asyncio.sleep(0.01)
    schedule.stop()

    assert "too_late" in missed.reasons


async def test_a_fault_is_told_and_the_next_scan_made() -> None:
    """An exception in a scan ends neither the schedule nor in silence."""
    missed, calls = Missed(), 0

    async def work() -> None:
        nonlocal calls
        calls += 1
        raise RuntimeError("a fault")

    schedule = ScanSchedule(work, missed)
    schedule.start(timing(interval_seconds=0.1))
    schedule.run_soon()
    for _ in range(300):
        if calls >= 3:
            break
        await asyncio.sleep(0.01)
    schedule.stop()

    assert calls >= 3
    assert set(missed.reasons) == {"fault"}


async def test_other_times_are_taken() -> None:
    """A schedule that was rare is frequent once it is told so."""
    calls = 0

    async def work() -> None:
        nonlocal calls
        calls += 1

    schedule = ScanSchedule(work, Missed())
    schedule.start(timing(interval_seconds=1_000))
    await asyncio.sleep(0.05)
    assert calls == 0
    schedule.retime(timing(interval_seconds=0.05))
    for _ in range(300):
        if calls:
            break
        await asyncio.sleep(0.01)
    schedule.stop()

    assert calls


@pytest.mark.parametrize(
    "cron, gap_seconds",
    [
        ("*/5 * * * *", 300),
        ("0 3 * * mon-fri", 3 * 86_400),
        ("* 9-17 * * mon-fri", 63 * 3_600 + 60),
        ("0 0 1 1 *", 366 * 86_400),
    ],
)
def test_the_longest_gap_of_a_cron_line(cron: str, gap_seconds: float) -> None:
    """Alerts know how long nothing may come: over a weekend, a leap year."""
    assert timing(cron=cron).longest_gap_seconds == gap_seconds


@pytest.mark.parametrize("cron", ["every day", "* * * * * *", "61 * * * *", "a b c d e"])
def test_a_line_that_is_none_is_refused(cron: str) -> None:
    """The daemon says what a cron line looks like instead of starting without a schedule."""
    with pytest.raises(InvalidSettings, match=r"scan\.cron"):
        timing(cron=cron)


def test_a_line_that_is_never_due_is_refused() -> None:
    """A thirtieth of February would be a daemon that never scans."""
    with pytest.raises(InvalidSettings, match="never"):
        timing(cron="0 0 30 2 *")


def test_jitter_is_part_of_the_gap_and_at_most_the_interval() -> None:
    """What may lie between two scans includes the chance, which never doubles more than once."""
    assert timing(interval_seconds=300, jitter_seconds=5).longest_gap_seconds == 305
    assert timing(interval_seconds=1, jitter_seconds=600).longest_gap_seconds == 2
    assert timing(cron="*/5 * * * *", jitter_seconds=5).longest_gap_seconds == 305
