"""Calls: what they give, and what they write by what they are told."""

import ast
import re

from reconciler.control.linting.arguments import Arguments, evaluated, first_items
from reconciler.control.linting.classes import attribute_of, super_of
from reconciler.control.linting.containers import (
    appended,
    elements,
    item,
    pairs,
    sequence,
    text,
    with_entry,
)
from reconciler.control.linting.documents import document_collections, is_of_engine
from reconciler.control.linting.following import call_function, construct
from reconciler.control.linting.library import call_imported
from reconciler.control.linting.members import attribute, is_foreign
from reconciler.control.linting.running import Run
from reconciler.control.linting.values import (
    FOREIGN,
    NOTHING,
    Certainty,
    Class,
    Client,
    Collection,
    Database,
    Document,
    Foreign,
    Function,
    Imported,
    Instance,
    Mapping,
    Method,
    Partial,
    Sequence,
    Text,
    Unknown,
    Value,
    Values,
    is_unknown,
    joined,
    names_in,
    texts,
)
from reconciler.control.linting.vocabulary import (
    DOCUMENT_CHAIN,
    DOCUMENT_WRITES,
    ENGINE_WRITES,
    TOLD_BY_ARGUMENTS,
)
from reconciler.control.linting.writing import note_call, note_methods

# What is called so and takes the name of a balance collection gives it.
_OPENS = re.compile(r"_*(get_)?(mongo_|db_)?(coll|col|collection)")
_RUN_LATER = ("target", "func", "function", "fn", "callback")
_GROWS = frozenset({"append", "appendleft", "extend", "insert", "add", "update", "setdefault"})


def call(run: Run, node: ast.Call) -> Values:
    """Say what a call gives."""
    if isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args:
        return super_of(run)
    callees = run.evaluate(node.func)
    given = evaluated(run, node)
    if frozenset({Imported("builtins.getattr")}) == callees:
        return _getattr(run, given, node)
    line = (node.func.end_lineno if isinstance(node.func, ast.Attribute) else None) or node.lineno
    found = joined(_apply(run, each, given, node, line) for each in callees)
    if isinstance(node.func, ast.Attribute) and node.func.attr in _GROWS:
        _grow(run, node.func, callees, given)
    if not any(isinstance(each, Function | Class | Partial) for each in callees):
        _hand_over(run, given, node, line)
    if isinstance(node.func, ast.Attribute) and is_unknown(callees):
        _note_engine(run, node.func.attr, given, line)
    if is_unknown(found) and not any(
        isinstance(each, Foreign) or is_foreign(each) for each in callees
    ):
        return _default(node, given) or _guess(run, node, given) or found
    return found


def _note_engine(run: Run, name: str, given: Arguments, line: int) -> None:
    """Note what an engine of ODMantic writes: it is handed the documents or their class."""
    if name not in ENGINE_WRITES:
        return
    first = given.get(0, "instance")
    for each in first | elements(run, first):
        if isinstance(each, Class | Instance) and is_of_engine(run, each.owner):
            for collection in document_collections(run, each.owner):
                if collection in run.context.names:
                    run.find(line, collection, name)


def call_plain(run: Run, function: Function, given: tuple[Values, ...]) -> Values:
    """Call a function of the code that is read with arguments by place."""
    return call_function(run, function, Arguments(given))


def _apply(run: Run, callee: Value, given: Arguments, node: ast.AST, line: int) -> Values:
    match callee:
        case Function():
            return call_function(run, callee, given)
        case Class():
            return construct(run, callee, given, node)
        case Method():
            note_call(run, callee, given, line)
            return _call_method(run, callee, given)
        case Partial(callee=inner, arguments=first, keywords=keywords):
            whole = Arguments((*first, *given.by_place), {**dict(keywords), **given.by_name})
            return _apply(run, inner, whole, node, line)
        case Imported(dotted=dotted):
            found = _apply_through(run, dotted, given, node, line)
            return call_imported(run, dotted, given) if found is None else found
        case Instance():
            return joined(
                call_function(run, each, given)
                for each in attribute_of(run, callee, "__call__") or NOTHING
                if isinstance(each, Function)
            )
        case Document() | Foreign():
            return frozenset({callee})
    return NOTHING


def _apply_through(
    run: Run, dotted: str, given: Arguments, node: ast.AST, line: int
) -> Values | None:
    """Follow what calls a function for its caller: `map`, and the dependencies of a framework."""
    inner = Arguments()
    if dotted == "builtins.map":
        inner = Arguments(tuple(elements(run, each) for each in given.by_place[1:]))
    elif dotted.rpartition(".")[2] not in {"Depends", "Provide"}:
        return None
    callees = given.get(0, "dependency")
    found = joined(_apply(run, each, inner, node, line) for each in callees)
    return sequence([found]) if dotted == "builtins.map" else found


def apply_decorator(run: Run, decorator: ast.expr, function: Function) -> None:
    """Hand a function to its decorator, which may call it with something of its own."""
    given = Arguments((frozenset({function}),))
    for each in run.evaluate(decorator):
        if isinstance(each, Function):
            call_function(run, each, given)


def _call_method(run: Run, method: Method, given: Arguments) -> Values:
    match method.receiver:
        case Collection():
            opens = method.name in {"with_options", "get_collection"}
            return frozenset({method.receiver}) if opens else FOREIGN
        case Database(certainty=certainty):
            return _call_database(method.receiver, method.name, given, certainty)
        case Client(certainty=certainty):
            if method.name in {"get_database", "get_default_database"}:
                named = names_in(given.get(0, "name"))
                return frozenset({Database(certainty, name) for name in named})
            return frozenset({method.receiver}) if method.name == "with_options" else NOTHING
        case Document():
            again = method.name in DOCUMENT_CHAIN or method.name in DOCUMENT_WRITES
            return frozenset({method.receiver}) if again else FOREIGN
        case Unknown():
            return _call_unknown(method.name, given)
        case Sequence() | Mapping() | Text():
            return _call_container(run, method.receiver, method.name, given)
    return NOTHING


