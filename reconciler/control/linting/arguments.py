"""The arguments of a call, and which parameter gets which."""

import ast
from dataclasses import dataclass, field

from reconciler.control.linting.containers import elements, sequence
from reconciler.control.linting.program import Code
from reconciler.control.linting.running import Run
from reconciler.control.linting.values import NOTHING, Mapping, Sequence, Value, Values, joined


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call is given: by place and by name."""

    by_place: tuple[Values, ...] = ()
    by_name: dict[str, Values] = field(default_factory=dict)

    def get(self, place: int, name: str) -> Values:
        """Give the argument of that name, or at that place."""
        if name in self.by_name:
            return self.by_name[name]
        return self.by_place[place] if place < len(self.by_place) else NOTHING

    def after(self, count: int) -> "Arguments":
        """Give them without the first ones."""
        return Arguments(self.by_place[count:], self.by_name)


def evaluated(run: Run, node: ast.Call) -> Arguments:
    """Evaluate the arguments of a call, lists after a star item by item."""
    by_place: list[Values] = []
    for each in node.args:
        if isinstance(each, ast.Starred):
            by_place += starred(run, run.evaluate(each.value))
        else:
            by_place.append(run.evaluate(each))
    by_name: dict[str, Values] = {}
    for keyword in node.keywords:
        values = run.evaluate(keyword.value)
        if keyword.arg is not None:
            by_name[keyword.arg] = values
            continue
        for value in values:
            for name, found in value.entries if isinstance(value, Mapping) else ():
                if name is not None:
                    by_name[name] = by_name.get(name, NOTHING) | found
    return Arguments(tuple(by_place), by_name)


def starred(run: Run, values: Values) -> list[Values]:
    """Give the items of what stands after a star."""
    whole = [value for value in values if isinstance(value, Sequence)]
    if len(whole) == 1 and len(values) == 1:
        return list(whole[0].items)
    every = elements(run, values)
    return [every] if every else []


def parameters_given(code: Code, bound: Value | None, given: Arguments) -> dict[str, Values]:
    """Say which parameters of a function a call sets, and to what."""
    arguments = code.arguments
    if arguments is None:
        return {}
    places = list(given.by_place)
    if bound is not None:
        places.insert(0, frozenset({bound}))
    names = code.parameters
    found = dict(zip(names, places, strict=False))
    if arguments.vararg is not None:
        found[arguments.vararg.arg] = sequence(places[len(names) :])
    known = {*names, *(each.arg for each in arguments.kwonlyargs)}
    found |= {name: values for name, values in given.by_name.items() if name in known}
    if arguments.kwarg is not None:
        rest = [(name, values) for name, values in given.by_name.items() if name not in known]
        found[arguments.kwarg.arg] = frozenset({Mapping(tuple(rest))})
    return found


def defaults_of(code: Code) -> list[tuple[ast.arg, ast.expr]]:
    """Give the parameters that have a default, with it."""
    arguments = code.arguments
    if arguments is None:
        return []
    by_place = [*arguments.posonlyargs, *arguments.args]
    late = by_place[len(by_place) - len(arguments.defaults) :]
    pairs = list(zip(late, arguments.defaults, strict=True))
    by_name = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return pairs + [(name, value) for name, value in by_name if value is not None]


def every_parameter(code: Code) -> list[ast.arg]:
    """Give all parameters of a function, those with a star too."""
    arguments = code.arguments
    if arguments is None:
        return []
    stars = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *stars]


def first_items(values: Values) -> Arguments:
    """Take `args=(...)` of a thread for the arguments of what it runs."""
    whole = [value.items for value in values if isinstance(value, Sequence)]
    length = max(map(len, whole), default=0)
    return Arguments(
        tuple(
            joined(items[place] for items in whole if place < len(items)) for place in range(length)
        )
    )
