"""Allowances, baselines and formats of the search for bypassing writers."""

import ast
import json
import textwrap
from typing import Any

import pytest

from reconciler.control.linting.allowances import Judged, judge
from reconciler.control.linting.baseline import (
    UnusableBaseline,
    compare,
    counts_of,
    decode,
    encode,
    lowered,
)
from reconciler.control.linting.report import Finding, LintReport, Problem
from reconciler.surfaces.lint_answers import github_lines, lint_answer, sarif_answer

ALLOW = "# reconciler: allow-write"


def finding(line: int, function: str = "f", file: str = "a.py") -> Finding:
    return Finding(file, line, function, "wallets", "update_one")


def judged(text: str, *lines: int) -> Judged:
    text = textwrap.dedent(text)
    return judge("a.py", text, ast.parse(text), [finding(line) for line in lines])


@pytest.mark.parametrize(
    "text, line",
    [
        (f"w.update_one(a)  {ALLOW} migration of 2019\n", 1),
        (f"{ALLOW} migration\nw.update_one(a)\n", 2),
        (f"{ALLOW}: migration\n# in two lines\nw.update_one(a)\n", 3),
        (f"(\n    w\n    .update_one(\n        a  {ALLOW} migration\n    )\n)\n", 3),
        (f"if a:\n    {ALLOW} migration\n    w.x(\n    ).update_one(a)\n", 4),
    ],
)
def test_an_allowance_stands_on_the_call_or_above(text: str, line: int) -> None:
    """On any line of the call, or in the comments right above it, with its reason."""
    found = judged(text, line)

    assert (found.findings, found.faulty) == ([], [])
    assert "migration" in found.allowed[0].reason


@pytest.mark.parametrize(
    "text, line, what",
    [
        (f"w.update_one(a)  {ALLOW}\n", 1, "needs a reason"),
        (f"{ALLOW} why\n\nw.update_one(a)\n", 3, "allows nothing"),
        (f"w.update_one(a)\nx = 1  {ALLOW} why\n", 1, "allows nothing"),
    ],
)
def test_an_allowance_without_reason_or_write_is_faulty(text: str, line: int, what: str) -> None:
    """It allows nothing, and is told itself."""
    found = judged(text, line)

    assert [each.line for each in found.findings] == [line]
    assert what in found.faulty[0].what


def test_an_allowance_in_a_text_is_none() -> None:
    """Only comments count."""
    found = judged(f'w.update_one("{ALLOW} why")\n', 1)

    assert len(found.findings) == 1
    assert found.faulty == []


def test_lines_may_move_under_a_baseline() -> None:
    """What is counted is file, function, collection and operation."""
    baseline = counts_of([finding(1), finding(5)])

    compared = compare([finding(100), finding(200)], baseline)

    assert (compared.new, compared.covered, compared.fewer) == ((), 2, ())


def test_one_more_than_the_baseline_is_new() -> None:
    """A third write in one function, and one in another function, are each one finding."""
    baseline = counts_of([finding(1), finding(5)])

    compared = compare([finding(1), finding(5), finding(9), finding(2, "g")], baseline)

    assert compared.new == (finding(2, "g"), finding(9))


def test_fewer_than_the_baseline_asks_to_lower_it() -> None:
    """And lowering it takes nothing new in."""
    baseline = counts_of([finding(1), finding(5), finding(7, "g")])
    now = [finding(1), finding(3, "h")]

    assert [(each.before, each.now) for each in compare(now, baseline).fewer] == [(2, 1), (1, 0)]
    assert lowered(baseline, counts_of(now)) == counts_of([finding(1)])


def test_a_baseline_is_read_as_it_was_written() -> None:
    """One place a line, in order."""
    baseline = counts_of([finding(1), finding(5), finding(7, "g")])
    text = encode(baseline)

    assert decode(text, "b.json") == baseline
    assert decode(encode({}), "b.json") == {}
    assert len(text.splitlines()) == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"version": 2, "findings": []}',
        '{"version": 1, "findings": [{}]}',
        "[" * 9999,
    ]
    + [encode(counts_of([finding(1)])).replace('"count": 1', f'"count": {n}') for n in (0, "true")],
)
def test_what_is_no_baseline_is_refused(text: str) -> None:
    """An unreadable baseline must not look like an empty one."""
    with pytest.raises(UnusableBaseline, match="--write-baseline"):
        decode(text, "b.json")


REPORT = LintReport(
    3,
    (finding(7),),
    faulty=(Problem("b c.py", 2, "no\nreason"),),
    unsearched=(Problem("d,e.py", 0, "x"),),
)


def test_the_json_document() -> None:
    """Its first two keys and those of a finding are what other programs read."""
    answer = lint_answer(REPORT, compare(REPORT.findings, {}))

    assert list(answer)[:2] == ["files_scanned", "findings"]
    assert answer["findings"] == [
        {
            "file": "a.py",
            "line": 7,
            "function": "f",
            "collection": "wallets",
            "operation": "update_one",
        }
    ]
    assert json.loads(json.dumps(answer))["not_searched"][0]["file"] == "d,e.py"


def test_the_sarif_log_has_what_the_standard_requires() -> None:
    """Version, runs, the tool's driver with its rules, and results whose rule there is."""
    log: dict[str, Any] = sarif_answer(REPORT, REPORT.findings, "1.2")
    (run,) = log["runs"]

    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    assert run["tool"]["driver"]["name"]
    assert run["invocations"] == [{"executionSuccessful": False}]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert len(run["results"]) == 3
    for result in run["results"]:
        place = result["locations"][0]["physicalLocation"]
        assert result["ruleId"] in rules
        assert result["message"]["text"]
        assert result["level"] == "error"
        assert place["region"]["startLine"] >= 1
        assert " " not in place["artifactLocation"]["uri"]


def test_github_lines_are_escaped() -> None:
    """A line break or a comma in a name cannot make a second command or property."""
    lines = github_lines(REPORT, REPORT.findings)

    assert lines[0].startswith("::error file=a.py,line=7,title=bypassing-write::f writes wallets")
    assert lines[1].endswith("::no%0Areason")
    assert "file=d%2Ce.py,line=1" in lines[2]
