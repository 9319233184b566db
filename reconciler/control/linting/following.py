"""Follows calls into functions and classes that are read."""

import ast

from reconciler.control.linting.annotations import annotated
from reconciler.control.linting.arguments import Arguments, every_parameter, parameters_given
from reconciler.control.linting.classes import attribute_of, lineage
from reconciler.control.linting.containers import fields_of
from reconciler.control.linting.program import Code
from reconciler.control.linting.running import CALLS_MAX, DEPTH_MAX, Remembered, Run
from reconciler.control.linting.values import (
    NOTHING,
    Class,
    Collection,
    Function,
    Instance,
    Text,
    Values,
    is_unknown,
)


def call_function(
    run: Run, function: Function, given: Arguments, *, site: int | None = None
) -> Values:
    """Hand the arguments to a function, and say what it gives for just these."""
    code = run.context.code(function)
    set_here = parameters_given(code, function.bound, given)
    bound = code.parameters[:1] if function.bound is not None else []
    for name, values in set_here.items():
        if values and name not in bound:
            run.say(("parameter", code.index, name), values)
    if site is None and isinstance(function.bound, Instance) and code.name == "__init__":
        # What it makes of the object may depend on what the object's class names.
        return _followed(run, code, set_here, function.bound.owner)
    if site is not None:
        return _followed(run, code, set_here, site) if _can_differ(given) else NOTHING
    if not code.gives:
        return NOTHING
    # What it gives to all its callers together; only where a balance is in it, it matters to whom.
    known = run.read(("return", code.index, "")) or NOTHING
    if any(run.context.settling.is_about_balances(each) for each in known):
        return _followed(run, code, set_here, site)
    return known


def _can_differ(given: Arguments) -> bool:
    """Whether one object of a class may be about another collection than the next."""
    return any(
        isinstance(value, Collection | Text)
        for values in (*given.by_place, *given.by_name.values())
        for value in values
    )


def construct(run: Run, made: Class, given: Arguments, node: ast.AST) -> Values:
    """Make an object: what its attributes are may depend on where it is made."""
    if not _can_differ(given):
        _make(run, made.owner, given, None)
        return frozenset({Instance(made.owner)})
    site = run.context.program.site(node, made.owner).index
    run.insist(("below", made.owner, ""), frozenset({Class(site)}))
    _make(run, made.owner, given, site)
    return frozenset({Instance(site)})


def inherit(run: Run, owner: int) -> None:
    """Let a class have what the constructor that it inherits makes of its own names."""
    instance = Instance(owner, is_exact=False)
    before = set(run.unit.said)
    for maker in attribute_of(run, Instance(owner), "__init__") or NOTHING:
        if isinstance(maker, Function) and run.context.code(maker).owner != owner:
            call_function(run, Function(maker.code, instance), Arguments())
    # What only its callers know is known of the class that it inherits from.
    for key in set(run.unit.said) - before:
        if is_unknown(run.unit.said[key]):
            del run.unit.said[key]


def _make(run: Run, owner: int, given: Arguments, site: int | None) -> None:
    instance = Instance(owner if site is None else site)
    makers = [
        each
        for each in attribute_of(run, instance, "__init__") or NOTHING
        if isinstance(each, Function)
    ]
    for maker in makers:
        call_function(run, maker, given, site=site)
    if not makers:
        names = [name for each in reversed(lineage(run, owner)) for name in fields_of(run, each)]
        placed = dict(zip(dict.fromkeys(names), given.by_place, strict=False))
        for name, values in {**placed, **given.by_name}.items():
            run.insist(("attribute", instance.owner, name), values)


def _followed(run: Run, code: Code, given: dict[str, Values], site: int | None) -> Values:
    """Run a function quietly with these arguments; what it gave before is remembered."""
    context = run.context
    if code.index in run.stack or len(run.stack) > DEPTH_MAX or run.unit.calls > CALLS_MAX:
        return run.read(("return", code.index, "")) or NOTHING
    call = (code.index, site, tuple(sorted(given.items(), key=lambda each: each[0])))
    before = context.remembered.get(call)
    if before is not None and context.facts.is_older(before.keys, before.stamp):
        for key in before.keys:
            run.read(key)
        return before.given
    run.unit.calls += 1
    inner = Run(context, run.unit, code, called_by=run, site=site)
    enter(inner, given)
    if not inner.has_made:
        context.remembered[call] = Remembered(inner.given, inner.keys, context.facts.stamp)
    return inner.given


def enter(run: Run, given: dict[str, Values]) -> None:
    """Run a function's body; a parameter that is not given has its default or its type's values."""
    node = run.code.node
    assert not isinstance(node, ast.Module)
    for each in every_parameter(run.code):
        values = given.get(each.arg) or run.read(("default", run.code.index, each.arg))
        run.bind(each.arg, values or annotated(run, each.annotation, each.arg))
    if isinstance(node, ast.Lambda):
        run.given = run.evaluate(node.body)
    else:
        run.context.execute(run, node.body)
