"""What is logged of findings and of the daemon, and that observers tell all of several."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.errors import FloatRefused, OutcomeUnknown
from reconciler.model.finding import Change
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.posting import EntryKind
from reconciler.model.report import Consistency, ScanMode, Verdict
from reconciler.model.scan_record import ScanState
from reconciler.model.throttle import Busy, ThrottleReason
from reconciler.scanning.observer import ScanStage
from reconciler.scanning.ports import KeyRange
from reconciler.surfaces.fan_out import (
    SeveralDaemonObservers,
    SeveralFindingObservers,
    SeveralScanObservers,
    SeveralSyncObservers,
)
from reconciler.surfaces.log_events import SCANS_MAX, DaemonLog, FindingLog, LineLimit, ScanLog
from reconciler.surfaces.logs import Logs, open_logs
from reconciler.surfaces.watch_log import WatchLog
from reconciler.surfaces.watch_observers import SeveralWatchObservers
from reconciler.sync.results import PostingResult
from reconciler.watching.observer import Restart, ScanWanted
from tests.fakes.service import a_bypassing_write
from tests.observing.exported import SEEN_AT, drifted, finding, standing
from tests.observing.test_metrics import record
from tests.unit.test_answers import report

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


@pytest.fixture
def logs(stream: io.StringIO) -> Logs:
    return open_logs(level="debug", as_text=False, stream=stream)


@pytest.fixture
def lines(stream: io.StringIO) -> Lines:
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def finding_log(logs: Logs, mismatches_max: int = 2) -> FindingLog:
    return FindingLog(logs, mappings=DEFAULT_MAPPINGS, mismatches_max=mismatches_max)


def test_a_finding_is_told_with_all_that_is_known_of_it(logs: Logs, lines: Lines) -> None:
    """Its id, the account, the four amounts as text, how they differ, and since when."""
    changed = finding()

    finding_log(logs).finding_changed(changed, Change.CONFIRMED, scan_id="s1")
    (line,) = lines()

    assert {key: line[key] for key in line if key not in {"timestamp", "service", "version"}} == {
        "level": "error",
        "event": "mismatch_confirmed",
        "scan_id": "s1",
        "finding_id": changed.finding_id,
        "first_seen": "2026-03-01T12:00:00Z",
        "user_id": "abc123",
        "user_id_type": "string",
        "currency": "BTC",
        "kind": "amount",
        "also": [],
        "available": {
            "wallets": "0.001",
            "crypto_balances": "0.0005",
            "trader_balances": "0.001",
            "internal_balances": "0.001",
        },
        "deltas": {
            "wallets": "0 0 0",
            "crypto_balances": "-0.0005 0 0",
            "trader_balances": "0 0 0",
            "internal_balances": "0 0 0",
        },
        "drift": "0.0005",
    }


def test_each_change_has_its_event_and_level(logs: Logs, lines: Lines) -> None:
    """Seen once is a warning, confirmed an error, resolved good news."""
    log = finding_log(logs)

    for change in Change:
        log.finding_changed(replace(finding(), drift=None), change, scan_id="s1")

    assert [(line["event"], line["level"], line["drift"]) for line in lines()] == [
        ("mismatch_detected", "warning", None),
        ("mismatch_confirmed", "error", None),
        ("mismatch_resolved", "info", None),
    ]


def test_findings_of_one_scan_are_cut_and_counted(logs: Logs, lines: Lines) -> None:
    """At most so many lines of each change, then the true counts; the next scan begins anew."""
    log = finding_log(logs, mismatches_max=2)

    for _ in range(5):
        log.finding_changed(finding(), Change.DETECTED, scan_id="s1")
    log.finding_changed(finding(), Change.RESOLVED, scan_id="s1")
    log.finding_changed(finding(), Change.DETECTED, scan_id="s2")
    log.scan_recorded(record(ScanState.FINISHED))
    log.scan_recorded(record(ScanState.FINISHED))
    told = [(line["event"], line["scan_id"]) for line in lines()]

    assert told == [
        ("mismatch_detected", "s1"),
        ("mismatch_detected", "s1"),
        ("mismatch_resolved", "s1"),
        ("mismatch_detected", "s2"),
        ("mismatches_truncated", "s1"),
    ]
    assert lines()[-1]["counts"] == {"detected": 5}
    assert lines()[-1]["logged"] == 2


def test_scans_without_a_report_are_told(logs: Logs, lines: Lines) -> None:
    """Failed, interrupted, or not to be written down; a finished one has a line of its own."""
    log = finding_log(logs)

    for state in ScanState:
        log.scan_recorded(replace(record(state), reason="so it was"))
    log.scan_not_recorded("s1", mode=ScanMode.FULL, reason="away")

    assert [(line["event"], line["level"], line["reason"]) for line in lines()] == [
        ("scan_interrupted", "warning", "so it was"),
        ("scan_failed", "error", "so it was"),
        ("scan_not_recorded", "error", "away"),
    ]


def test_no_mismatch_is_told_twice(logs: Logs, lines: Lines) -> None:
    """Where findings are recorded, the scanner's own log leaves mismatches to them."""
    log = ScanLog(logs, mappings=DEFAULT_MAPPINGS, mismatches_max=1, tells_mismatches=False)

    log.suspect_found("s1", drifted())
    log.mismatch_confirmed("s1", drifted())
    log.mismatch_confirmed("s1", drifted())
    log.scan_finished(report(drifted(), mismatch_count=2))

    assert [line["event"] for line in lines()] == ["scan_finished"]


