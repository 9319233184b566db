"""Which balance collections a pipeline, a command document or a list of write models writes."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.control.linting.naming import BalanceNames
from reconciler.control.linting.values import (
    NOTHING,
    Collection,
    Mapping,
    Sequence,
    Text,
    Value,
    Values,
    WriteModel,
    texts,
)
from reconciler.control.linting.vocabulary import WRITE_COMMANDS

DEPTH_MAX = 8


@dataclass(frozen=True, slots=True)
class Target:
    """A balance collection that is written, and the word for how."""

    collection: str
    operation: str


class Targets:
    """Reads what the database would be told to do."""

    def __init__(self, names: BalanceNames) -> None:
        self._names = names

    def of_name(self, values: Values) -> Iterator[str]:
        """Give the balance collections that a name, or a collection in its place, may mean."""
        for value in values:
            if isinstance(value, Text) and value.value in self._names:
                yield value.value
            elif isinstance(value, Collection) and value.name in self._names:
                assert value.name is not None
                yield value.name

    def of_namespace(self, values: Values) -> Iterator[str]:
        """Give those that `database.collection` may mean."""
        for each in texts(values):
            name = self._names.of_namespace(each)
            if name is not None:
                yield name

    def of_pipeline(self, values: Values, depth: int = 0) -> Iterator[str]:
        """Give those into which a pipeline writes by `$out` or `$merge`."""
        for value in values:
            match value:
                case Sequence(items=items) if depth < DEPTH_MAX:
                    for item in items:
                        yield from self.of_pipeline(item, depth + 1)
                case Mapping(entries=entries):
                    for key, stage in entries:
                        if key in {"$out", "$merge"}:
                            yield from self._of_stage(stage)

    def of_models(self, values: Values) -> Iterator[str]:
        """Give those that a list of write models names by their namespaces."""
        for value in values:
            match value:
                case Sequence(items=items):
                    for item in items:
                        yield from self.of_models(item)
                case WriteModel(namespaces=namespaces):
                    yield from self.of_namespace(namespaces)

    def of_output(self, values: Values) -> Iterator[str]:
        """Give those into which a map-reduce writes."""
        yield from self.of_name(values)
        for value in values:
            for key, found in value.entries if isinstance(value, Mapping) else ():
                if key in {"replace", "merge", "reduce"}:
                    yield from self.of_name(found)

    def of_command(self, values: Values) -> Iterator[Target]:
        """Give what command documents write; their first key is the command."""
        for value in values:
            if isinstance(value, Mapping) and value.entries:
                yield from self._of_document(value)

    def _of_document(self, document: Mapping) -> Iterator[Target]:
        command, subject = document.entries[0]
        if command is None:
            return
        for name in sorted(set(self._written(command, subject, document))):
            yield Target(name, command)

    def _written(self, command: str, subject: Values, document: Mapping) -> Iterator[str]:
        match command:
            case _ if command in WRITE_COMMANDS:
                yield from self.of_name(subject)
            case "renameCollection":
                yield from self.of_namespace(subject)
                yield from self.of_namespace(_entry(document, "to"))
            case "aggregate":
                yield from self.of_pipeline(_entry(document, "pipeline"))
            case "mapReduce" | "mapreduce":
                yield from self.of_output(_entry(document, "out"))
            case "cloneCollectionAsCapped":
                yield from self.of_name(_entry(document, "toCollection"))
            case "bulkWrite":
                yield from self._of_namespaces(_entry(document, "nsInfo"))
            case "applyOps":
                yield from self._of_namespaces(subject)

    def _of_namespaces(self, values: Values) -> Iterator[str]:
        for value in values:
            for item in value.items if isinstance(value, Sequence) else ():
                for each in item:
                    if isinstance(each, Mapping) and _entry(each, "op") != _NOOP:
                        yield from self.of_namespace(_entry(each, "ns"))

    def _of_stage(self, stage: Values) -> Iterator[str]:
        yield from self.of_name(stage)
        for value in stage:
            yield from self._of_place(value)

    def _of_place(self, value: Value) -> Iterator[str]:
        for key, found in value.entries if isinstance(value, Mapping) else ():
            if key == "into":
                yield from self._of_stage(found)
            elif key == "coll":
                yield from self.of_name(found)


_NOOP: Values = frozenset({Text("n")})


def _entry(document: Mapping, key: str) -> Values:
    return NOTHING.union(*(values for name, values in document.entries if name == key))
