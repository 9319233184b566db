"""What a daemon goes on knowing when its records are late, slow or cannot be written."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

from reconciler.model.comparison import MismatchKind
from reconciler.model.report import Consistency, Coverage, ScanMode, ScanReport, Verdict
from reconciler.model.scan_record import ScanTrigger
from reconciler.model.standing import Standing
from reconciler.scanning.latest import LatestScan
from reconciler.scanning.ports import Selection
from reconciler.scanning.recording import RecordedScan, ScanRecorder
from reconciler.surfaces.daemon.daemon import Scans
from reconciler.surfaces.daemon.pulse import Pulse

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEALTHY = Standing({}, 0, {}, 0, None, {ScanMode.FULL: NOW}, {ScanMode.FULL: NOW}, Coverage(), None)
REPORT = ScanReport("scan", ScanMode.FULL, Consistency.SNAPSHOT, NOW, 0.1, Coverage(), 0, 0, {}, ())
DRIFT = replace(REPORT, mismatch_count=1, mismatched_users=1, by_kind={MismatchKind.AMOUNT: 1})
INCOMPLETE = replace(REPORT, incomplete=("the server went away",))


class Kept:
    """Records that know of no finding, and say so as fast as they are told to."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.is_there = True
        self.changes = 0
        self.asked = asyncio.Event()

    async def revision(self) -> int:
        if not self.is_there:
            raise TimeoutError
        self.changes += 1
        return self.changes

    async def standing(self) -> Standing:
        self.asked.set()
        await asyncio.sleep(self.seconds)
        return HEALTHY


class Deaf:
    """Hears nothing."""

    def mongo_up(self, is_up: bool, *, reason: str | None) -> None:
        pass

    def standing_known(self, standing: Standing) -> None:
        pass

    def verdict_changed(self, *, was: Verdict, is_now: Verdict) -> None:
        pass


class Recorder:
    """Gives the scans that it was given."""

    def __init__(self, *scans: RecordedScan) -> None:
        self._scans = list(scans)

    async def scan(self, _selection: Selection, **_rest: object) -> RecordedScan:
        return self._scans.pop(0)


async def nothing() -> None:
    """Nobody asks for what is kept."""


async def verdicts_after(pulse: Pulse, *scans: RecordedScan) -> list[Verdict | None]:
    """Make scans, and give the verdict after each."""
    made = Scans(cast("ScanRecorder", Recorder(*scans)), pulse, LatestScan(nothing))
    verdicts = []
    for _ in scans:
        await made.shared.scan(Selection(), ScanTrigger.REQUEST)
        verdicts.append(pulse.standing.verdict if pulse.standing else None)
    return verdicts


async def test_an_incomplete_scan_is_no_recovery() -> None:
    """A mismatch that could not be written down is known until a scan has looked everywhere."""
    scans = [
        RecordedScan(DRIFT, None, "not written"),
        RecordedScan(INCOMPLETE, None),
        RecordedScan(REPORT, None),
    ]
    pulse = Pulse(Kept(), Deaf())
    await pulse.beat()
    failure = Verdict.INTEGRITY_FAILURE
    assert await verdicts_after(pulse, *scans) == [failure, failure, Verdict.HEALTHY]


async def test_a_whole_look_is_believed_though_unwritten() -> None:
    """Who may not write, but has seen everything in sync, alarms no longer."""
    scans = [RecordedScan(each, None, "not written") for each in (DRIFT, INCOMPLETE, REPORT)]
    pulse = Pulse(Kept(), Deaf())
    await pulse.beat()
    failure = Verdict.INTEGRITY_FAILURE
    assert await verdicts_after(pulse, *scans) == [failure, failure, Verdict.HEALTHY]


async def test_a_look_that_began_before_takes_nothing_back() -> None:
    """What a scan saw is not refuted by one that had begun to look before."""
    later = replace(DRIFT, started_at=NOW + timedelta(seconds=1))
    scans = [RecordedScan(later, None, "not written"), RecordedScan(REPORT, None)]
    pulse = Pulse(Kept(), Deaf())
    await pulse.beat()
    failure = Verdict.INTEGRITY_FAILURE
    assert await verdicts_after(pulse, *scans) == [failure, failure]


async def test_what_is_written_but_cannot_be_read_is_known() -> None:
    """A mismatch is no secret because the records cannot be summed up after it."""
    kept = Kept()
    pulse = Pulse(kept, Deaf())
    await pulse.beat()
    kept.is_there = False
    assert await verdicts_after(pulse, RecordedScan(DRIFT, None)) == [Verdict.INTEGRITY_FAILURE]


async def test_a_slow_sum_is_no_absent_database() -> None:
    """Where very much is wrong the sum takes longer than any answer, and is waited for."""
    kept = Kept()
    kept.seconds = 3.2
    pulse = Pulse(kept, Deaf())
    await pulse.beat()
    assert pulse.is_up
    assert pulse.standing == HEALTHY


async def test_a_database_that_goes_away_during_a_sum_is_noticed() -> None:
    """The sum is given up when a quick question has no answer."""
    kept = Kept()
    kept.seconds = 3_600
    pulse = Pulse(kept, Deaf())
    beat = asyncio.create_task(pulse.beat())
    await kept.asked.wait()
    kept.is_there = False
    async with asyncio.timeout(10):
        await beat
    assert not pulse.is_up
