"""For every alert what fires it, what is just below that, and what happens across a gap.

Times are minutes, a sample a minute; values are written as promtool expands them: `1x5` is six
ones, `_x5` five gaps, and a series that simply ends goes stale after five minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

HOUR = 60
DAY = 24 * HOUR


class Shape(Enum):
    """What a case shows."""

    FIRES = "fires"
    BELOW = "just below"
    GAP = "across a gap"


@dataclass(frozen=True)
class Case:
    """Series as Prometheus scraped them, and whether an alert fires at a minute.

    `value` is what its description says; `severities` are those that fire, if not all of the name.
    """

    alert: str
    shape: Shape
    what: str
    series: Mapping[str, str]
    minute: int
    fires: bool
    value: str = ""
    severities: tuple[str, ...] = ()


def of(name: str, instance: str = "a", **labels: str) -> str:
    """Write the name of a series of our job."""
    given = {"job": "reconciler", "instance": instance, **labels}
    inside = ",".join(f'{key}="{value}"' for key, value in given.items())
    return f"{name if name == 'up' else f'reconciler_{name}'}{{{inside}}}"


def verdict(values: str, up: str, instance: str = "a") -> dict[str, str]:
    return {of("integrity_failure", instance): values, of("mongo_up", instance): up}


def surge(users: str, up: str) -> dict[str, str]:
    return {
        of("mismatched_users"): users,
        of("scan_users"): up.replace("1x", "10000x"),
        of("mongo_up"): up,
    }


def oldest(values: str, up: str) -> dict[str, str]:
    return {of("oldest_finding_timestamp_seconds"): values, of("mongo_up"): up}


def success(values: str, count: int) -> dict[str, str]:
    return {
        of("scan_last_success_timestamp_seconds", mode="full"): values,
        of("scan_interval_seconds", mode="full"): f"300x{count}",
        of("up"): f"1x{count}",
    }


def failed(**results: str) -> dict[str, str]:
    return {of("scans_total", mode="full", result=name): each for name, each in results.items()}


def integrity_cases() -> list[Case]:
    name = "ReconcilerIntegrityFailure"
    lived, died = verdict("1x10", "1x10"), verdict("1x5 stale", "1x5 stale")
    other = verdict("0x30", "1x30", "b")
    cut_off = verdict("0x30", "1x3 0x26", "b")
    return [
        Case(name, Shape.FIRES, "the verdict is 1 for a minute", lived, 1, True),
        Case(name, Shape.BELOW, "the verdict is 0", verdict("0x10", "1x10"), 10, False),
        Case(name, Shape.BELOW, "the verdict became 1 just now", lived, 0, False),
        Case(name, Shape.BELOW, "the drift is gone", verdict("1x5 0x5", "1x11"), 6, False),
        Case(name, Shape.BELOW, "no verdict is known", {of("mongo_up"): "1x9"}, 9, False),
        Case(name, Shape.GAP, "the daemon was killed", died, 5 * HOUR, True),
        Case(name, Shape.GAP, "nobody says anything for six hours", died, 6 * HOUR + 10, False),
        Case(
            name,
            Shape.GAP,
            "killed, and another one lives and sees none",
            {**died, **other},
            8,
            False,
        ),
        Case(
            name,
            Shape.GAP,
            "killed, and the other one knows old things",
            {**died, **cut_off},
            20,
            True,
        ),
        Case(
            name,
            Shape.GAP,
            "a new daemon took over and saw it resolved, then died too",
            {**died, **verdict("_x5 1x2 0x2 stale", "_x5 1x5 stale", "b")},
            30,
            False,
        ),
        Case(
            name,
            Shape.GAP,
            "restarted, with the verdict from the database",
            verdict("1x5 stale _x3 1x10", "1x5 stale _x3 1x10"),
            9,
            True,
        ),
        Case(
            name,
            Shape.FIRES,
            "one of two daemons has not seen the end of it yet",
            {**lived, **verdict("1x3 0x7", "1x11", "b")},
            10,
            True,
        ),
    ]


def balance_cases() -> list[Case]:
    surges, old = "ReconcilerMismatchSurge", "ReconcilerFindingUnresolved"
    span = DAY + 30
    return [
        Case(surges, Shape.FIRES, "11 of 10,000 users", surge("11x20", "1x20"), 6, True, "0.11%"),
        Case(surges, Shape.BELOW, "10 of 10,000 users", surge("10x20", "1x20"), 20, False),
        Case(surges, Shape.BELOW, "not long enough", surge("11x20", "1x20"), 4, False),
        Case(
            surges,
            Shape.BELOW,
            "nothing was ever scanned",
            {of("mismatched_users"): "9x9"},
            9,
            False,
        ),
        Case(
            surges,
            Shape.GAP,
            "the daemon was killed",
            surge("11x9 stale", "1x9 stale"),
            3 * HOUR,
            True,
            "0.11%",
        ),
        Case(
            old,
            Shape.FIRES,
            "a day and a quarter of an hour",
            oldest(f"60x{span}", f"1x{span}"),
            DAY + 17,
            True,
            "1d 0h 16m 0s",
        ),
        Case(old, Shape.BELOW, "a day", oldest(f"60x{span}", f"1x{span}"), DAY + 15, False),
        Case(old, Shape.BELOW, "there is none", oldest(f"0x{span}", f"1x{span}"), DAY + 30, False),
        Case(
            old,
            Shape.GAP,
            "the daemon was killed an hour before the day was over",
            oldest(f"60x{DAY - HOUR} stale", f"1x{DAY - HOUR} stale"),
            DAY + 17,
            True,
            "1d 0h 16m 0s",
        ),
    ]


def daemon_cases() -> list[Case]:
    down, overdue = "ReconcilerDown", "ReconcilerScanOverdue"
    one_dies = {of("up"): "1x2 0x20", of("up", "b"): "1x22"}
    return [
        Case(down, Shape.FIRES, "the only one is down for a minute", {of("up"): "1 0x9"}, 2, True),
        Case(down, Shape.FIRES, "there never was one", {}, 1, True),
        Case(down, Shape.BELOW, "it just went down", {of("up"): "1 0x9"}, 1, False),
        Case(down, Shape.BELOW, "one of two is down", one_dies, 20, False),
        Case(down, Shape.GAP, "the target is not there any more", {of("up"): "1x3 stale"}, 6, True),
        Case(down, Shape.GAP, "a scrape is missing", {of("up"): "1x3 _ 1x5"}, 5, False),
        Case(
            overdue,
            Shape.FIRES,
            "twice the interval and five minutes ago",
            success("60x30", 30),
            17,
            True,
            "16m 0s",
        ),
        Case(overdue, Shape.BELOW, "not for five minutes yet", success("60x30", 30), 16, False),
        Case(overdue, Shape.BELOW, "twice the interval", success("60x11 660x30", 50), 16, False),
        Case(overdue, Shape.BELOW, "there never was a success", success("0x30", 30), 30, False),
        Case(
            overdue,
            Shape.GAP,
            "the daemon was killed",
            success("60x5 stale", 5),
            17,
            True,
            "16m 0s",
        ),
        Case(
            overdue,
            Shape.GAP,
            "killed, and another one scans",
            {
                **success("60x5 stale", 5),
                of("scan_last_success_timestamp_seconds", "b", mode="full"): "60x5 900x20",
            },
            17,
            False,
        ),
    ]


def scan_cases() -> list[Case]:
    never, failing = "ReconcilerNeverSucceeded", "ReconcilerScansFailing"
    unrecorded = "ReconcilerScansNotRecorded"
    counted = of("scans_not_recorded_total", mode="full")
    once = failed(incomplete="0x4 1x60", error="0x64")
    return [
        Case(never, Shape.FIRES, "half an hour without", success("0x40", 40), 30, True),
        Case(never, Shape.FIRES, "not even a standing is known", {of("up"): "1x40"}, 30, True),
        Case(never, Shape.BELOW, "not half an hour yet", success("0x40", 40), 29, False),
        Case(never, Shape.BELOW, "the first one came", success("0x25 1500x20", 45), 40, False),
        Case(
            never,
            Shape.GAP,
            "it restarts every few minutes",
            {of("up"): "1 0 0 1x2 0 0 0 1 " * 5},
            35,
            True,
        ),
        Case(
            never, Shape.GAP, "known before the restart", success("60x5 stale _x40", 50), 45, False
        ),
        Case(
            failing,
            Shape.FIRES,
            "one incomplete and one in error",
            failed(incomplete="0x4 1x20", error="0x9 1x15"),
            11,
            True,
            "2",
        ),
        Case(failing, Shape.BELOW, "one", once, 60, False),
        Case(failing, Shape.BELOW, "one soon after the start", failed(error="0 1x9"), 2, False),
        Case(
            failing,
            Shape.BELOW,
            "two, of one user only",
            {of("scans_total", mode="user", result="incomplete"): "0 1 2 2 2"},
            4,
            False,
        ),
        Case(failing, Shape.BELOW, "one, and a restart", failed(error="0 1x9 0x20"), 20, False),
        Case(
            failing,
            Shape.GAP,
            "one before and one after a restart",
            failed(error="0 1x9 stale _x5 0x3 1x20"),
            30,
            True,
            "2",
        ),
        Case(failing, Shape.GAP, "an hour later", failed(error="0 1 2 stale"), HOUR + 5, False),
        Case(unrecorded, Shape.FIRES, "one", {counted: "0x3 1x20"}, 5, True),
        Case(unrecorded, Shape.BELOW, "none", {counted: "0x20"}, 20, False),
        Case(unrecorded, Shape.GAP, "killed right after", {counted: "0x3 1x2 stale"}, 20, True),
        Case(unrecorded, Shape.GAP, "half an hour later", {counted: "0x3 1x60"}, 40, False),
    ]


def mongo_cases() -> list[Case]:
    name, ticket = "ReconcilerMongoDown", ("warning",)
    away = {of("mongo_up"): "1 0x30"}
    killed = {of("mongo_up"): "1x2 0x3 stale"}
    cut_off = {of("mongo_up"): "1 0x30", of("mongo_up", "b"): "1x31"}
    return [
        Case(name, Shape.FIRES, "two minutes", away, 3, True, severities=ticket),
        Case(name, Shape.FIRES, "a quarter of an hour", away, 16, True),
        Case(name, Shape.BELOW, "not two minutes yet", away, 2, False),
        Case(name, Shape.BELOW, "no quarter of an hour", away, 15, True, severities=ticket),
        Case(name, Shape.BELOW, "one of two reaches it", cut_off, 30, False),
        Case(name, Shape.GAP, "the daemon was killed", killed, 12, True, severities=ticket),
        Case(name, Shape.GAP, "killed ten minutes ago", killed, 17, False),
        Case(
            name,
            Shape.GAP,
            "a restart in between",
            {of("mongo_up"): "1 0x8 stale _x5 0x9"},
            20,
            True,
        ),
    ]


def watch_cases() -> list[Case]:
    late, past = "ReconcilerWatchLagging", "ReconcilerBypassingWrite"
    lag, other = of("watch_lag_seconds"), of("watch_lag_seconds", "b")
    wallets = of("bypassing_writes_total", collection="wallets")
    return [
        Case(late, Shape.FIRES, "for five minutes", {lag: "60x9"}, 5, True, "1m 0s"),
        Case(late, Shape.BELOW, "not five minutes yet", {lag: "60x9"}, 4, False),
        Case(late, Shape.BELOW, "half a minute is allowed", {lag: "30x9"}, 9, False),
        Case(late, Shape.BELOW, "nobody watches", {of("up"): "1x9"}, 9, False),
        Case(
            late,
            Shape.GAP,
            "another daemon took over and keeps up",
            {lag: "60x3 stale", other: "_x4 0x9"},
            9,
            False,
        ),
        Case(past, Shape.FIRES, "at once", {wallets: "0x3 1x9"}, 4, True),
        Case(past, Shape.BELOW, "none", {wallets: "0x60"}, 60, False),
        Case(past, Shape.BELOW, "half an hour ago", {wallets: "0x3 1x60"}, 40, False),
        Case(
            past,
            Shape.GAP,
            "restarted since, counting from zero",
            {wallets: "0x3 1x3 stale _x3 0x20"},
            15,
            True,
        ),
    ]


def repair_cases() -> list[Case]:
    failed, waits = "ReconcilerRepairVerifyFailed", "ReconcilerRepairAwaitingApproval"
    counted = of("repairs_total", outcome="verify_failed")
    told = of("repair_last_verify_failure_timestamp_seconds")
    waiting, up = of("repairs_awaiting_approval"), of("mongo_up")
    return [
        Case(failed, Shape.FIRES, "one through the daemon", {counted: "0x3 1x30"}, 5, True),
        Case(failed, Shape.FIRES, "one by command", {told: "0x3 240x30"}, 5, True),
        Case(failed, Shape.BELOW, "none", {counted: "0x60", told: "0x60"}, 60, False),
        Case(failed, Shape.BELOW, "a quarter of an hour ago", {told: "0x3 240x60"}, 19, False),
        Case(
            failed,
            Shape.BELOW,
            "applied, and verified",
            {of("repairs_total", outcome="applied"): "0x3 1x9"},
            5,
            False,
        ),
        Case(failed, Shape.GAP, "killed right after", {counted: "0x3 1x2 stale"}, 10, True),
        Case(failed, Shape.GAP, "killed after a command", {told: "0x3 240x2 stale"}, 12, True),
        Case(waits, Shape.FIRES, "five minutes", {waiting: "2x20", up: "1x20"}, 6, True, "2"),
        Case(
            waits,
            Shape.FIRES,
            "one plan of ten",
            {waiting: "0x3 1x10 0", up: "1x14"},
            12,
            True,
            "1",
        ),
        Case(waits, Shape.BELOW, "not five yet", {waiting: "2x20", up: "1x20"}, 4, False),
        Case(waits, Shape.BELOW, "none waits", {waiting: "0x80", up: "1x80"}, 80, False),
        Case(
            waits,
            Shape.BELOW,
            "approved in between",
            {waiting: "1x3 0x2 1x60", up: "1x65"},
            9,
            False,
        ),
        Case(waits, Shape.BELOW, "it expired", {waiting: "1x9 0x9", up: "1x20"}, 11, False),
        Case(
            waits,
            Shape.GAP,
            "the daemon was killed",
            {waiting: "2x3 stale", up: "1x3 stale"},
            10,
            True,
            "2",
        ),
    ]


def flapping_cases() -> list[Case]:
    name = "ReconcilerRepairFlapping"
    refused, other = (of("repair_refusals_total", guard=guard) for guard in ("flapping", "caps"))
    return [
        Case(name, Shape.FIRES, "at once", {refused: "0x3 1x30"}, 5, True),
        Case(name, Shape.FIRES, "again", {refused: "3x9 4x30"}, 12, True),
        Case(name, Shape.BELOW, "none", {refused: "0x60"}, 60, False),
        Case(name, Shape.BELOW, "another guard", {refused: "0x9", other: "0x3 1x9"}, 5, False),
        Case(name, Shape.BELOW, "a quarter of an hour ago", {refused: "0x3 1x60"}, 20, False),
        Case(name, Shape.GAP, "killed right after", {refused: "0x3 1x2 stale"}, 10, True),
    ]


def freeze_cases() -> list[Case]:
    name, valid, other = "ReconcilerFreezeBroken", of("freeze_valid"), of("freeze_valid", "b")
    return [
        Case(name, Shape.FIRES, "at once", {valid: "0x9"}, 1, True),
        Case(name, Shape.FIRES, "one of two", {valid: "1x9", other: "0x9"}, 2, True),
        Case(name, Shape.BELOW, "as approved", {valid: "1x9"}, 5, False),
        Case(
            name,
            Shape.GAP,
            "the approved one follows",
            {valid: "0x3 stale", other: "1x30"},
            9,
            False,
        ),
    ]


def audit_cases() -> list[Case]:
    broken, stale = "ReconcilerAuditChainBroken", "ReconcilerAuditCheckpointStale"
    valid, other = of("audit_chain_valid"), of("audit_chain_valid", "b")
    signed = of("audit_last_checkpoint_timestamp_seconds")
    every = of("audit_checkpoint_interval_seconds")
    return [
        Case(broken, Shape.FIRES, "at once", {valid: "1 0x9"}, 1, True),
        Case(broken, Shape.FIRES, "one of two says so", {valid: "1x9", other: "0x9"}, 5, True),
        Case(broken, Shape.BELOW, "it is right", {valid: "1x9"}, 9, False),
        Case(broken, Shape.BELOW, "nothing is known", {of("up"): "1x9"}, 9, False),
        Case(broken, Shape.GAP, "the daemon was killed", {valid: "1 0 stale"}, 5 * HOUR, True),
        Case(
            stale,
            Shape.FIRES,
            "never signed",
            {signed: "0x30", every: "60x30"},
            10,
            True,
            "10m 0s",
        ),
        Case(
            stale,
            Shape.BELOW,
            "signed each minute",
            {signed: "0+60x30", every: "60x30"},
            20,
            False,
        ),
        Case(stale, Shape.BELOW, "not five minutes", {signed: "0x9", every: "60x9"}, 7, False),
        Case(stale, Shape.BELOW, "nothing can be signed", {of("up"): "1x9"}, 9, False),
        Case(
            stale,
            Shape.GAP,
            "the daemon was killed",
            {signed: "0x3 stale", every: "60x3 stale"},
            HOUR,
            True,
            "1h 0m 0s",
        ),
    ]


def watchdog_cases() -> list[Case]:
    return [
        Case("ReconcilerWatchdog", Shape.FIRES, "at once", {}, 0, True),
        Case(
            "ReconcilerWatchdog", Shape.GAP, "with nothing there", {of("up"): "1 stale"}, 20, True
        ),
    ]


CASES = [
    *integrity_cases(),
    *balance_cases(),
    *daemon_cases(),
    *scan_cases(),
    *watch_cases(),
    *mongo_cases(),
    *repair_cases(),
    *flapping_cases(),
    *audit_cases(),
    *freeze_cases(),
    *watchdog_cases(),
]


def as_promtool_test(case: Case, rules: list[dict[str, Any]]) -> dict[str, Any]:
    """Write a case as promtool reads it: all alerts of the name, with labels and annotations."""
    firing = [
        {
            "exp_labels": rule["labels"],
            "exp_annotations": {
                name: _filled_in(text, case.value) for name, text in rule["annotations"].items()
            },
        }
        for rule in rules
        if rule.get("alert") == case.alert
        and rule["labels"]["severity"] in (case.severities or rule["labels"].values())
    ]
    return {
        "name": f"{case.alert}: {case.shape.value}: {case.what}",
        "interval": "1m",
        "input_series": [{"series": name, "values": text} for name, text in case.series.items()],
        "alert_rule_test": [
            {
                "eval_time": f"{case.minute}m",
                "alertname": case.alert,
                "exp_alerts": firing if case.fires else [],
            }
        ],
    }


def _filled_in(text: str, value: str) -> str:
    before, opened, rest = text.partition("{{")
    return before + value + rest.partition("}}")[2] if opened else text
