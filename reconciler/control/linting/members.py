"""Attributes and items: how a database, a collection and a method of one are reached."""

from reconciler.control.linting.classes import above, attribute_of
from reconciler.control.linting.containers import item
from reconciler.control.linting.documents import class_member, document_member
from reconciler.control.linting.program import Kind
from reconciler.control.linting.running import Run
from reconciler.control.linting.values import (
    FOREIGN,
    NOTHING,
    OTHER,
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
    ModuleRef,
    Sequence,
    Super,
    Text,
    Unknown,
    Value,
    Values,
    is_unknown,
    joined,
    texts,
)
from reconciler.control.linting.vocabulary import (
    AGGREGATES,
    CLIENT_METHODS,
    COLLECTION_READS,
    COMMANDS,
    DATABASE_METHODS,
    DRIVER_TYPES,
    FOREIGN_PACKAGES,
    OPENERS,
    PLAIN_WRITES,
    SHARED_WRITES,
    TOLD_BY_ARGUMENTS,
)

_OF_COLLECTION = PLAIN_WRITES | SHARED_WRITES | COLLECTION_READS | AGGREGATES | OPENERS
_OF_DATABASE = (
    DATABASE_METHODS | COMMANDS | AGGREGATES | OPENERS | {"drop_collection", "bulk_write"}
)
_OF_UNKNOWN = PLAIN_WRITES | TOLD_BY_ARGUMENTS | OPENERS
_CLIENTS = frozenset({"client", "_client", "cx"})


def attribute(run: Run, bases: Values, name: str) -> Values:
    """Say what `base.name` may be; where nothing is known, what it is called like."""
    found = joined(_member(run, value, name) for value in bases)
    if not is_unknown(found):
        return found
    if bases and all(map(_is_other, bases)):
        return found
    if name in _OF_UNKNOWN:
        return frozenset({Method(Unknown(), name)})
    return (NOTHING if name in DRIVER_TYPES else run.context.names.guess(name)) or found


def subscript(run: Run, bases: Values, keys: Values, position: int | None) -> Values:
    """Say what `base[key]` may be."""
    found = joined(_item(run, value, keys, position) for value in bases)
    if not is_unknown(found) or any(isinstance(value, Sequence) for value in bases):
        return found
    # Also a dict of collections that nobody was seen to fill.
    guesses = [
        guess
        for key in texts(keys)
        for guess in run.context.names.guess(key)
        if isinstance(guess, Collection) and guess.name == key
    ]
    return frozenset(guesses) or found


def _member(run: Run, value: Value, name: str) -> Values:
    if isinstance(value, Client | Database | Collection | Document):
        return _of_driver(run, value, name)
    return _of_python(run, value, name)


def _of_driver(run: Run, value: Client | Database | Collection | Document, name: str) -> Values:
    match value:
        case Client():
            return _of_client(value, name)
        case Database():
            return _of_database(run, value, name)
        case Collection():
            return _of_collection(run, value, name)
    return document_member(value, value.collection, name)


def _of_python(run: Run, value: Value, name: str) -> Values:
    match value:
        case Class() | Instance():
            return _of_class(run, value, name)
        case Super():
            return above(run, value, name)
        case ModuleRef(index=index):
            return _of_module(run, index, name)
        case Imported(dotted=dotted):
            return _of_import(run, dotted, name)
        case Foreign():
            return FOREIGN
        case Text() if name in {"value", "_value_"}:
            return frozenset({value})
        case Sequence() | Mapping() | Text():
            return frozenset({Method(value, name)})
    return NOTHING


def _of_client(client: Client, name: str) -> Values:
    if name in CLIENT_METHODS or name in OPENERS or name == "bulk_write":
        return frozenset({Method(client, name)})
    return frozenset({Database(client.certainty, name)})