def _call_database(database: Database, name: str, given: Arguments, certainty: Certainty) -> Values:
    if name in {"get_collection", "create_collection"}:
        return _collections(given, certainty)
    return frozenset({database}) if name == "with_options" else NOTHING


def _call_unknown(name: str, given: Arguments) -> Values:
    if name == "get_collection":
        return frozenset(
            each
            for each in _collections(given, Certainty.LIKELY)
            if isinstance(each, Collection) and each.name is not None
        )
    if name in {"get_database", "get_default_database"}:
        return frozenset({Database(Certainty.LIKELY)})
    return NOTHING


def _collections(given: Arguments, certainty: Certainty) -> Values:
    keys = given.get(0, "name")
    called = [key.name for key in keys if isinstance(key, Collection) and key.name]
    named: list[str | None] = [*texts(keys), *called]
    return frozenset(Collection(name, certainty) for name in named or [None])


def _call_container(run: Run, value: Value, name: str, given: Arguments) -> Values:
    match value:
        case Mapping():
            match name:
                case "get" | "setdefault" | "pop":
                    keys = texts(given.get(0, "key"))
                    found = joined(item(frozenset({value}), key) for key in keys)
                    return found or item(frozenset({value}), None) | given.get(1, "default")
                case "items":
                    return sequence(pairs(value))
                case "values":
                    return sequence(values for _, values in value.entries)
                case "keys" | "copy":
                    return frozenset({value})
        case Sequence():
            if name == "copy":
                return frozenset({value})
            return item(frozenset({value}), None) if name == "pop" else NOTHING
        case Text(value=written):
            return _call_text(run, written, name, given)
    return NOTHING


def _call_text(run: Run, written: str, name: str, given: Arguments) -> Values:
    match name:
        case "lower" | "upper" | "strip" | "title":
            return text(getattr(written, name)())
        case "join":
            whole = [v for v in given.get(0, "") if isinstance(v, Sequence)]
            parts = [texts(each) for value in whole[:1] for each in value.items]
            if parts and all(len(part) == 1 for part in parts):
                return text(written.join(part[0] for part in parts))
        case "format":
            parts = [texts(each) for each in given.by_place]
            if len(parts) == 1:
                return joined(text(written.replace("{}", each)) for each in parts[0])
    return NOTHING


def _getattr(run: Run, given: Arguments, node: ast.Call) -> Values:
    found = NOTHING
    for name in texts(given.get(1, "name")):
        found |= attribute(run, given.get(0, "object"), name)
    place = node.args[1] if len(node.args) > 1 else node
    note_methods(run, found, place.lineno)
    return found | given.get(2, "default")


def _grow(run: Run, func: ast.Attribute, callees: Values, given: Arguments) -> None:
    """Let a list or a dict hold what is put into it."""
    grown: list[Value] = []
    for each in callees:
        if isinstance(each, Method) and isinstance(each.receiver, Sequence | Mapping):
            grown.append(_grown(run, each.receiver, func.attr, given))
    if grown:
        run.context.assign(run, func.value, frozenset(grown))


def _grown(run: Run, value: Sequence | Mapping, name: str, given: Arguments) -> Value:
    if isinstance(value, Sequence):
        if name in {"extend", "update"}:
            more = [
                each
                for found in given.get(0, "")
                for each in (found.items if isinstance(found, Sequence) else ())
            ]
            return appended(value, more)
        return appended(value, given.by_place[-1:])
    whole: Value = value
    entries = [
        (key, values)
        for found in given.get(0, "")
        if isinstance(found, Mapping)
        for key, values in found.entries
    ]
    if name == "setdefault":
        entries = [(key, given.get(1, "default")) for key in texts(given.get(0, "key"))]
    for key, values in [*entries, *given.by_name.items()]:
        assert isinstance(whole, Mapping)
        whole = with_entry(whole, key, values)
    return whole


def _hand_over(run: Run, given: Arguments, node: ast.AST, line: int) -> None:
    """Follow functions that are given to something unknown, with what is given after them."""
    for place, values in enumerate(given.by_place):
        for each in filter(_can_run, values):
            _apply(run, each, given.after(place + 1), node, line)
    for name in _RUN_LATER:
        for each in filter(_can_run, given.by_name.get(name, NOTHING)):
            _apply(run, each, first_items(given.by_name.get("args", NOTHING)), node, line)


def _can_run(value: Value) -> bool:
    return isinstance(value, Function | Partial) or (
        isinstance(value, Method) and value.name in TOLD_BY_ARGUMENTS
    )


def _default(node: ast.Call, given: Arguments) -> Values:
    """Take the default of a setting that is looked up for its value."""
    name = _called(node)
    if name in {"get", "getenv", "config", "str", "env"}:
        found = given.get(1, "default")
        return frozenset(each for each in found if isinstance(each, Text))
    return NOTHING


def _guess(run: Run, node: ast.Call, given: Arguments) -> Values:
    name = _called(node)
    if _OPENS.fullmatch(name):
        return frozenset(
            Collection(each, Certainty.GUESSED)
            for each in texts(given.get(0, "name"))
            if each in run.context.names
        )
    return run.context.names.guess(name) if name else NOTHING


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
