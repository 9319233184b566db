"""Runs statements in their order: what names are bound to, branch by branch."""

import ast
from collections.abc import Callable
from collections.abc import Sequence as Statements
from typing import Any

from reconciler.control.linting.annotations import annotated
from reconciler.control.linting.arguments import defaults_of
from reconciler.control.linting.calls import apply_decorator
from reconciler.control.linting.classes import attribute_of
from reconciler.control.linting.containers import elements, sequence, text, unpacked, with_entry
from reconciler.control.linting.expressions import added, base_of, turns
from reconciler.control.linting.following import inherit
from reconciler.control.linting.narrowing import narrowed
from reconciler.control.linting.running import Run
from reconciler.control.linting.values import (
    NOTHING,
    Class,
    Function,
    Imported,
    Instance,
    Mapping,
    ModuleRef,
    Values,
    joined,
    names_in,
    texts,
)

Env = dict[str, Values]


def execute(run: Run, body: Statements[ast.stmt]) -> bool:
    """Run statements; say whether they surely leave the body."""
    for node in body:
        known = _BY_TYPE.get(type(node))
        if known is not None:
            if known(run, node):
                return True
        else:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    run.evaluate(child)
    return False


def assign(run: Run, target: ast.expr, values: Values) -> None:
    """Give a target its values."""
    match target:
        case ast.Name(id=name):
            run.bind(name, values)
        case ast.Starred(value=inner):
            assign(run, inner, values)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            stars = [n for n, part in enumerate(parts) if isinstance(part, ast.Starred)]
            spread = unpacked(run, values, len(parts), stars[0] if stars else None)
            for part, each in zip(parts, spread, strict=True):
                assign(run, part, each)
        case ast.Attribute(attr=attr):
            for value in base_of(run, target):
                if isinstance(value, Class | Instance):
                    run.say(("attribute", value.owner, attr), values)
                elif isinstance(value, ModuleRef):
                    run.say(("global", value.index, attr), values)
        case ast.Subscript(value=base, slice=key):
            _assign_item(run, base, names_in(run.evaluate(key)), values)


def _assign_item(run: Run, base: ast.expr, keys: list[str | None], values: Values) -> None:
    found = run.evaluate(base)
    if not any(isinstance(each, Mapping) for each in found):
        return
    changed = frozenset(
        with_entry(each, key, values) for each in found if isinstance(each, Mapping) for key in keys
    )
    assign(run, base, changed)


def _assign(run: Run, node: ast.Assign) -> bool:
    values = run.evaluate(node.value)
    for target in node.targets:
        assign(run, target, values)
    return False


def _annotated(run: Run, node: ast.AnnAssign) -> bool:
    values = run.evaluate(node.value)
    name = ast.unparse(node.target).rpartition(".")[2]
    if node.value is not None or run.is_class:
        assign(run, node.target, values or annotated(run, node.annotation, name))
    elif isinstance(node.target, ast.Name):
        run.bind(node.target.id, annotated(run, node.annotation, name))
    return False


def _augmented(run: Run, node: ast.AugAssign) -> bool:
    before, more = run.evaluate(node.target), run.evaluate(node.value)
    assign(run, node.target, added(before, more, node.op))
    return False


def _return(run: Run, node: ast.Return) -> bool:
    run.given |= run.evaluate(node.value)
    return True


def _raise(run: Run, node: ast.Raise) -> bool:
    run.evaluate(node.exc)
    run.evaluate(node.cause)
    return True


def _if(run: Run, node: ast.If) -> bool:
    run.evaluate(node.test)
    before = dict(run.env)
    narrowed(run, node.test, holds=True)
    first_ends = execute(run, node.body)
    first, run.env = run.env, dict(before)
    narrowed(run, node.test, holds=False)
    second_ends = execute(run, node.orelse)
    if first_ends and second_ends:
        return True
    if second_ends:
        run.env = first
    elif not first_ends:
        run.env = _together(first, run.env)
    return False


def _for(run: Run, node: ast.For | ast.AsyncFor) -> bool:
    items = turns(run, run.evaluate(node.iter))
    before = dict(run.env)
    # Once more where the items are not told apart: what a turn leaves behind, the next one meets.
    if len(items) == 1 and run.can_turn(2):
        items = items * 2
    with run.turning(len(items)):
        for values in items:
            assign(run, node.target, values)
            execute(run, node.body)
    run.env = _together(before, run.env)
    return execute(run, node.orelse)


def _while(run: Run, node: ast.While) -> bool:
    count = 2 if run.can_turn(2) else 1
    with run.turning(count):
        for _ in range(count):
            run.evaluate(node.test)
            before = dict(run.env)
            execute(run, node.body)
            run.env = _together(before, run.env)
    return execute(run, node.orelse)


def _with(run: Run, node: ast.With | ast.AsyncWith) -> bool:
    for each in node.items:
        values = run.evaluate(each.context_expr)
        if each.optional_vars is not None:
            assign(run, each.optional_vars, joined(_entered(run, value) for value in values))
    return execute(run, node.body)