def test_scans_at_the_same_time_are_counted_apart(logs: Logs, lines: Lines) -> None:
    """One that begins later takes no lines from another."""
    log = ScanLog(logs, mappings=DEFAULT_MAPPINGS, mismatches_max=1)

    log.mismatch_confirmed("s1", drifted())
    log.scan_started("s2", mode=ScanMode.USER, consistency=Consistency.SNAPSHOT)
    log.mismatch_confirmed("s1", drifted())
    log.mismatch_confirmed("s2", drifted())
    told = [(line["event"], line["scan_id"]) for line in lines()]

    assert told.count(("mismatch_confirmed", "s1")) == 1
    assert told.count(("mismatch_confirmed", "s2")) == 1


def test_what_is_counted_for_scans_that_never_end_is_forgotten() -> None:
    """However many there are, only the youngest are remembered."""
    limit = LineLimit(1)

    for number in range(SCANS_MAX + 1):
        assert limit.allows(f"s{number}", "a")
    still_counted = not limit.allows(f"s{SCANS_MAX}", "a")

    assert still_counted
    assert limit.allows("s0", "a")


def test_the_database_is_told_away_once(logs: Logs, lines: Lines) -> None:
    """However often it is asked: a line when it goes, with the reason, and one when it is back."""
    log = DaemonLog(logs)

    for is_up in (False, False, True, True, False):
        log.mongo_up(is_up, reason=None if is_up else "no primary")

    assert [(line["event"], line.get("reason")) for line in lines()] == [
        ("mongo_unavailable", "no primary"),
        ("mongo_available", None),
        ("mongo_unavailable", "no primary"),
    ]


def test_a_change_of_the_verdict_and_a_missed_scan_are_told(logs: Logs, lines: Lines) -> None:
    """From what to what; and why, with the traceback if it was a fault."""
    log = DaemonLog(logs)

    log.verdict_changed(was=Verdict.HEALTHY, is_now=Verdict.INTEGRITY_FAILURE)
    log.verdict_changed(was=Verdict.INTEGRITY_FAILURE, is_now=Verdict.HEALTHY)
    log.job_missed("still_running")
    log.job_missed("fault", error=ValueError("x"))
    changed, back, missed, fault = lines()

    assert (changed["level"], changed["from"], changed["to"]) == (
        "error",
        "healthy",
        "INTEGRITY_FAILURE",
    )
    assert (back["event"], back["level"]) == ("integrity_state_changed", "info")
    assert (missed["event"], missed["reason"]) == ("job_missed", "still_running")
    assert fault["exception"][0]["exc_type"] == "ValueError"


