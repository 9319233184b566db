"""One operator changed, in any function of the sync library, is found and named."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.control.frozen import (
    FROZEN_PACKAGE,
    frozen_code,
    installed_place,
    running_code,
)
from reconciler.control.units import differences, units_of
from tests.unit.test_house import ROOT

SPECIFICATION = ROOT / "docs/PAYMENT_SYNC_SPEC.md"
OTHERS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.Mod: ast.Add,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.And: ast.Or, ast.Or: ast.And,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Not: ast.USub, ast.USub: ast.Not, ast.FloorDiv: ast.Div, ast.Pow: ast.Mult,
}  # fmt: skip
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Function]]:
    for node in body:
        if isinstance(node, Function):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from functions(node.body, f"{prefix}{node.name}.")


def change_an_operator(function: Function) -> bool:
    """Exchange the first operator for another one, in place; False where there is none."""
    for node in ast.walk(function):
        match node:
            case ast.BinOp() | ast.AugAssign() | ast.BoolOp() | ast.UnaryOp():
                node.op = OTHERS[type(node.op)]()  # type: ignore[assignment]
                return True
            case ast.Compare():
                node.ops[0] = OTHERS[type(node.ops[0])]()  # type: ignore[call-overload]
                return True
    return False


def test_an_operator_changed_in_any_function_is_named() -> None:
    """Every function of `reconciler.sync` that has one, each by itself."""
    tried = 0
    for path in sorted((ROOT / FROZEN_PACKAGE).rglob("*.py")):
        name, text = str(path.relative_to(ROOT)), path.read_text()
        frozen = units_of(name, text)
        for position, (function, _) in enumerate(functions(ast.parse(text).body)):
            module = ast.parse(text)
            changed = list(functions(module.body))[position][1]
            if not change_an_operator(changed):
                continue
            tried += 1
            found = differences(frozen, units_of(name, ast.unparse(module)))

            assert [str(each) for each in found] == [f"{name}: {function} changed"]

    assert tried > 40


def test_the_frozen_code_holds_more_than_the_library() -> None:
    """What it imports, the exceptions, the packages and the specification are part of it."""
    files = {unit.split(": ")[0] for unit in running_code().units}

    assert {
        "reconciler/__init__.py",
        "reconciler/errors.py",
        "reconciler/model/amounts.py",
        "reconciler/model/change.py",
        "reconciler/sync/poster.py",
        "docs/PAYMENT_SYNC_SPEC.md",
    } <= files
    assert not any("surfaces" in name or "storage" in name for name in files)


@pytest.mark.parametrize("columns", [60, 160])
def test_reformatting_is_no_change(columns: int, tmp_path: Path) -> None:
    """By ruff with other lines, and without comments and docstrings: the digest stays."""
    paths = sorted({unit.split(": ")[0] for unit in running_code().units if ".py" in unit})
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        # What was parsed and written again has no comments.
        text = (ROOT / path).read_text()
        (tmp_path / path).write_text(text if columns == 60 else ast.unparse(ast.parse(text)))
    subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "-q",
         f"--config=line-length={columns}", "--config=format.quote-style='single'", "."],
        cwd=tmp_path, check=True, timeout=60,
    )  # fmt: skip
    sources = {path: (tmp_path / path).read_text() for path in paths}

    assert sources != {path: (ROOT / path).read_text() for path in paths}
    assert frozen_code(sources, SPECIFICATION.read_text()).digest == running_code().digest


def test_the_digest_is_that_of_the_tests_own_checkout() -> None:
    """The place is the checkout, where freezes can be proposed."""
    assert installed_place().documents == ROOT
    assert installed_place().is_checkout
