"""What expressions may be."""

import ast
from collections.abc import Callable, Iterator
from typing import Any

from reconciler.control.linting.arguments import defaults_of, starred
from reconciler.control.linting.calls import call
from reconciler.control.linting.containers import elements, merged, sequence, text
from reconciler.control.linting.members import attribute, is_foreign, subscript
from reconciler.control.linting.narrowing import narrowed
from reconciler.control.linting.running import Run
from reconciler.control.linting.values import (
    FOREIGN,
    NAME_LENGTH_MAX,
    NOTHING,
    Function,
    Imported,
    Mapping,
    Sequence,
    Text,
    Values,
    is_unknown,
    joined,
    names_in,
    texts,
)
from reconciler.control.linting.vocabulary import DRIVER_TYPES
from reconciler.control.linting.writing import note_methods

COMBINATIONS_MAX = 64
TURNS_MAX = 16


def evaluate(run: Run, node: ast.expr) -> Values:
    """Say what an expression may be, and note what it writes."""
    known = _BY_TYPE.get(type(node))
    if known is not None:
        return known(run, node)
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            run.evaluate(child)
    return NOTHING


def _name(run: Run, node: ast.Name) -> Values:
    found = run.look_up(node.id)
    if found is None:
        found = frozenset({Imported(f"?.{node.id}")})
    # A type of the driver is called like what it makes, and is not that.
    if is_unknown(found) and node.id not in DRIVER_TYPES and not any(map(is_foreign, found)):
        return run.context.names.guess(node.id) or _guessed_origin(run, found) or found
    return found


def _guessed_origin(run: Run, found: Values) -> Values:
    """Guess by the name that something has where it is imported from."""
    origins = [each.dotted.rpartition(".")[2] for each in found if isinstance(each, Imported)]
    return joined(run.context.names.guess(each) for each in origins if each not in DRIVER_TYPES)


def _attribute(run: Run, node: ast.Attribute) -> Values:
    found = unnoted(run, node)
    note_methods(run, found, node.end_lineno or node.lineno)
    return found


def unnoted(run: Run, node: ast.Attribute) -> Values:
    """Evaluate an attribute; that of a method (`update_one.assert_called`) does not call it."""
    if node.attr == "__call__":
        return run.evaluate(node.value)
    return attribute(run, base_of(run, node), node.attr)


def base_of(run: Run, node: ast.Attribute) -> Values:
    """Say what an attribute belongs to."""
    if isinstance(node.value, ast.Attribute):
        return unnoted(run, node.value)
    return run.evaluate(node.value)


def _subscript(run: Run, node: ast.Subscript) -> Values:
    bases = run.evaluate(node.value)
    if isinstance(node.slice, ast.Slice):
        return bases
    keys = run.evaluate(node.slice)
    return subscript(run, bases, keys, _position(node.slice))


def _position(node: ast.expr) -> int | None:
    match node:
        case ast.Constant(value=int() as place):
            return place
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as place)):
            return -place
    return None


def _constant(_run: Run, node: ast.Constant) -> Values:
    if not isinstance(node.value, str):
        return NOTHING
    # Sentences are no names.
    return text(node.value) if len(node.value) <= NAME_LENGTH_MAX else FOREIGN


def _joined_text(run: Run, node: ast.JoinedStr) -> Values:
    parts = [
        run.evaluate(each.value if isinstance(each, ast.FormattedValue) else each)
        for each in node.values
    ]
    return _texts_together(parts)


def _texts_together(parts: list[Values]) -> Values:
    whole = [""]
    for part in parts:
        every = [left + right for left in whole for right in texts(part)]
        whole = [each for each in every if len(each) <= NAME_LENGTH_MAX][:COMBINATIONS_MAX]
    return frozenset(map(Text, whole))


def _operation(run: Run, node: ast.BinOp) -> Values:
    left, right = run.evaluate(node.left), run.evaluate(node.right)
    return added(left, right, node.op)


def added(left: Values, right: Values, operator: ast.operator) -> Values:
    """Put texts, lists or dicts together as `+`, `|` and `%` do."""
    if isinstance(operator, ast.Mod):
        return joined(
            text(form.replace("%s", word)) for form in texts(left) for word in texts(right)
        )
    found: list[Values] = []
    if isinstance(operator, ast.Add):
        found.append(_texts_together([left, right]))
        lists = [each for each in left if isinstance(each, Sequence)] or [Sequence(())]
        others = [each for each in right if isinstance(each, Sequence)] or [Sequence(())]
        if any(isinstance(each, Sequence) for each in left | right):
            found += [sequence([*one.items, *other.items]) for one in lists for other in others]
    elif isinstance(operator, ast.BitOr):
        dicts = [each for each in left if isinstance(each, Mapping)]
        mores = [each for each in right if isinstance(each, Mapping)]
        found += [frozenset({merged([one, more])}) for one in dicts for more in mores]
    return joined(found[:COMBINATIONS_MAX])


