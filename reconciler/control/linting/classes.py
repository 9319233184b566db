"""Attributes of classes and of their objects, with what they inherit."""

from collections.abc import Iterator

from reconciler.control.linting.program import Kind
from reconciler.control.linting.running import Run
from reconciler.control.linting.values import (
    NOTHING,
    Class,
    Function,
    Imported,
    Instance,
    Sequence,
    Super,
    Values,
    joined,
)

CLASSES_MAX = 60


def bases_of(run: Run, owner: int) -> Iterator[Values]:
    """Give what each base of a class may be."""
    made_by = run.context.program.classes[owner].base
    if made_by is not None:
        yield frozenset({Class(made_by)})
        return
    for value in run.read(("bases", owner, "")) or NOTHING:
        if isinstance(value, Sequence):
            yield from value.items


def lineage(run: Run, owner: int) -> list[int]:
    """Give a class and all classes that are read and that it inherits from, nearest first."""
    found = [owner]
    for each in found:
        for base in bases_of(run, each):
            found += sorted(
                value.owner
                for value in base
                if isinstance(value, Class) and value.owner not in found
            )
        if len(found) > CLASSES_MAX:
            break
    return found


def outer_bases(run: Run, owner: int) -> list[str]:
    """Give the dotted names of what it inherits from code that is not read."""
    return sorted(
        value.dotted
        for each in lineage(run, owner)
        for base in bases_of(run, each)
        for value in base
        if isinstance(value, Imported)
    )


def below(run: Run, owner: int) -> list[int]:
    """Give the classes that inherit from one, and what its calls make."""
    found = [owner]
    for each in found:
        for value in run.read(("below", each, "")) or NOTHING:
            if isinstance(value, Class) and value.owner not in found:
                found.append(value.owner)
        if len(found) > CLASSES_MAX:
            break
    return sorted(found[1:])


def inherited(run: Run, owner: int, name: str) -> Values | None:
    """Give an attribute as the nearest class has it; None where none has."""
    for each in lineage(run, owner):
        known = run.read(("attribute", each, name))
        if known is not None:
            return known
    return None


def attribute_of(run: Run, value: Class | Instance, name: str) -> Values | None:
    """Give an attribute of a class or an object, methods bound; None where there is none."""
    known = inherited(run, value.owner, name)
    if not value.is_exact:
        others = [run.read(("attribute", each, name)) for each in below(run, value.owner)]
        every = [each for each in (known, *others) if each is not None]
        known = joined(every) if every else None
    if known is None:
        return None
    return frozenset(
        _bound(run, each, value) if isinstance(each, Function) else each for each in known
    )


def _bound(run: Run, function: Function, value: Class | Instance) -> Function:
    """Give a method its first argument."""
    kind = run.context.program.codes[function.code].kind
    if kind is Kind.CLASS_METHOD:
        return Function(function.code, Class(value.owner, value.is_exact))
    if kind is Kind.PLAIN or isinstance(value, Class):
        return function
    return Function(function.code, value)


def super_of(run: Run) -> Values:
    """Give what `super()` stands for in a method: its object, seen from the classes above."""
    owner, parameters = run.code.owner, run.code.parameters
    if owner is None or not parameters:
        return NOTHING
    found = run.look_up(parameters[0]) or NOTHING
    return frozenset(Super(owner, value) for value in found if isinstance(value, Class | Instance))


def above(run: Run, value: Super, name: str) -> Values:
    """Give an attribute of `super()`."""
    for each in lineage(run, value.owner)[1:]:
        known = run.read(("attribute", each, name))
        if known is not None:
            return frozenset(
                _bound(run, one, value.seen) if isinstance(one, Function) else one for one in known
            )
    return NOTHING