def _of_database(run: Run, database: Database, name: str) -> Values:
    names = run.context.names
    if name in _OF_DATABASE:
        return frozenset({Method(database, name)})
    if name in PLAIN_WRITES:
        # No database has that: it is something else, called like a balance or unknown.
        is_balance = database.name in names
        receiver = Collection(database.name, Certainty.GUESSED) if is_balance else Unknown()
        return frozenset({Method(receiver, name)})
    if name in _CLIENTS:
        return frozenset({Client(database.certainty)})
    guessed = names.guess(name) if database.certainty < Certainty.KNOWN else NOTHING
    if any(isinstance(guess, Database | Client) for guess in guessed):
        return guessed
    if name in names:
        return frozenset({Collection(name, database.certainty)})
    return guessed or frozenset({Collection(name, database.certainty)})


def _of_collection(run: Run, collection: Collection, name: str) -> Values:
    if name in _OF_COLLECTION or name == "map_reduce":
        return frozenset({Method(collection, name)})
    if name in {"database", "_database"}:
        return frozenset({Database(Certainty.KNOWN)})
    if name == "delegate":
        return frozenset({collection})
    if name == "name" and collection.name is not None:
        return frozenset({Text(collection.name)})
    if collection.certainty < Certainty.KNOWN and name in run.context.names:
        # What was taken for a collection may be an object that holds the collections.
        return frozenset({Collection(name, Certainty.GUESSED)})
    below = None if collection.name is None else f"{collection.name}.{name}"
    return frozenset({Collection(below, collection.certainty)})


def _of_class(run: Run, value: Class | Instance, name: str) -> Values:
    found = class_member(run, value, name)
    if found is not None:
        return joined(_read_property(run, each) for each in found)
    if isinstance(value, Instance):
        return _by_method(run, value, "__getattr__", frozenset({Text(name)}))
    return NOTHING


def _read_property(run: Run, value: Value) -> Values:
    if isinstance(value, Function) and run.context.code(value).kind is Kind.PROPERTY:
        return run.context.call(run, value, ())
    return frozenset({value})


def _by_method(run: Run, value: Instance, method: str, argument: Values) -> Values:
    return joined(
        run.context.call(run, function, (argument,))
        for function in attribute_of(run, value, method) or NOTHING
        if isinstance(function, Function)
    )


def _of_module(run: Run, index: int, name: str) -> Values:
    known = run.read(("global", index, name))
    if known is not None:
        return known
    module = run.context.program.codes[index].module
    below = run.context.program.find_module(".".join((*module.parts, name)), module)
    return NOTHING if below is None else frozenset({ModuleRef(below.index)})


def _of_import(run: Run, dotted: str, name: str) -> Values:
    whole = f"{dotted}.{name}"
    module = run.context.program.find_module(whole, run.code.module)
    if module is not None:
        return frozenset({ModuleRef(module.index)})
    return frozenset({Imported(whole)})


def _is_other(value: Value) -> bool:
    return isinstance(value, Foreign | Sequence | Mapping | Text) or is_foreign(value)


def is_foreign(value: Value) -> bool:
    """Whether it comes from a package that has nothing to do with MongoDB.

    The settings of Django hold whatever a project puts there, a database too.
    """
    if not isinstance(value, Imported) or value.dotted.startswith("django.conf."):
        return False
    return value.dotted.partition(".")[0] in FOREIGN_PACKAGES


def _item(run: Run, value: Value, keys: Values, position: int | None) -> Values:
    match value:
        case Client() | Database():
            named: list[str | None] = [*_names_in(keys)]
            if isinstance(value, Client):
                return frozenset({Database(value.certainty, name) for name in named or [None]})
            return frozenset({Collection(name, value.certainty) for name in named or [None]})
        case Collection(name=str() as above):
            return frozenset(
                Collection(f"{above}.{name}", value.certainty) for name in _names_in(keys)
            )
        case Instance():
            return _by_method(run, value, "__getitem__", keys)
        case Class():
            return joined(attribute_of(run, value, name) or NOTHING for name in texts(keys))
        case Foreign():
            return NOTHING
        case Mapping() if texts(keys) and OTHER not in keys:
            return joined(item(frozenset({value}), key) for key in texts(keys))
    return item(frozenset({value}), position)


def _names_in(keys: Values) -> list[str]:
    """Give the names that a key may be; a name that is only called like a balance counts."""
    called = [
        key.name
        for key in keys
        if isinstance(key, Collection) and key.certainty is Certainty.GUESSED and key.name
    ]
    return texts(keys) or sorted(called)
