"""The metrics: what they say, what they never say, and what they are named."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from reconciler.errors import DeadlineExceeded, FloatRefused, OutcomeUnknown
from reconciler.model.comparison import MismatchKind
from reconciler.model.finding import Change, FindingState
from reconciler.model.posting import EntryKind
from reconciler.model.report import Coverage, ScanMode, Verdict
from reconciler.model.scan_record import ScanRecord, ScanState, ScanTrigger
from reconciler.scanning.observer import ScanStage
from reconciler.surfaces.metrics import Metrics
from reconciler.surfaces.metrics.standing import HELP
from reconciler.sync.results import PostingResult
from tests.fakes.service import a_bypassing_write
from tests.observing.exported import (
    SEEN_AT,
    busy,
    drifted,
    exported_names,
    finding,
    made,
    samples,
    standing,
    values,
)
from tests.observing.tools import output_of
from tests.unit.test_answers import report
from tests.unit.test_house import ROOT

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


def record(state: ScanState) -> ScanRecord:
    return ScanRecord(
        scan_id="s1",
        sequence=1,
        mode=ScanMode.FULL,
        user_id=None,
        currency=None,
        trigger=ScanTrigger.SCHEDULE,
        holder="a",
        token=1,
        state=state,
        started_at=SEEN_AT,
    )


def test_promtool_finds_nothing_to_say() -> None:
    """Names, types, units and help texts are as Prometheus wants them."""
    text, content_type = busy().exposition("*/*")

    assert content_type.startswith("text/plain; version=0.0.4")
    assert output_of("promtool", "check", "metrics", given=text) == ""


def test_a_first_sighting_leads_to_its_scan() -> None:
    """Whoever reads OpenMetrics gets the scan's id as an exemplar, which the classic text lacks."""
    text, content_type = busy().exposition(OPENMETRICS)
    parsed: Iterator[Metric] = text_string_to_metric_families(text.decode())  # type: ignore[no-untyped-call]
    families = {each.name: each for each in parsed}
    detected = families["reconciler_mismatches_detected"].samples
    exemplars = {each.labels["kind"]: each.exemplar for each in detected if each.exemplar}

    assert content_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")
    assert {kind: each.labels for kind, each in exemplars.items()} == {"amount": {"scan_id": "s1"}}


def test_an_id_that_is_too_long_for_an_exemplar_is_cut() -> None:
    """An observer must not raise, whatever a scan is called."""
    metrics = made()

    metrics.scans.finding_changed(finding(), Change.DETECTED, scan_id="s" * 500)

    assert values(metrics, "mismatches_detected_total")["amount",] == 1


def test_nothing_is_said_of_a_standing_that_is_not_known() -> None:
    """Its series are absent, since a 0 would look like a recovery, and they go away again."""
    metrics = made()
    of_standing = {f"reconciler_{name}" for name in HELP}

    assert not of_standing & {sample.name for sample in samples(metrics)}

    metrics.set_standing(standing())
    assert of_standing <= {sample.name for sample in samples(metrics)}

    metrics.set_standing(None)
    assert not of_standing & {sample.name for sample in samples(metrics)}


def test_the_standing_is_told_as_it_is() -> None:
    """The verdict, findings, drift, its value, and when scans last looked."""
    metrics = made()
    metrics.standing_known(standing(drift={"BTC": Decimal("0.0005"), "ETH": Decimal(2)}))

    single = {name: values(metrics, name)[()] for name, (_, labels) in HELP.items() if not labels}
    assert single == {
        "integrity_failure": 1,
        "mismatched_users": 1,
        "mismatch_value_usd": 3694.10,
        "mismatch_unpriced_currencies": 0,
        "mismatch_unmeasured_findings": 0,
        "oldest_finding_timestamp_seconds": SEEN_AT.timestamp(),
        "scan_accounts": 20,
        "scan_users": 5,
        "scan_currencies": 3,
    }
    assert values(metrics, "mismatch_amount") == {("BTC",): 0.0005, ("ETH",): 2, ("GBP",): 0}
    assert values(metrics, "scan_last_success_timestamp_seconds") == {
        ("full",): SEEN_AT.timestamp(),
        ("user",): 0,
        ("currency",): 0,
        ("watch",): 0,
    }
    assert values(metrics, "scan_last_completion_timestamp_seconds")["full",] > 0


