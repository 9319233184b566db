"""Runs all bodies of a program until nothing new comes to be known, and gives what they write."""

import ast
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from reconciler.control.linting.annotations import annotated
from reconciler.control.linting.arguments import every_parameter
from reconciler.control.linting.calls import call_plain
from reconciler.control.linting.containers import sequence, text
from reconciler.control.linting.expressions import evaluate
from reconciler.control.linting.facts import Facts
from reconciler.control.linting.naming import BalanceNames
from reconciler.control.linting.program import Code, Kind, Program
from reconciler.control.linting.report import Finding, Undecided
from reconciler.control.linting.running import Context, Run, Unit
from reconciler.control.linting.settling import Settling
from reconciler.control.linting.statements import assign, execute
from reconciler.control.linting.targets import Targets
from reconciler.control.linting.values import NOTHING, Class, Instance, Values

RUNS_MAX = 8


@dataclass(frozen=True, slots=True)
class Writes:
    """What a program writes; `too_deep` names files whose code is nested beyond reading."""

    findings: tuple[Finding, ...]
    undecided: tuple[Undecided, ...]
    too_deep: tuple[str, ...]


def find_writes(
    trees: Mapping[str, ast.Module], paths: Mapping[str, PurePosixPath], names: Collection[str]
) -> Writes:
    """Find what writes the collections of these names.

    `trees` are the syntax trees by the name under which a file is reported, `paths` where each is,
    from which imports among them are understood.
    """
    return _Analysis(Program(trees, paths), BalanceNames(names)).result()


class _Analysis:
    def __init__(self, program: Program, names: BalanceNames) -> None:
        self._program = program
        self._context = Context(
            program,
            Facts(),
            names,
            Targets(names),
            Settling(names),
            evaluate,
            execute,
            call_plain,
            assign,
        )
        self._units: dict[int, Unit] = {}
        self._too_deep: set[str] = set()

    def result(self) -> Writes:
        codes = [code for code in self._program.codes if not isinstance(code.node, ast.Lambda)]
        # Modules first: functions ask for what they bind.
        waiting = deque(sorted(codes, key=lambda code: not isinstance(code.node, ast.Module)))
        queued = {code.index for code in waiting}
        runs: dict[int, int] = {}
        while waiting:
            code = waiting.popleft()
            queued.discard(code.index)
            runs[code.index] = runs.get(code.index, 0) + 1
            for index in sorted(self._run(code)):
                if index not in queued and runs.get(index, 0) < RUNS_MAX:
                    queued.add(index)
                    waiting.append(self._program.codes[index])
        return self._writes()

    def _run(self, code: Code) -> set[int]:
        unit = Unit(code)
        run = Run(self._context, unit, code)
        try:
            self._enter(run)
        except RecursionError:
            self._too_deep.add(code.module.file)
        self._units[code.index] = unit
        if isinstance(code.node, ast.Module):
            for name, values in run.env.items():
                run.say(("global", code.index, name), values)
            unit.said["exported", code.index, ""] = sequence(map(text, run.env))
        elif run.given:
            run.say(("return", code.index, ""), run.given)
        return self._context.facts.replace(code.index, unit.said)

    def _enter(self, run: Run) -> None:
        node = run.code.node
        assert not isinstance(node, ast.Lambda)
        for place, each in enumerate(every_parameter(run.code)):
            run.bind(each.arg, self._parameter(run, place, each))
        execute(run, node.body)

    def _parameter(self, run: Run, place: int, parameter: ast.arg) -> Values:
        code, name = run.code, parameter.arg
        if place == 0 and code.owner is not None:
            if code.kind is Kind.CLASS_METHOD:
                return frozenset({Class(code.owner, is_exact=False)})
            if code.kind is not Kind.PLAIN:
                return frozenset({Instance(code.owner, is_exact=False)})
        given = run.read(("parameter", code.index, name)) or NOTHING
        given |= run.read(("default", code.index, name)) or NOTHING
        return given or annotated(run, parameter.annotation, name)

    def _writes(self) -> Writes:
        findings: set[Finding] = set()
        undecided: set[Undecided] = set()
        for unit in self._units.values():
            file = unit.code.module.file
            findings |= {Finding(file, *found) for found in unit.findings}
            undecided |= {Undecided(file, *found) for found in unit.undecided}
        return Writes(
            tuple(sorted(findings)), tuple(sorted(undecided)), tuple(sorted(self._too_deep))
        )
