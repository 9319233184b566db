"""What an expression may be, as far as reading the code can tell.

An expression has a set of such values, for code takes branches; the empty set says that nothing is
known. All are frozen, so that they can be compared, collected and remembered.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Certainty(IntEnum):
    """How sure it is that something is a collection at all.

    GUESSED: it is called like one of the balances, on something unknown. LIKELY: what it was taken
    from is called like a database. KNOWN: it was followed from a client or a type of the driver.
    """

    GUESSED = 0
    LIKELY = 1
    KNOWN = 2


@dataclass(frozen=True, slots=True)
class Text:
    """A literal text."""

    value: str


@dataclass(frozen=True, slots=True)
class Client:
    """A MongoDB client."""

    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Database:
    """A database; its own name where it is known."""

    certainty: Certainty
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection; `name` is None where only that much is known."""

    name: str | None
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Document:
    """A query of an object mapper, or what it found: its methods may write the collection."""

    collection: str


@dataclass(frozen=True, slots=True)
class WriteModel:
    """`UpdateOne(..., namespace="db.wallets")` and its like: the namespaces it may have."""

    namespaces: "Values"


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the code that is read; `bound` is its first argument, if it has one already."""

    code: int
    bound: "Value | None" = None


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the code that is read; not exact: or any class below it."""

    owner: int
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of such a class."""

    owner: int
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class Super:
    """A class or an object as seen from above a class: `super()`."""

    owner: int
    seen: "Class | Instance"


@dataclass(frozen=True, slots=True)
class ModuleRef:
    """A module of the code that is read."""

    index: int


@dataclass(frozen=True, slots=True)
class Imported:
    """Something of code that is not read, by its dotted name."""

    dotted: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list, tuple or set, element by element."""

    items: tuple["Values", ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A dict in its order; a key that is not known is None."""

    entries: tuple[tuple[str | None, "Values"], ...]


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something that is known to be neither a database nor a collection."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """What a method belongs to of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method of one of the above, not yet called."""

    receiver: "Value"
    name: str


@dataclass(frozen=True, slots=True)
class Partial:
    """`functools.partial`: a callable with its first arguments."""

    callee: "Value"
    arguments: tuple["Values", ...]
    keywords: tuple[tuple[str, "Values"], ...]


Value = (
    Text
    | Client
    | Database
    | Collection
    | Document
    | WriteModel
    | Function
    | Class
    | Instance
    | Super
    | ModuleRef
    | Imported
    | Sequence
    | Mapping
    | Foreign
    | Unknown
    | Method
    | Partial
)
Values = frozenset[Value]

NOTHING: Values = frozenset()
# Stands for every text, in what is said beyond one body, that has to do with no balance.
OTHER = Text("\0other")
FOREIGN: Values = frozenset({Foreign()})
VALUES_MAX = 256
ITEMS_MAX = 512
# What is longer is no name of anything.
NAME_LENGTH_MAX = 160


def joined(parts: Iterable[Values]) -> Values:
    """Put sets of values together; past the limit lists and dicts are dropped first."""
    together = NOTHING.union(*parts)
    if len(together) <= VALUES_MAX:
        return together
    flat = [each for each in together if not isinstance(each, Sequence | Mapping)]
    return frozenset(sorted(flat, key=repr)[:VALUES_MAX])


def texts(values: Values) -> list[str]:
    """Give the literal texts among them, in order."""
    return sorted(value.value for value in values if isinstance(value, Text))


def names_in(values: Values) -> list[str | None]:
    """Give the literal texts among them; without any, None for a name that is not known."""
    found: list[str | None] = [*texts(values)]
    return found or [None]


def is_unknown(values: Values) -> bool:
    """Whether they say nothing but where something was imported from."""
    return all(
        isinstance(value, Imported | Unknown)
        or (isinstance(value, Method) and isinstance(value.receiver, Unknown))
        for value in values
    )
