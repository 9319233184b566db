"""A corpus in the styles of real code bases: every write is found, and nothing else."""

import ast
import re
import textwrap
from pathlib import PurePosixPath

import pytest

from reconciler.control.linting.analysis import Writes, find_writes
from tests.unit.linting import cases_not, cases_reached, cases_written
from tests.unit.linting.cases_mixed import MIXED

BALANCES = ("wallets", "crypto_balances", "trader_balances", "internal_balances")
CASES = {**cases_reached.CASES, **cases_written.CASES, **cases_not.CASES}

Found = tuple[int, str, str, str]


def searched(text: str, file: str = "app/service.py") -> Writes:
    return find_writes({file: ast.parse(text)}, {file: PurePosixPath(file)}, BALANCES)


def marked(text: str) -> set[Found]:
    """What the markers say: the line, and in it collection, operation and function."""
    found: set[Found] = set()
    for number, line in enumerate(text.splitlines(), 1):
        _, is_write, marks = line.partition("# write: ")
        for mark in marks.split(";") if is_write else ():
            collection, operation, function = mark.split()
            found.add((number, collection, operation, function))
    return found


@pytest.mark.parametrize("name", CASES)
def test_exactly_the_writes_are_found(name: str) -> None:
    """Each marked line is found with its collection, operation and function, and no other line."""
    text = textwrap.dedent(CASES[name])
    found = {
        (each.line, each.collection, each.operation, each.function)
        for each in searched(text).findings
    }

    assert found == marked(text)


def test_a_long_module_in_many_styles() -> None:
    """Exactly the lines with a marker are found."""
    wanted = {n for n, line in enumerate(MIXED.splitlines(), 1) if line.endswith("# W")}

    assert len(wanted) == 47
    assert {each.line for each in searched(MIXED).findings} == wanted


def test_the_corpus_is_large_and_of_both_kinds() -> None:
    """It holds at least a hundred cases, with many lines that write and many that do not."""
    lines = [line for text in CASES.values() for line in text.splitlines()]
    names = {*cases_reached.CASES, *cases_written.CASES, *cases_not.CASES}
    calls = [line for line in lines if re.search(r"\.\w+\(", line)]

    assert len(names) == len(CASES) >= 100
    assert sum("# write: " in line for line in calls) >= 150
    assert sum("# write: " not in line for line in calls) >= 150
