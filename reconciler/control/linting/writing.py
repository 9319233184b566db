"""Whether a method writes a balance: by its name alone, or by what it is told."""

from collections.abc import Iterator

from reconciler.control.linting.arguments import Arguments
from reconciler.control.linting.running import Run
from reconciler.control.linting.targets import Target
from reconciler.control.linting.values import (
    NOTHING,
    Certainty,
    Collection,
    Document,
    Mapping,
    Method,
    Sequence,
    Text,
    Unknown,
    Value,
    Values,
    texts,
)
from reconciler.control.linting.vocabulary import (
    AGGREGATES,
    COMMANDS,
    DOCUMENT_WRITES,
    PLAIN_WRITES,
    SHARED_WRITES,
)


def note_methods(run: Run, values: Values, line: int) -> None:
    """Note the writing methods among some values; that they are named is enough."""
    methods = [value for value in values if isinstance(value, Method)]
    for method in methods:
        name = _written(run, method)
        if name is not None:
            run.find(line, name, method.name)
    if methods and all(map(_is_undecided, methods)) and len(methods) == len(values):
        run.undecide(line, methods[0].name)


def note_call(run: Run, method: Method, given: Arguments, line: int) -> None:
    """Note what a call of a method writes by what it is told."""
    if isinstance(method.receiver, Text | Sequence | Mapping):
        return
    for target in _told(run, method, given):
        run.find(line, target.collection, target.operation)


def _written(run: Run, method: Method) -> str | None:
    receiver, names = method.receiver, run.context.names
    match receiver:
        case Collection(name=str() as name, certainty=certainty) if name in names:
            is_sure = certainty >= Certainty.LIKELY and method.name in SHARED_WRITES
            return name if is_sure or method.name in PLAIN_WRITES else None
        case Document(collection=name) if name in names and method.name in DOCUMENT_WRITES:
            return name
    return None


def _is_undecided(method: Method) -> bool:
    match method.receiver:
        case Unknown() | Collection(name=None):
            return method.name in PLAIN_WRITES
    return False


def _told(run: Run, method: Method, given: Arguments) -> Iterator[Target]:
    targets, name = run.context.targets, method.name
    found: Iterator[str] = iter(())
    if name in AGGREGATES:
        found = targets.of_pipeline(given.get(0, "pipeline"))
    elif name in COMMANDS:
        yield from targets.of_command(_commands(given))
    elif name == "bulk_write":
        found = targets.of_models(given.get(0, "models") | given.by_name.get("requests", NOTHING))
    elif name == "drop_collection":
        found = targets.of_name(given.get(0, "name_or_collection"))
    elif name in PLAIN_WRITES and isinstance(method.receiver, Unknown):
        # What wraps a database takes the collection's name first; no collection takes a text there.
        first = given.get(0, "collection")
        found = targets.of_name(frozenset(each for each in first if isinstance(each, Text)))
    elif name == "map_reduce":
        found = targets.of_output(given.get(2, "out"))
    elif name == "rename" and _is_collection(method.receiver):
        found = targets.of_name(given.get(0, "new_name"))
    for collection in set(found):
        yield Target(collection, name)


def _is_collection(value: Value) -> bool:
    return isinstance(value, Collection) and value.certainty >= Certainty.LIKELY


def _commands(given: Arguments) -> Values:
    """Give the command documents that `command(...)` would send."""
    command = given.get(0, "command")
    options = tuple((name, each) for name, each in given.by_name.items() if name != "command")
    subject = given.get(1, "value")
    short = [Mapping(((each, subject), *options)) for each in texts(command)]
    long = [Mapping((*each.entries, *options)) for each in command if isinstance(each, Mapping)]
    return frozenset([*short, *long])
