"""What a condition says of a name in the branch that it guards."""

import ast

from reconciler.control.linting.containers import elements
from reconciler.control.linting.running import Run
from reconciler.control.linting.values import NOTHING, OTHER, Text, Values, is_unknown


def narrowed(run: Run, test: ast.expr, *, holds: bool) -> None:
    """Bind a name that is compared with literal texts to what it can be."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            narrowed(run, inner, holds=not holds)
        case ast.BoolOp(op=ast.And(), values=parts) if holds:
            for part in parts:
                narrowed(run, part, holds=True)
        case ast.BoolOp(op=ast.Or(), values=parts) if not holds:
            for part in parts:
                narrowed(run, part, holds=False)
        case ast.Compare(left=ast.Name(id=name), ops=[operator], comparators=[other]):
            wanted = _compared(run, operator, other)
            if wanted:
                is_one = holds == isinstance(operator, ast.Eq | ast.In)
                _narrow(run, name, wanted, is_one=is_one)


def _compared(run: Run, operator: ast.cmpop, other: ast.expr) -> Values:
    match operator:
        case ast.Eq() | ast.NotEq():
            found = run.evaluate(other)
        case ast.In() | ast.NotIn():
            found = elements(run, run.evaluate(other))
        case _:
            return NOTHING
    return found if all(isinstance(each, Text) for each in found) else NOTHING


def _narrow(run: Run, name: str, wanted: Values, *, is_one: bool) -> None:
    known = run.look_up(name)
    if known is None:
        return
    if is_unknown(known):
        if is_one:
            run.env[name] = wanted
        return
    left = known & wanted if is_one else known - wanted
    if is_one and OTHER in known:
        left = wanted
    if left:
        run.env[name] = left
