"""Classes of object mappers (Beanie, MongoEngine, PyMODM): whose collection they write."""

from collections.abc import Iterator

from reconciler.control.linting.classes import (
    attribute_of,
    bases_of,
    inherited,
    lineage,
    outer_bases,
)
from reconciler.control.linting.naming import snake_case
from reconciler.control.linting.running import Run
from reconciler.control.linting.values import (
    FOREIGN,
    NOTHING,
    Certainty,
    Class,
    Collection,
    Document,
    Instance,
    Mapping,
    Method,
    Value,
    Values,
    texts,
)
from reconciler.control.linting.vocabulary import (
    AGGREGATES,
    DOCUMENT_CHAIN,
    DOCUMENT_COLLECTIONS,
    DOCUMENT_WRITES,
    FOREIGN_PACKAGES,
    MAPPER_PACKAGES,
)

# Where mappers look for a collection's name: a nested class, and what it is called in there.
_NESTED = (
    ("Settings", ("name",)),
    ("Collection", ("name",)),
    ("Meta", ("collection_name", "collection")),
    ("Config", ("collection",)),
)
_TABLES = ("meta", "model_config", "_meta")
_ROOTS = frozenset(
    [
        "Document",
        "DynamicDocument",
        "EmbeddedDocument",
        "Model",
        "MongoModel",
        "DocumentWithSoftDelete",
    ]
)
# Of these, a class without further words has a collection named after itself.
_NAMED_BY_CLASS = frozenset({"beanie", "bunnet"})


def document_collections(run: Run, owner: int) -> list[str]:
    """Give the collections that a class of an object mapper may be stored in; none for others."""
    if not any(True for each in lineage(run, owner) for _ in bases_of(run, each)):
        return []
    outer = outer_bases(run, owner)
    roots = {dotted.partition(".")[0] for dotted in outer}
    if roots and roots <= FOREIGN_PACKAGES | {"pydantic", "pydantic_settings", "builtins", "enum"}:
        return []
    named = sorted({name for name in _named(run, owner) if name})
    return named or _by_convention(run, owner, outer)


def is_of_engine(run: Run, owner: int) -> bool:
    """Whether objects of a class are written by handing them to an engine."""
    return any(dotted.startswith("odmantic.") for dotted in outer_bases(run, owner))


def _named(run: Run, owner: int) -> Iterator[str]:
    for nested, keys in _NESTED:
        for value in inherited(run, owner, nested) or NOTHING:
            if isinstance(value, Class):
                for key in keys:
                    yield from texts(attribute_of(run, value, key) or NOTHING)
    for table in _TABLES:
        for value in inherited(run, owner, table) or NOTHING:
            if isinstance(value, Mapping):
                for entry, values in value.entries:
                    if entry == "collection":
                        yield from texts(values)
    yield from texts(inherited(run, owner, "__collection__") or NOTHING)


def _by_convention(run: Run, owner: int, outer: list[str]) -> list[str]:
    name = run.context.program.classes[owner].qualname.rpartition(".")[2]
    for dotted in outer:
        package, _, last = dotted.partition(".")
        if package in MAPPER_PACKAGES and last.rpartition(".")[2] in _ROOTS:
            return [name if package in _NAMED_BY_CLASS else snake_case(name)]
    return []


def class_member(run: Run, value: Class | Instance, attr: str) -> Values | None:
    """Give an attribute of a class of ours or of an object of it; None where it has none."""
    own = attribute_of(run, value, attr)
    if own is not None:
        return own
    collections = document_collections(run, value.owner)
    if collections:
        return frozenset().union(*(document_member(value, each, attr) for each in collections))
    return None


def document_member(value: Value, collection: str, attr: str) -> Values:
    """Give an attribute of a document, of a query for them, or of their class."""
    if attr in DOCUMENT_COLLECTIONS:
        return frozenset({Method(Collection(collection, Certainty.KNOWN), "get_collection")})
    if attr in DOCUMENT_WRITES or attr in AGGREGATES:
        return frozenset({Method(Document(collection), attr)})
    if attr == "objects":
        return frozenset({Document(collection)})
    if attr in DOCUMENT_CHAIN:
        return frozenset({Method(Document(collection), attr)})
    return FOREIGN if isinstance(value, Document) else NOTHING