def test_a_healthy_standing_is_zeros_everywhere() -> None:
    """Each combination of labels is there at 0, so that what comes up later is seen to rise."""
    metrics = made()
    metrics.set_standing(
        standing(findings={}, mismatched_users=0, drift={}, oldest_first_seen=None)
    )
    found = values(metrics, "findings")

    assert values(metrics, "integrity_failure") == {(): 0}
    assert values(metrics, "oldest_finding_timestamp_seconds") == {(): 0}
    assert values(metrics, "mismatch_value_usd") == {(): 0}
    assert set(found.values()) == {0}
    assert set(found) == {
        (currency, kind.value, state)
        for currency in ("BTC", "ETH", "GBP", "other")
        for kind in MismatchKind
        for state in ("suspect", "confirmed")
    }


def test_only_what_is_confirmed_is_a_failure() -> None:
    """A suspect is counted among the findings and pages nobody."""
    metrics = made()
    suspects = {(MismatchKind.TOTAL, "BTC", FindingState.SUSPECT): 3}
    metrics.set_standing(standing(findings=suspects, mismatched_users=0))

    assert values(metrics, "integrity_failure") == {(): 0}
    assert values(metrics, "findings")["BTC", "total", "suspect"] == 3


def test_currencies_that_nobody_configured_are_other() -> None:
    """They are counted together, and their amounts are not added up."""
    metrics = made()
    confirmed = FindingState.CONFIRMED
    metrics.set_standing(
        standing(
            findings={
                (MismatchKind.AMOUNT, "DOGE", confirmed): 2,
                (MismatchKind.AMOUNT, "XRP", confirmed): 3,
            },
            drift={"DOGE": Decimal(5), "XRP": Decimal(7)},
        )
    )

    assert values(metrics, "findings")["other", "amount", "confirmed"] == 5
    assert set(values(metrics, "mismatch_amount")) == {("BTC",), ("ETH",), ("GBP",)}
    assert values(metrics, "mismatch_unpriced_currencies") == {(): 2}


@pytest.mark.parametrize(
    "changes",
    [
        {"drift": {"BTC": Decimal(1), "GBP": Decimal(3)}},
        {"unmeasured": 1},
    ],
    ids=["no price", "no drift"],
)
def test_a_value_that_would_be_too_small_is_not_said(changes: dict[str, object]) -> None:
    """A drift without a price, or a finding without a drift, makes the value unknown."""
    metrics = made()
    metrics.set_standing(standing(**changes))
    missing = [
        values(metrics, name)[()]
        for name in ("mismatch_unpriced_currencies", "mismatch_unmeasured_findings")
    ]

    assert values(metrics, "mismatch_value_usd") == {}
    assert sum(missing) == 1


def test_prices_may_change_while_it_runs() -> None:
    """A reload brings new prices and currencies."""
    metrics = made()
    metrics.set_standing(standing(drift={"GBP": Decimal(3)}))

    metrics.set_currencies(["GBP"], prices_usd={"GBP": Decimal("1.25")})

    assert values(metrics, "mismatch_value_usd") == {(): 3.75}
    assert values(metrics, "mismatch_amount") == {("GBP",): 3}


def test_without_a_scan_nothing_is_said_of_what_it_covered() -> None:
    """That no user was looked at is not the same as that there are none."""
    metrics = made()
    metrics.set_standing(standing(coverage=None, last_success={}))

    assert values(metrics, "scan_users") == {}
    assert values(metrics, "scan_last_success_timestamp_seconds")["full",] == 0


def test_a_collector_that_fails_makes_the_scrape_fail() -> None:
    """An answer without what could not be collected would read as if there were nothing."""

    class Broken(Collector):
        def collect(self) -> Iterator[Metric]:
            yield from map(self._told, ("the standing",))

        def _told(self, what: str) -> Metric:
            raise RuntimeError(f"{what} cannot be told")

        def describe(self) -> Iterator[Metric]:
            yield from ()

    registry = CollectorRegistry()
    metrics = Metrics(registry, currencies=[], prices_usd={}, collections=[])
    registry.register(Broken())

    for accept in (None, OPENMETRICS):
        with pytest.raises(RuntimeError):
            metrics.exposition(accept)


def test_two_daemons_in_one_process_do_not_share_metrics() -> None:
    """Each has a registry of its own."""
    one, other = made(), made()
    one.set_leader(True)

    assert (values(one, "leader"), values(other, "leader")) == ({(): 1}, {(): 0})