def test_what_the_watch_meets_is_told(logs: Logs, lines: Lines) -> None:
    """What goes on failing has one line until it works again; writes past the library are cut."""
    log = WatchLog(logs, lines_max=1)
    log.watching(is_active=True)
    for _ in range(2):
        log.restarted(Restart.INTERRUPTED, reason="away")
        log.unsupported("standalone")
    log.watching(is_active=True)
    log.restarted(Restart.INTERRUPTED, reason="away")
    log.restarted(Restart.HISTORY_LOST, reason="gone")
    log.bypassing([a_bypassing_write(None), a_bypassing_write(None)])
    told = lines()

    assert [each["event"] for each in told] == [
        "watch_started",
        "watch_interrupted",
        "watch_unsupported",
        "watch_interrupted",
        "watch_failed",
        "bypassing_write",
        "bypassing_writes_truncated",
    ]
    assert told[4]["why"] == "history_lost"
    assert (told[5]["collection"], told[5]["user_id"]) == ("wallets", None)
    assert told[6]["counts"] == {"wallets": 2}


class Ear:
    """Hears whatever it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        def hear(*given: Any, **named: Any) -> None:
            self.heard.append((name, given, named))

        return hear


def told_to_scan_observers(to: Any) -> None:
    part = KeyRange()
    to.scan_started("s", mode=ScanMode.FULL, consistency=Consistency.SNAPSHOT)
    to.range_read_again("s", part, why="w")
    to.range_done("s", part, accounts=1)
    to.scan_throttled("s", Busy(ThrottleReason.LAG, 9, 5), seconds=1)
    to.scan_resumed("s", seconds=1)
    to.load_unknown("s", why="w")
    to.suspect_found("s", drifted())
    to.mismatch_confirmed("s", drifted())
    to.stage_finished("s", ScanStage.CONFIRM, mode=ScanMode.FULL, seconds=1)
    to.scan_finished(report())


def told_to_finding_observers(to: Any) -> None:
    to.finding_changed(finding(), Change.DETECTED, scan_id="s")
    to.scan_recorded(record(ScanState.FAILED))
    to.scan_not_recorded("s", mode=ScanMode.FULL, reason="r")


def told_to_sync_observers(to: Any) -> None:
    to.posting_done(PostingResult("o", EntryKind.POST, "r", SEEN_AT, ()), duration_seconds=1)
    to.posting_refused(EntryKind.POST, REFUSED, op_id=None, duration_seconds=1)
    to.posting_unknown(EntryKind.POST, UNKNOWN, op_id="o", duration_seconds=1)
    to.posting_retried(op_id="o", attempt=1, error=UNKNOWN)
    to.drift_seen(drifted(), op_id="o")


def told_to_daemon_observers(to: Any) -> None:
    to.mongo_up(True, reason=None)
    to.standing_known(STANDING)
    to.verdict_changed(was=Verdict.HEALTHY, is_now=Verdict.INCOMPLETE)
    to.job_missed("fault", error=UNKNOWN)


def told_to_watch_observers(to: Any) -> None:
    to.watching(is_active=True)
    to.unsupported("r")
    to.progressed(events=1, pending=2, lag_seconds=3.0)
    to.restarted(Restart.FAULT, reason="r", error=UNKNOWN)
    to.scan_wanted(ScanWanted.LOST, detail="d")
    to.bypassing([a_bypassing_write(None)])
    to.checked(accounts=1, mismatched=1)
    to.confirmed(latency_seconds=1)


REFUSED = FloatRefused("no")
UNKNOWN = OutcomeUnknown("o", "nobody knows")
STANDING = standing(oldest_first_seen=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "several, tell",
    [
        (SeveralScanObservers, told_to_scan_observers),
        (SeveralFindingObservers, told_to_finding_observers),
        (SeveralSyncObservers, told_to_sync_observers),
        (SeveralDaemonObservers, told_to_daemon_observers),
        (SeveralWatchObservers, told_to_watch_observers),
    ],
)
def test_several_observers_hear_the_same(several: Any, tell: Callable[[Any], None]) -> None:
    """Everything there is to tell reaches each of them unchanged."""
    direct, first, second = Ear(), Ear(), Ear()

    tell(direct)
    tell(several(first, second))
    methods = {name for name in vars(several) if not name.startswith("_")}

    assert first.heard == second.heard == direct.heard
    assert {name for name, _, _ in direct.heard} == methods
