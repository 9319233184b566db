"""The alert rules and who is told: by the very tools that will read them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.__main__ import ALERTMANAGER, RULES, main, write
from alerts.routing import SYMPTOMS, Routing, alertmanager_file
from alerts.rules import Places, alerts, rule_file
from alerts.timing import Timing, duration
from tests.observing.alert_cases import CASES, Shape, as_promtool_test
from tests.observing.exported import exported_names
from tests.observing.tools import output_of
from tests.unit.test_house import ROOT

FOLDER = ROOT / "alerts"
RUNBOOKS = ROOT / "docs" / "runbooks"
ALERTS = alerts(Timing())
NAMES = sorted({alert.name for alert in ALERTS})
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]


def rules() -> list[dict[str, Any]]:
    (group,) = rule_file(Timing(), Places())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


@pytest.mark.parametrize("name", [RULES, ALERTMANAGER])
def test_what_is_committed_is_what_is_generated(name: str, tmp_path: Path) -> None:
    """Nobody has changed a generated file by hand, or forgotten to generate it."""
    main([str(tmp_path)])

    assert (FOLDER / name).read_text() == (tmp_path / name).read_text()


@pytest.mark.parametrize("factor", [1, 60, 1000])
def test_prometheus_takes_the_rules(factor: float, tmp_path: Path) -> None:
    """As they are committed, and as an end-to-end test runs them, with no finding of the linter."""
    write(tmp_path, timing=Timing().faster(factor))

    output_of("promtool", "check", "rules", "--lint=all", "--lint-fatal", tmp_path / RULES)


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_behaves_as_its_cases_say(name: str, tmp_path: Path) -> None:
    """It fires when it must, with all its labels and annotations, and not when it must not."""
    cases = [case for case in CASES if case.alert == name]
    content = {
        "rule_files": [str(FOLDER / RULES)],
        "evaluation_interval": "1m",
        "tests": [as_promtool_test(case, rules()) for case in cases],
    }
    path = tmp_path / "cases.yml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))

    output_of("promtool", "test", "rules", path)


def test_every_alert_has_a_case_of_each_shape() -> None:
    """One that fires, one just below, and one across a gap; the watchdog has nothing below it."""
    wanted = {(alert.name, shape) for alert in ALERTS for shape in Shape}
    wanted.discard(("ReconcilerWatchdog", Shape.BELOW))

    assert {(case.alert, case.shape) for case in CASES} == wanted


def test_every_alert_can_be_acted_upon() -> None:
    """A summary without variables, a description, a runbook, a dashboard, a known severity."""
    for alert in ALERTS:
        rule = alert.rule(Places(runbooks_url="https://runbooks"))
        notes = rule["annotations"]

        assert alert.name.startswith("Reconciler")
        assert rule["labels"]["severity"] in {"critical", "warning", "none"}
        assert "{{" not in notes["summary"]
        assert notes["description"]
        assert notes["runbook_url"] == f"https://runbooks/{alert.name}.md"
        assert notes["dashboard_url"].partition("/d/reconciler-")[2] in {
            "overview",
            "findings",
            "repair-audit",
        }


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    """Whoever is woken up finds what to do, in the same four sections each time."""
    pages = {path.stem: path.read_text() for path in RUNBOOKS.glob("*.md")}
    pages.pop("README", None)

    assert sorted(pages) == NAMES
    for name, page in pages.items():
        lines = page.splitlines()

        assert lines[0] == f"# {name}"
        assert [line[3:] for line in lines if line.startswith("## ")] == SECTIONS


def test_alertmanager_takes_its_configuration() -> None:
    """As it is committed."""
    output_of("amtool", "check-config", FOLDER / ALERTMANAGER)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name}-{alert.severity}")
def test_every_alert_reaches_its_receiver(alert: Any) -> None:
    """Critical pages, warning makes a ticket, and the watchdog goes to the heartbeat."""
    receiver = {"critical": "page", "warning": "ticket", "none": "heartbeat"}[alert.severity]
    labels = {**alert.rule(Places())["labels"], "alertname": alert.name}
    words = [f"{name}={value}" for name, value in labels.items()]

    output_of(
        "amtool",
        "config",
        "routes",
        "test",
        f"--config.file={FOLDER / ALERTMANAGER}",
        f"--verify.receivers={receiver}",
        *words,
    )


def test_what_inhibits_has_the_label_that_must_be_equal() -> None:
    """Cause and symptoms are alerts, and each has every label of `equal`, with the same value."""
    for rule in alertmanager_file(Routing())["inhibit_rules"]:
        for label in rule["equal"]:
            assert len({alert.rule(Places())["labels"][label] for alert in ALERTS}) == 1
    for cause, symptoms in SYMPTOMS.items():
        assert {cause, *symptoms} <= set(NAMES)


def test_nothing_inhibits_what_is_said_of_balances() -> None:
    """They are wrong, whether or not a daemon is there to say so again."""
    silenced = {symptom for symptoms in SYMPTOMS.values() for symptom in symptoms}

    assert (
        silenced
        & {
            "ReconcilerIntegrityFailure",
            "ReconcilerMismatchSurge",
            "ReconcilerFindingUnresolved",
            "ReconcilerDown",
            "ReconcilerRepairVerifyFailed",
            "ReconcilerRepairFlapping",
            "ReconcilerWatchdog",
        }
        == set()
    )


def test_a_cause_is_told_before_its_symptoms() -> None:
    """Else the symptom pages first, and is inhibited afterwards."""
    lasting = {alert.name: alert.for_seconds or 0 for alert in ALERTS if alert.severity != "none"}
    at_once = {"ReconcilerScansFailing", "ReconcilerScansNotRecorded"}

    assert lasting["ReconcilerDown"] < Timing().mongo_down_for_seconds
    assert Timing().mongo_down_for_seconds < lasting["ReconcilerScanOverdue"]
    for symptoms in SYMPTOMS.values():
        for symptom in set(symptoms) - at_once:
            assert lasting[symptom] > lasting["ReconcilerDown"]


def test_only_metrics_that_are_exported_are_asked_for() -> None:
    """An alert on a metric that nobody exports would be silent for ever."""
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = {name for rule in rules() for name in re.findall(r"reconciler[_:][\w:]+", rule["expr"])}

    assert asked <= recorded | exported_names()


def test_durations_are_whole_in_their_unit() -> None:
    """Prometheus knows no fractions; the largest unit that holds all of it is taken."""
    assert [duration(seconds) for seconds in (21_600, 90, 60, 1.5, 0.0001)] == [
        "6h",
        "90s",
        "1m",
        "1500ms",
        "1ms",
    ]


def test_a_folder_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage ends with 2 and says what to do."""
    with pytest.raises(SystemExit) as ended:
        main(["/nowhere/at/all"])

    assert ended.value.code == 2
    assert "make it first" in capsys.readouterr().err
