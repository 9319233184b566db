"""Functions and types of Python, of the driver and of other packages."""

from collections.abc import Callable

from reconciler.control.linting.arguments import Arguments
from reconciler.control.linting.containers import (
    elements,
    mapping_from_pairs,
    merged,
    sequence,
)
from reconciler.control.linting.running import Run
from reconciler.control.linting.values import (
    FOREIGN,
    NOTHING,
    Certainty,
    Client,
    Collection,
    Database,
    Imported,
    Mapping,
    Partial,
    Sequence,
    Text,
    Values,
    WriteModel,
    joined,
    names_in,
)
from reconciler.control.linting.vocabulary import (
    CLIENT_TYPES,
    COLLECTION_TYPES,
    CONTAINER_TYPES,
    DATABASE_TYPES,
    DRIVER_PACKAGES,
    FOREIGN_PACKAGES,
    WRITE_MODELS,
)


def call_imported(run: Run, dotted: str, given: Arguments) -> Values:
    """Say what a call of something that is not read gives."""
    package, last = dotted.partition(".")[0], dotted.rpartition(".")[2]
    if last in CLIENT_TYPES and package not in FOREIGN_PACKAGES:
        return frozenset({Client(Certainty.KNOWN)})
    if package in DRIVER_PACKAGES and last in DATABASE_TYPES:
        return frozenset({Database(Certainty.KNOWN)})
    if package in DRIVER_PACKAGES and last in COLLECTION_TYPES:
        named = names_in(given.get(1, "name"))
        return frozenset(Collection(name, Certainty.KNOWN) for name in named)
    if last in WRITE_MODELS:
        return frozenset({WriteModel(given.by_name.get("namespace", NOTHING))})
    known = _KNOWN.get(last)
    if known is not None:
        return known(run, given)
    return FOREIGN if package in FOREIGN_PACKAGES or last in CONTAINER_TYPES else NOTHING


def _same(_run: Run, given: Arguments) -> Values:
    return given.get(0, "")


def _as_list(run: Run, given: Arguments) -> Values:
    whole = given.get(0, "")
    if whole and all(isinstance(each, Sequence) for each in whole):
        return whole
    every = elements(run, whole)
    return sequence([every] if every else [])


def _as_dict(run: Run, given: Arguments) -> Values:
    first = given.get(0, "")
    named = Mapping(tuple(given.by_name.items()))
    copied = [each for each in first if isinstance(each, Mapping)]
    pairs = mapping_from_pairs(run, first)
    return frozenset({merged([*copied, pairs, named])})


def _enumerate(run: Run, given: Arguments) -> Values:
    return sequence([sequence([NOTHING, elements(run, given.get(0, ""))])])


def _zip(run: Run, given: Arguments) -> Values:
    return sequence([sequence(elements(run, each) for each in given.by_place)])


def _chain(run: Run, given: Arguments) -> Values:
    return sequence(elements(run, each) for each in given.by_place)


def _next(run: Run, given: Arguments) -> Values:
    return elements(run, given.get(0, ""))


def _second(_run: Run, given: Arguments) -> Values:
    return given.get(1, "")


def _partial(_run: Run, given: Arguments) -> Values:
    rest = given.after(1)
    return frozenset(
        Partial(each, rest.by_place, tuple(rest.by_name.items())) for each in given.get(0, "func")
    )


def _declared(_run: Run, given: Arguments) -> Values:
    """Give the default of a field; it is what the field holds unless somebody sets it."""
    return frozenset(each for each in given.get(0, "default") if isinstance(each, Text))


def _types(_run: Run, _given: Arguments) -> Values:
    return frozenset({Imported("builtins.type()")})


def _gather(_run: Run, given: Arguments) -> Values:
    return joined(given.by_place)


_KNOWN: dict[str, Callable[[Run, Arguments], Values]] = {
    **dict.fromkeys(("str", "deepcopy", "copy", "nullcontext", "wait_for", "shield"), _same),
    **dict.fromkeys(("list", "tuple", "set", "frozenset", "sorted", "reversed", "iter"), _as_list),
    **dict.fromkeys(("dict", "SON", "OrderedDict"), _as_dict),
    "enumerate": _enumerate,
    "zip": _zip,
    "chain": _chain,
    "next": _next,
    "filter": _second,
    "cast": _second,
    "partial": _partial,
    "Field": _declared,
    "field": _declared,
    "type": _types,
    "MappingProxyType": _same,
}
