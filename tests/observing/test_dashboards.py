"""The committed dashboards are what the code generates, complete, and in correct PromQL."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.rules import alerts
from alerts.timing import Timing
from dashboards.catalogue import DASHBOARDS, as_json, from_json
from tests.observing.panels import FILES, ROOT, annotation_targets, panel_targets, read
from tests.observing.tools import output_of

PANELS_MAX = 8
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def keys(document: object) -> Iterator[tuple[str, Any]]:
    """Every key and value in a document, at any depth."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield key, value
            yield from keys(value)
    elif isinstance(document, list):
        for each in document:
            yield from keys(each)


def test_each_dashboard_is_committed() -> None:
    """There is a file for each dashboard and no other one."""
    assert {path.stem for path in FILES} == set(DASHBOARDS)


@every_file
def test_what_is_committed_is_what_is_generated(path: Path) -> None:
    """After a change `python -m dashboards` has been run."""
    assert path.read_text() == as_json(DASHBOARDS[path.stem]())


def test_the_module_writes_into_a_folder(tmp_path: Path) -> None:
    """Run as a module it writes the same files where it is told; a wrong folder is exit 2."""

    def run(folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dashboards", str(folder)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert run(tmp_path).returncode == 0
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        path.name: path.read_text() for path in FILES
    }

    refused = run(tmp_path / "absent")
    assert refused.returncode == 2
    assert "absent" in refused.stderr


@every_file
def test_the_sdk_reads_what_it_has_written(path: Path) -> None:
    """Nothing is lost when Grafana's own model reads a file and writes it again."""
    assert as_json(from_json(path.read_text())) == path.read_text()


@every_file
def test_every_panel_says_what_it_shows(path: Path) -> None:
    """Each of at most eight panels has a title, a description, a unit, and queries with legends."""
    panels = read(path)["panels"]

    assert 0 < len(panels) <= PANELS_MAX
    for panel in panels:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["targets"]
        assert all(target["legendFormat"] for target in panel["targets"])
    assert len({panel["title"] for panel in panels}) == len(panels)
    assert len({panel["id"] for panel in panels}) == len(panels)


@every_file
def test_a_number_is_of_this_moment(path: Path) -> None:
    """No large number is the last one of a time range: a dead daemon's verdict is not shown."""
    targets = [
        target
        for panel in read(path)["panels"]
        if panel["type"] == "stat"
        for target in panel["targets"]
    ]

    assert all(target["instant"] and not target["range"] for target in targets)


@every_file
def test_a_dashboard_is_found_and_filtered_alike(path: Path) -> None:
    """Each has a lasting address, the three variables, marks of deploys, and one data source."""
    document = read(path)

    assert document["uid"] == f"reconciler-{path.stem.replace('_', '-')}"
    assert len(document["uid"]) <= 40, "Grafana takes no longer one"
    names = [variable["name"] for variable in document["templating"]["list"]]
    assert names == ["datasource", "job", "instance"]
    (deploys,) = document["annotations"]["list"]
    assert "reconciler_build_info" in deploys["expr"]
    sources = {
        json.dumps(value, sort_keys=True) for key, value in keys(document) if key == "datasource"
    }
    assert sources == {json.dumps({"type": "prometheus", "uid": "${datasource}"}, sort_keys=True)}


def test_no_query_makes_up_numbers() -> None:
    """No absent series is shown as zero, and every rate's window is Grafana's."""
    for target in panel_targets():
        assert "vector(" not in target.expression, target
        assert "absent" not in target.expression, target
        assert target.expression.count("[") == target.expression.count("[$__rate_interval]")


def test_what_daemons_say_alike_is_not_added_up() -> None:
    """The standing is the greatest that any daemon says, never the sum over daemons."""
    added_up = [
        str(target)
        for target in panel_targets()
        if target.expression.startswith("sum")
        and not ("rate(" in target.expression or "increase(" in target.expression)
    ]

    assert added_up == []


def test_every_query_is_correct(tmp_path: Path) -> None:
    """Prometheus parses every expression of panels and annotations."""
    expressions = [each.filled() for each in (*panel_targets(), *annotation_targets())]
    rules = [
        {"record": f"dashboard:query:{number}", "expr": expression}
        for number, expression in enumerate(expressions)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboards", "rules": rules}]}))

    assert f"{len(rules)} rules found" in output_of(
        "promtool", "check", "rules", "--lint=none", file
    )


def test_every_alert_leads_to_a_dashboard() -> None:
    """The address in an alert's annotations is that of a dashboard."""
    named = {each.dashboard for each in alerts(Timing())}

    assert {f"reconciler-{name}" for name in named} <= {read(path)["uid"] for path in FILES}