def _list(run: Run, node: ast.List | ast.Tuple | ast.Set) -> Values:
    items: list[Values] = []
    for each in node.elts:
        if isinstance(each, ast.Starred):
            items += starred(run, run.evaluate(each.value))
        else:
            items.append(run.evaluate(each))
    return sequence(items)


def _dict(run: Run, node: ast.Dict) -> Values:
    parts: list[Mapping] = []
    for key, value in zip(node.keys, node.values, strict=True):
        values = run.evaluate(value)
        if key is None:
            parts += [each for each in values if isinstance(each, Mapping)]
            continue
        names = names_in(run.evaluate(key))
        parts.append(Mapping(tuple((name, values) for name in names)))
    if all(len(part.entries) == 1 for part in parts) and len(parts) > COMBINATIONS_MAX:
        return frozenset({Mapping(tuple(part.entries[0] for part in parts))})
    return frozenset({merged(parts)})


def _choice(run: Run, node: ast.IfExp) -> Values:
    run.evaluate(node.test)
    before = dict(run.env)
    narrowed(run, node.test, holds=True)
    found = run.evaluate(node.body)
    run.env = dict(before)
    narrowed(run, node.test, holds=False)
    found |= run.evaluate(node.orelse)
    run.env = before
    return found


def _either(run: Run, node: ast.BoolOp) -> Values:
    return joined(run.evaluate(each) for each in node.values)


def _walrus(run: Run, node: ast.NamedExpr) -> Values:
    values = run.evaluate(node.value)
    run.context.assign(run, node.target, values)
    return values


def _inner(run: Run, node: ast.Await | ast.Starred) -> Values:
    return run.evaluate(node.value)


def _yield(run: Run, node: ast.Yield | ast.YieldFrom) -> Values:
    values = run.evaluate(node.value)
    if isinstance(node, ast.YieldFrom):
        run.given |= values
    else:
        # What is gone through has it as an item, what is entered (`with`) gives it.
        run.given |= values | (sequence([values]) if values else NOTHING)
    return NOTHING


def _lambda(run: Run, node: ast.Lambda) -> Values:
    code = run.context.program.code_of[node]
    inner = Run(run.context, run.unit, code, function=run.function, around=run)
    for name in code.names:
        inner.bind(name, run.read(("parameter", code.index, name)) or NOTHING)
    for parameter, default in defaults_of(code):
        name, values = parameter.arg, run.evaluate(default)
        inner.env[name] = inner.env.get(name) or values
    run.say(("return", code.index, ""), inner.evaluate(node.body))
    return frozenset({Function(code.index)})


def _comprehension(run: Run, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Values:
    return sequence([run.evaluate(node.elt) for _ in _turns(run, node.generators)])


def _dict_comprehension(run: Run, node: ast.DictComp) -> Values:
    parts: list[Mapping] = []
    for _ in _turns(run, node.generators):
        names, values = names_in(run.evaluate(node.key)), run.evaluate(node.value)
        parts.append(Mapping(tuple((name, values) for name in names)))
    return frozenset({merged(parts)})


def _turns(run: Run, generators: list[ast.comprehension]) -> Iterator[None]:
    """Bind the names of a comprehension turn by turn."""
    first, *rest = generators
    before = dict(run.env)
    items = turns(run, run.evaluate(first.iter))
    with run.turning(len(items)):
        for values in items:
            run.context.assign(run, first.target, values)
            for test in first.ifs:
                run.evaluate(test)
                narrowed(run, test, holds=True)
            if rest:
                yield from _turns(run, rest)
            else:
                yield None
            run.env = dict(before)


def turns(run: Run, values: Values) -> list[Values]:
    """Give what a loop meets, turn by turn where its items are known, else all at once."""
    if len(values) == 1:
        (value,) = values
        count = len(value.items) if isinstance(value, Sequence) else 0
        if isinstance(value, Sequence) and 0 < count <= TURNS_MAX and run.can_turn(count):
            return list(value.items)
    return [elements(run, values)]


_BY_TYPE: dict[type[ast.expr], Callable[[Run, Any], Values]] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Call: call,
    ast.Constant: _constant,
    ast.JoinedStr: _joined_text,
    ast.BinOp: _operation,
    ast.List: _list,
    ast.Tuple: _list,
    ast.Set: _list,
    ast.Dict: _dict,
    ast.IfExp: _choice,
    ast.BoolOp: _either,
    ast.NamedExpr: _walrus,
    ast.Await: _inner,
    ast.Starred: _inner,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
    ast.Lambda: _lambda,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _dict_comprehension,
}
