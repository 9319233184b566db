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


def nested(head: str, depth: int, body: str) -> str:
    """Blocks of one kind within each other."""
    lines = ["    " * level + head.format(level=level) for level in range(depth)]
    return "\n".join([*lines, "    " * depth + body, ""])


@pytest.mark.parametrize(
    "text",
    [
        nested("for a{level} in b{level}:", 18, "db.wallets.drop()"),
        nested("for a{level} in (1, 2, 3, 4, 5, 6, 7, 8):", 12, "db.wallets.drop()"),
        nested("while a{level}:", 40, "db.wallets.drop()"),
        "[" * 12 + "db.wallets.drop()" + " for x in (1, 2, 3, 4, 5, 6, 7, 8)]" * 12,
        "n = 'wall'\n" + "n = n + n\n" * 60 + "db.wallets.drop()\ndb[n].drop()\n",
        "n = '%s{}'\n" + "n = (n % n).format(n).join((n, n))\n" * 40 + "db.wallets.drop()\n",
        "n = 'ab'\n" + "n = f'{n}{n}{n}'\n" * 60 + "db.wallets.drop()\n",
        "x = [db.wallets]\n" + "x = [*x, *x] + x\n" * 60 + "db.wallets.drop()\n",
    ],
)
def test_code_that_would_grow_without_end_is_searched(text: str) -> None:
    """The search ends, and still finds the write."""
    assert {each.collection for each in searched(text).findings} == {"wallets"}