def test_the_number_of_series_does_not_grow_with_users() -> None:
    """Whatever happens to a thousand users and their currencies, no series is made for any."""

    def after(users: int) -> int:
        metrics = busy()
        for number in range(users):
            name = f"user-{number}"
            changed = finding(name)
            for change in Change:
                metrics.scans.finding_changed(changed, change, scan_id=f"scan-{number}")
            metrics.scans.suspect_found("s", drifted(name))
            metrics.postings.drift_seen(drifted(name), op_id=name)
            metrics.http.request_finished(f"/{name}", method="GET", status=number, seconds=1)
            metrics.http.request_denied(name)
            metrics.job_missed(name)
            metrics.mongo.operation_finished(name, name, 1, failed=True)
        metrics.set_standing(
            standing(
                findings={
                    (MismatchKind.AMOUNT, f"C{number}", FindingState.CONFIRMED): 1
                    for number in range(users)
                },
                drift={f"C{number}": Decimal(0) for number in range(users)},
            )
        )
        return sum(1 for _ in samples(metrics))

    assert after(1) == after(1000)


def test_scans_are_counted_by_what_became_of_them() -> None:
    """Once each: with a report when it ends, without one when that is recorded."""
    metrics = made()

    metrics.scans.scan_finished(report())
    metrics.scans.scan_finished(report(drifted()))
    metrics.scans.scan_finished(report(incomplete=("a range",), mode=ScanMode.USER))
    for state in ScanState:
        metrics.scans.scan_recorded(record(state))
    metrics.scans.scan_not_recorded("s1", mode=ScanMode.FULL, reason="away")
    counted = {key: n for key, n in values(metrics, "scans_total").items() if n}

    assert counted == {
        ("full", "healthy"): 1,
        ("full", "mismatch"): 1,
        ("user", "incomplete"): 1,
        ("full", "error"): 1,
    }
    assert values(metrics, "scan_duration_seconds_count")["full",] == 2
    assert values(metrics, "accounts_checked_total") == {("in_sync",): 59, ("mismatch",): 1}
    assert values(metrics, "scans_not_recorded_total")["full",] == 1


def test_more_mismatches_than_accounts_count_none_in_sync() -> None:
    """Documents without a sound identity are mismatches and no accounts."""
    metrics = made()

    metrics.scans.scan_finished(report(drifted(), coverage=Coverage()))

    assert values(metrics, "accounts_checked_total") == {("in_sync",): 0, ("mismatch",): 1}


def test_stages_are_those_of_full_scans() -> None:
    """A scan of one user does not overwrite them."""
    metrics = made()

    metrics.scans.stage_finished("s1", ScanStage.COMPARE, mode=ScanMode.FULL, seconds=7)
    metrics.scans.stage_finished("s2", ScanStage.COMPARE, mode=ScanMode.USER, seconds=1)

    assert values(metrics, "scan_stage_duration_seconds") == {("compare",): 7}


def test_only_first_sightings_are_counted_as_detected() -> None:
    """What is confirmed or resolved later was counted before."""
    metrics = made()

    for change in Change:
        metrics.scans.finding_changed(finding(), change, scan_id="s1")

    assert sum(values(metrics, "mismatches_detected_total").values()) == 1


def test_postings_are_counted_by_operation_and_outcome() -> None:
    """What was refused, what failed, and what nobody knows are different things."""
    postings = (metrics := made()).postings
    result = PostingResult("o", EntryKind.CREDIT, "r", datetime.now(UTC), ())
    repeated = PostingResult("o", EntryKind.CREDIT, "r", datetime.now(UTC), (), replayed=True)

    postings.posting_done(result, duration_seconds=0.1)
    postings.posting_done(repeated, duration_seconds=0.1)
    for error in (FloatRefused("no"), DeadlineExceeded("late")):
        postings.posting_refused(EntryKind.LOCK, error, op_id=None, duration_seconds=0.1)
    unknown = OutcomeUnknown("o", "nobody knows")
    postings.posting_unknown(EntryKind.UPDATE, unknown, op_id="o", duration_seconds=0.1)
    postings.posting_retried(op_id="o", attempt=1, error=unknown)
    counted = {key for key, n in values(metrics, "postings_total").items() if n == 1}

    assert counted == {
        ("credit", "applied"),
        ("credit", "replayed"),
        ("lock", "refused"),
        ("lock", "failed"),
        ("update", "unknown"),
    }
    assert values(metrics, "posting_duration_seconds_count")["credit",] == 2
    assert values(metrics, "posting_retries_total") == {(): 1}


