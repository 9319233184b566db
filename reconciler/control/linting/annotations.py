"""What a type annotation says of a name that has no value yet."""

import ast

from reconciler.control.linting.containers import sequence
from reconciler.control.linting.members import is_foreign
from reconciler.control.linting.running import Run
from reconciler.control.linting.values import (
    FOREIGN,
    NOTHING,
    Certainty,
    Class,
    Client,
    Collection,
    Database,
    Imported,
    Instance,
    Value,
    Values,
    joined,
)
from reconciler.control.linting.vocabulary import (
    CLIENT_TYPES,
    COLLECTION_TYPES,
    CONTAINER_TYPES,
    DATABASE_TYPES,
    DRIVER_PACKAGES,
)

_TRANSPARENT = frozenset({"Optional", "Final", "ClassVar", "Union", "Awaitable", "Required"})
_LISTS = frozenset(
    [
        "list",
        "List",
        "Sequence",
        "Iterable",
        "Iterator",
        "tuple",
        "Tuple",
        "set",
        "Set",
        "AsyncIterator",
        "AsyncGenerator",
    ]
)


def annotated(run: Run, annotation: ast.expr | None, name: str) -> Values:
    """Say what a name with this annotation may be."""
    match annotation:
        case None:
            return NOTHING
        case ast.Constant(value=str() as text):
            return annotated(run, _parsed(text), name)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return annotated(run, left, name) | annotated(run, right, name)
        case ast.Subscript(value=outer, slice=inner):
            return _parametrised(run, outer, inner, name)
        case ast.Name() | ast.Attribute():
            found = run.evaluate(annotation)
            return joined(_of_type(run, value, name) for value in found)
    return NOTHING


def _parametrised(run: Run, outer: ast.expr, inner: ast.expr, name: str) -> Values:
    word = ast.unparse(outer).rpartition(".")[2]
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if word == "Annotated" and parts:
        given = joined(run.evaluate(each) for each in parts[1:] if isinstance(each, ast.Call))
        return given or annotated(run, parts[0], name)
    if word in _TRANSPARENT:
        return joined(annotated(run, each, name) for each in parts)
    if word in _LISTS:
        return sequence([joined(annotated(run, each, name) for each in parts[:1])])
    return annotated(run, outer, name)


def _of_type(run: Run, value: Value, name: str) -> Values:
    if isinstance(value, Class):
        return frozenset({Instance(value.owner, is_exact=False)})
    if not isinstance(value, Imported):
        return NOTHING
    package, last = value.dotted.partition(".")[0], value.dotted.rpartition(".")[2]
    if package in DRIVER_PACKAGES:
        return _of_driver(run, last, name)
    return FOREIGN if is_foreign(value) or last in CONTAINER_TYPES else NOTHING


def _of_driver(run: Run, last: str, name: str) -> Values:
    if last in CLIENT_TYPES:
        return frozenset({Client(Certainty.KNOWN)})
    if last in DATABASE_TYPES:
        return frozenset({Database(Certainty.KNOWN)})
    if last not in COLLECTION_TYPES:
        return NOTHING
    called = [each.name for each in run.context.names.guess(name) if isinstance(each, Collection)]
    return frozenset(
        Collection(each, Certainty.KNOWN if each is None else Certainty.LIKELY)
        for each in called or [None]
    )


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return None
