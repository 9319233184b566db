"""Allowances in the code: `# reconciler: allow-write REASON` on the lines of a write, or above."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from reconciler.control.linting.report import Allowed, Finding, Problem

_ALLOWANCE = re.compile(r"#\s*reconciler:\s*allow-write\b[\s:]*(.*)")


@dataclass(slots=True)
class Judged:
    """The findings of one file that stand, those that are allowed, and what is wrong with how."""

    findings: list[Finding] = field(default_factory=list)
    allowed: list[Allowed] = field(default_factory=list)
    faulty: list[Problem] = field(default_factory=list)


def judge(file: str, text: str, tree: ast.Module, findings: Iterable[Finding]) -> Judged:
    """Hold the findings of one file against its allowances."""
    judged = Judged()
    if "allow-write" not in text:
        judged.findings += findings
        return judged
    reasons, alone = _comments(text)
    lines_of = _lines_of_calls(tree)
    used: set[int] = set()
    for finding in findings:
        lines = lines_of.get(finding.line, range(finding.line, finding.line + 1))
        places = [line for line in _around(lines, alone) if line in reasons]
        used.update(places)
        given = [reasons[line] for line in places if reasons[line]]
        if given:
            judged.allowed.append(Allowed(finding, given[0]))
        else:
            judged.findings.append(finding)
    for line, reason in sorted(reasons.items()):
        if not reason:
            what = "an allowance needs a reason: # reconciler: allow-write REASON"
            judged.faulty.append(Problem(file, line, what))
        elif line not in used:
            what = "this allowance allows nothing: no write of a balance is here; remove it"
            judged.faulty.append(Problem(file, line, what))
    return judged


def _comments(text: str) -> tuple[dict[int, str], set[int]]:
    """Give the reason of each allowance by its line, and the lines that are comments alone."""
    reasons: dict[int, str] = {}
    alone: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        if token.line[: token.start[1]].strip() == "":
            alone.add(token.start[0])
        found = _ALLOWANCE.match(token.string)
        if found:
            reasons[token.start[0]] = found.group(1).strip()
    return reasons, alone


def _around(lines: range, alone: set[int]) -> Iterator[int]:
    """Give the lines of a call, and the comments right above it."""
    yield from lines
    above = lines.start - 1
    while above in alone:
        yield above
        above -= 1


def _lines_of_calls(tree: ast.Module) -> dict[int, range]:
    """Give all lines of the call whose method's name stands in a line; the longest of several."""
    found: dict[int, range] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            line = node.func.end_lineno or node.lineno
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            if len(lines) > len(found.get(line, ())):
                found[line] = lines
    return found