def _entered(run: Run, value: Any) -> Values:
    if isinstance(value, Instance):
        for name in ("__aenter__", "__enter__"):
            found = attribute_of(run, value, name) or NOTHING
            given = [
                run.context.call(run, each, ()) for each in found if isinstance(each, Function)
            ]
            if given:
                return joined(given)
    return frozenset({value})


def _try(run: Run, node: ast.Try | ast.TryStar) -> bool:
    before = dict(run.env)
    body_ends = execute(run, node.body)
    after = run.env
    ends = body_ends or execute(run, node.orelse)
    leaving: list[Env] = [] if ends else [run.env]
    for handler in node.handlers:
        run.env = _together(before, after)
        run.evaluate(handler.type)
        if handler.name:
            run.bind(handler.name, NOTHING)
        if not execute(run, handler.body):
            leaving.append(run.env)
    run.env = _together(*leaving) if leaving else _together(before, after)
    return execute(run, node.finalbody) or not leaving


def _match(run: Run, node: ast.Match) -> bool:
    subject = run.evaluate(node.subject)
    before = dict(run.env)
    leaving: list[Env] = [before]
    for case in node.cases:
        run.env = dict(before)
        _bind_pattern(run, case.pattern, node.subject, subject)
        run.evaluate(case.guard)
        if not execute(run, case.body):
            leaving.append(run.env)
    run.env = _together(*leaving)
    return False


def _bind_pattern(run: Run, pattern: ast.pattern, node: ast.expr, subject: Values) -> None:
    literals: list[Values] = []
    for each in ast.walk(pattern):
        match each:
            case ast.MatchValue(value=value):
                literals.append(run.evaluate(value))
            case ast.MatchAs(name=str() as name):
                run.bind(name, subject if each is pattern else NOTHING)
            case ast.MatchStar(name=str() as name):
                run.bind(name, NOTHING)
    if (
        isinstance(node, ast.Name)
        and literals
        and isinstance(pattern, ast.MatchValue | ast.MatchOr)
    ):
        run.env[node.id] = joined(literals)


def _together(*envs: Env) -> Env:
    whole = dict(envs[0])
    for env in envs[1:]:
        for name, values in env.items():
            old = whole.get(name)
            if old is not values:
                whole[name] = values if old is None else joined([old, values])
    return whole


def _function(run: Run, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    code = run.context.program.code_of[node]
    for parameter, default in defaults_of(code):
        run.say(("default", code.index, parameter.arg), run.evaluate(default))
    function = Function(code.index)
    for decorator in node.decorator_list:
        apply_decorator(run, decorator, function)
    run.bind(node.name, frozenset({function}))
    return False


def _class(run: Run, node: ast.ClassDef) -> bool:
    made = run.context.program.class_of[node]
    for decorator in node.decorator_list:
        run.evaluate(decorator)
    bases = [run.evaluate(_bare(base)) for base in node.bases]
    run.say(("bases", made.index, ""), sequence(bases))
    itself: Values = frozenset({Class(made.index)})
    for base in joined(bases):
        if isinstance(base, Class):
            run.say(("below", base.owner, ""), itself)
    inner = Run(run.context, run.unit, run.code, function=made.qualname, around=run, is_class=True)
    execute(inner, node.body)
    for name, values in inner.env.items():
        run.say(("attribute", made.index, name), values)
    fields = [
        name
        for name, values in inner.env.items()
        if not any(isinstance(each, Function | Class) for each in values)
    ]
    run.say(("members", made.index, ""), sequence(map(text, fields)))
    run.bind(node.name, itself)
    if "__init__" not in inner.env:
        inherit(run, made.index)
    return False


def _bare(base: ast.expr) -> ast.expr:
    """Give a base class without its type arguments: `Repository` of `Repository[Wallet]`."""
    return base.value if isinstance(base, ast.Subscript) else base


def _import(run: Run, node: ast.Import) -> bool:
    for alias in node.names:
        name = alias.name if alias.asname else alias.name.partition(".")[0]
        module = run.context.program.find_module(name, run.code.module)
        found = Imported(name) if module is None else ModuleRef(module.index)
        run.bind(alias.asname or name, frozenset({found}))
    return False


def _import_from(run: Run, node: ast.ImportFrom) -> bool:
    program, here = run.context.program, run.code.module
    source = program.find_module(node.module or "", here, node.level)
    dotted = "." * node.level + (node.module or "")
    for alias in node.names:
        if alias.name == "*":
            _import_all(run, source.index if source else None)
            continue
        found: Values | None = None
        if source is not None:
            found = run.read(("global", source.index, alias.name))
        if found is None:
            inner = ".".join(part for part in (node.module, alias.name) if part)
            module = program.find_module(inner, here, node.level)
            below = (
                Imported(f"{dotted}.{alias.name}") if module is None else ModuleRef(module.index)
            )
            found = frozenset({below})
        run.bind(alias.asname or alias.name, found)
    return False


def _import_all(run: Run, source: int | None) -> None:
    if source is not None:
        exported = elements(run, run.read(("exported", source, "")) or NOTHING)
        for name in texts(exported):
            if not name.startswith("_"):
                run.bind(name, run.read(("global", source, name)) or NOTHING)


_BY_TYPE: dict[type[ast.stmt], Callable[[Run, Any], bool]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.Match: _match,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
}
