"""What a daemon knows of the database, beat by beat."""

from dataclasses import replace
from datetime import UTC, datetime

from reconciler.errors import ReadInterrupted
from reconciler.model.comparison import MismatchKind
from reconciler.model.finding import FindingState
from reconciler.model.report import Consistency, Coverage, ScanMode, ScanReport, Verdict
from reconciler.model.standing import Standing
from reconciler.surfaces.daemon.pulse import STANDING_SECONDS_MAX, Pulse

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOUND = Standing(
    findings={},
    mismatched_users=0,
    drift={},
    unmeasured=0,
    oldest_first_seen=None,
    last_success={ScanMode.FULL: NOW},
    last_completion={ScanMode.FULL: NOW},
    coverage=Coverage(10, 5, 2),
    leader=None,
)
BAD = replace(SOUND, findings={(MismatchKind.AMOUNT, "BTC", FindingState.CONFIRMED): 1})
REPORT = ScanReport(
    scan_id="unwritten",
    mode=ScanMode.FULL,
    consistency=Consistency.SNAPSHOT,
    started_at=NOW,
    duration_seconds=1.0,
    coverage=Coverage(10, 5, 2),
    mismatch_count=3,
    mismatched_users=2,
    by_kind={MismatchKind.AMOUNT: 3},
    mismatches=(),
)


class Records:
    """A database that answers as it is told."""

    def __init__(self) -> None:
        self.stored: Standing = SOUND
        self.number = 1
        self.is_away = False
        self.reads = 0

    async def revision(self) -> int:
        if self.is_away:
            raise ReadInterrupted("no server answered")
        return self.number

    async def standing(self) -> Standing:
        self.reads += 1
        return self.stored

    def change(self, standing: Standing) -> None:
        self.stored = standing
        self.number += 1


class Heard:
    def __init__(self) -> None:
        self.ups: list[bool] = []
        self.known: list[Standing] = []
        self.changes: list[tuple[Verdict, Verdict]] = []

    def mongo_up(self, is_up: bool, *, reason: str | None) -> None:
        assert is_up == (reason is None)
        self.ups.append(is_up)

    def standing_known(self, standing: Standing) -> None:
        self.known.append(standing)

    def verdict_changed(self, *, was: Verdict, is_now: Verdict) -> None:
        self.changes.append((was, is_now))


def parts() -> tuple[Pulse, Records, Heard, list[float]]:
    records, heard, clock = Records(), Heard(), [0.0]
    return Pulse(records, heard, monotonic=lambda: clock[0]), records, heard, clock


async def test_the_standing_is_read_when_something_changed() -> None:
    """Without a change only the revision is asked for; after a while all of it is."""
    pulse, records, heard, clock = parts()
    for _ in range(5):
        await pulse.beat()
    assert records.reads == 1
    records.change(BAD)
    await pulse.beat()
    assert records.reads == 2
    clock[0] += STANDING_SECONDS_MAX + 1
    await pulse.beat()

    assert records.reads == 3
    assert heard.changes == [(Verdict.HEALTHY, Verdict.INTEGRITY_FAILURE)]


async def test_nothing_is_known_before_the_first_answer() -> None:
    """A daemon that never reached its database tells no standing at all."""
    pulse, records, heard, _ = parts()
    records.is_away = True
    await pulse.beat()

    assert (pulse.standing, heard.known, heard.ups) == (None, [], [False])


async def test_what_was_known_is_told_while_the_database_is_away() -> None:
    """The last known verdict stays; that the database is away is told beside it."""
    pulse, records, heard, _ = parts()
    records.change(BAD)
    await pulse.beat()
    records.is_away = True
    await pulse.beat()

    assert heard.ups == [True, False]
    assert pulse.standing == BAD
    assert heard.known == [BAD, BAD]
    assert heard.changes == []


async def test_what_could_not_be_written_counts() -> None:
    """A mismatch that a scan saw but could not record is the verdict until a scan was recorded."""
    pulse, records, heard, _ = parts()
    await pulse.beat()
    for _ in range(2):
        pulse.remember_unrecorded(REPORT)
    assert pulse.standing is not None
    assert pulse.standing.is_failure
    assert pulse.standing.unmeasured == 3, "seen again is not seen twice"
    records.change(SOUND)
    await pulse.beat()
    assert pulse.standing.is_failure, "what is stored is older than what was seen"
    assert (pulse.standing.mismatched_users, pulse.standing.unmeasured) == (2, 3)
    pulse.forget_unrecorded(REPORT)
    await pulse.beat()

    assert heard.known[-1] == SOUND
    assert heard.changes == [
        (Verdict.HEALTHY, Verdict.INTEGRITY_FAILURE),
        (Verdict.INTEGRITY_FAILURE, Verdict.HEALTHY),
    ]


async def test_a_sound_scan_that_was_not_written_says_nothing() -> None:
    """What is stored stays the verdict: a sound scan nobody can look up is no recovery."""
    pulse, records, _, _ = parts()
    records.change(BAD)
    await pulse.beat()
    pulse.remember_unrecorded(replace(REPORT, mismatch_count=0, by_kind={}, mismatched_users=0))
    await pulse.beat()

    assert pulse.standing == BAD