def test_requests_are_counted_by_template() -> None:
    """A known call under its name, anything else under `other`, and no path at all."""
    http = (metrics := made()).http

    http.request_finished("/api/integrity/check", method="GET", status=200, seconds=0.2)
    http.request_finished("/api/integrity/check", method="DELETE", status=405, seconds=0.2)
    http.request_finished("/wp-login.php", method="GET", status=404, seconds=0.2)
    http.request_denied("scope_missing")
    http.request_denied("something new")
    counted = {key: n for key, n in values(metrics, "http_requests_total").items() if n}

    assert counted == {
        ("GET", "/api/integrity/check", "200"): 1,
        ("other", "other", "405"): 1,
        ("other", "other", "404"): 1,
    }
    assert values(metrics, "http_denied_total")["other",] == 1
    assert values(metrics, "http_request_duration_seconds_count")["other", "other"] == 2


def test_what_the_daemon_knows_is_a_gauge() -> None:
    """Whether MongoDB answers, who scans and how often, what runs and what was missed."""
    metrics = made()

    metrics.mongo_up(True, reason=None)
    metrics.set_leader(True)
    metrics.set_scan_interval(300)
    metrics.set_build_info("1.0.0", "old")
    metrics.set_build_info("1.0.1", "new")
    metrics.job_missed("still_running")
    metrics.verdict_changed(was=Verdict.HEALTHY, is_now=Verdict.INCOMPLETE)

    assert values(metrics, "mongo_up") == {(): 1}
    assert values(metrics, "leader") == {(): 1}
    assert values(metrics, "scan_interval_seconds") == {("full",): 300}
    assert values(metrics, "build_info") == {("new", "1.0.1"): 1}
    assert values(metrics, "scheduler_missed_total")["still_running",] == 1


def test_every_counter_begins_at_zero() -> None:
    """A counter born at 1 is invisible to `increase`; nothing has a time of creation of its own."""
    counters = [each for each in samples(made()) if each.name.endswith("_total")]

    assert {each.value for each in counters} == {0}
    assert {each.name for each in counters} == {
        name for name in exported_names() if name.endswith("_total")
    }
    assert not [name for name in exported_names() if name.endswith("_created")]


def test_buckets_rise() -> None:
    """Each histogram's buckets are in order and end with infinity."""
    bounds: dict[str, list[float]] = {}
    for sample in samples(made()):
        if sample.name.endswith("_bucket"):
            bounds.setdefault(f"{sample.name}{sample.labels.keys()}", []).append(
                float(sample.labels["le"])
            )
    for each in bounds.values():
        once = each[: each.index(float("inf")) + 1]

        assert all(less < more for less, more in pairwise(once))


def test_every_metric_is_documented() -> None:
    """`docs/metrics.md` names exactly what is exported, with type and labels as they are."""
    text, _ = busy().exposition()
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text.decode(), re.MULTILINE))
    labels: dict[str, set[str]] = {name: set() for name in types}
    for sample in samples(busy()):
        name = sample.name if sample.name in types else sample.name.rpartition("_")[0]
        labels[name] |= set(sample.labels) - {"le"}
    page = (ROOT / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| `(reconciler_\w+)` \| (\w+) \| (.*?) \|", page, re.MULTILINE)
    documented = {name: (kind, set(re.findall(r"`(\w+)`", given))) for name, kind, given in rows}

    assert len(rows) == len(documented)
    assert documented == {name: (kind, labels[name]) for name, kind in types.items()}


def test_time_goes_to_prometheus_in_seconds() -> None:
    """A time of another zone is the same moment."""
    metrics = made()
    metrics.set_standing(standing(oldest_first_seen=SEEN_AT + timedelta(microseconds=500_000)))

    assert values(metrics, "oldest_finding_timestamp_seconds") == {(): SEEN_AT.timestamp() + 0.5}


def test_where_nobody_watches_nothing_is_said_of_the_lag() -> None:
    """A 0 would read as if somebody did."""
    metrics = made()
    before = values(metrics, "watch_lag_seconds")
    metrics.watch.progressed(events=3, pending=2, lag_seconds=1.5)
    during = values(metrics, "watch_lag_seconds")
    metrics.watch.watching(is_active=False)

    assert (before, during) == ({}, {(): 1.5})
    assert values(metrics, "watch_lag_seconds") == {}
    assert values(metrics, "watch_events_total") == {(): 3}


def test_bypassing_writes_are_counted_by_collection() -> None:
    """Each write is one; a collection that is not mapped is none of its own."""
    metrics = made()
    metrics.watch.bypassing([a_bypassing_write(None)] * 2)

    assert values(metrics, "bypassing_writes_total")[("wallets",)] == 2
    assert values(metrics, "bypassing_writes_total")[("trader_balances",)] == 0
