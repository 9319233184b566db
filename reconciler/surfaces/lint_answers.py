"""What the search for bypassing writers found, as JSON, SARIF 2.1.0 and GitHub's annotations."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from reconciler.control.linting import Finding, LintReport, Problem
from reconciler.control.linting.baseline import Compared

ADVICE = "post it through reconciler.sync, or allow it: # reconciler: allow-write REASON"
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_RULES = {
    "bypassing-write": "Code writes a balance collection outside of the sync library.",
    "faulty-allowance": "An allowance has no reason, or allows nothing.",
    "not-searched": "A file could not be searched.",
}


def sentence(finding: Finding) -> str:
    """Say what is wrong and what to do."""
    return f"{finding.function} writes {finding.collection} by {finding.operation}: {ADVICE}"


def lint_answer(report: LintReport, compared: Compared) -> dict[str, Any]:
    """Give the JSON document."""
    return {
        "files_scanned": report.files_scanned,
        "findings": [asdict(finding) for finding in compared.new],
        "undecided": [asdict(each) for each in report.undecided],
        "allowed": [{**asdict(each.finding), "reason": each.reason} for each in report.allowed],
        "faulty_allowances": [asdict(each) for each in report.faulty],
        "not_searched": [asdict(each) for each in report.unsearched],
        "baseline": {
            "covered": compared.covered,
            "can_be_lowered": [
                {
                    "file": each.place[0],
                    "function": each.place[1],
                    "collection": each.place[2],
                    "operation": each.place[3],
                    "before": each.before,
                    "now": each.now,
                }
                for each in compared.fewer
            ],
        },
    }


def sarif_answer(report: LintReport, findings: Sequence[Finding], version: str) -> dict[str, Any]:
    """Give a SARIF 2.1.0 log: https://docs.oasis-open.org/sarif/sarif/v2.1.0/."""
    rules = [{"id": name, "shortDescription": {"text": text}} for name, text in _RULES.items()]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "reconciler-lint", "version": version, "rules": rules}},
                "invocations": [{"executionSuccessful": not report.unsearched}],
                "results": [
                    _result(rule, each, message) for rule, each, message in _told(report, findings)
                ],
            }
        ],
    }


def github_lines(report: LintReport, findings: Sequence[Finding]) -> list[str]:
    """Give GitHub's workflow commands, one for each place."""
    return [
        f"::error file={_property(each.file)},line={max(each.line, 1)},title={rule}::{_data(text)}"
        for rule, each, text in _told(report, findings)
    ]


def _told(
    report: LintReport, findings: Sequence[Finding]
) -> Iterator[tuple[str, Finding | Problem, str]]:
    for finding in findings:
        yield "bypassing-write", finding, sentence(finding)
    for problem in report.faulty:
        yield "faulty-allowance", problem, problem.what
    for problem in report.unsearched:
        yield "not-searched", problem, f"{problem.file} {problem.what}"


def _result(rule: str, place: Finding | Problem, message: str) -> dict[str, Any]:
    return {
        "ruleId": rule,
        "level": "error",
        "message": {"text": message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": place.file.replace("%", "%25").replace(" ", "%20")},
                    "region": {"startLine": max(place.line, 1)},
                }
            }
        ],
    }


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
