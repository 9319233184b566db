"""Keeps what is said beyond one body small: recursive code could build values without end."""

from functools import lru_cache

from reconciler.control.linting.naming import BalanceNames
from reconciler.control.linting.values import (
    NOTHING,
    OTHER,
    Collection,
    Database,
    Document,
    Foreign,
    Imported,
    Mapping,
    Method,
    Sequence,
    Text,
    Value,
    Values,
    WriteModel,
    joined,
)
from reconciler.control.linting.vocabulary import (
    OPENERS,
    PLAIN_WRITES,
    SHARED_WRITES,
    TOLD_BY_ARGUMENTS,
    WRITE_COMMANDS,
)

LEVELS_MAX = 5
CONTAINERS_MAX = 8
_REMEMBERED = 20_000
_WORDS = (
    PLAIN_WRITES
    | SHARED_WRITES
    | TOLD_BY_ARGUMENTS
    | OPENERS
    | WRITE_COMMANDS
    | {"renameCollection", "aggregate", "mapReduce", "bulkWrite", "applyOps"}
)


class Settling:
    """Cuts values down, and keeps whatever names a balance collection."""

    def __init__(self, names: BalanceNames) -> None:
        self._names = names
        self._settled = lru_cache(maxsize=_REMEMBERED)(self._cut)
        self.is_about_balances = lru_cache(maxsize=_REMEMBERED)(self._is_about_balances)

    def settled(self, values: Values) -> Values:
        """Give the values, nested and many only so far."""
        return self._settled(values, LEVELS_MAX) if values else values

    def _cut(self, values: Values, levels: int) -> Values:
        lists = [each for each in values if isinstance(each, Sequence)]
        dicts = [each for each in values if isinstance(each, Mapping)]
        kept = set(map(self._plain, values.difference(lists, dicts)))
        if levels > 0:
            for each in (*self._lists(lists, levels), *self._dicts(dicts, levels)):
                kept.add(each if self._is_worth_keeping(each) else Foreign())
        return frozenset(kept)

    def _plain(self, value: Value) -> Value:
        """Give one value for all that have to do with no balance, texts and collections."""
        match value:
            case Text(value=text):
                return value if self._can_matter(text) else OTHER
            case Collection(name=str() as name) if name not in self._names:
                return Collection(OTHER.value, value.certainty)
            case Database(name=str() as name) if name not in self._names:
                return Database(value.certainty)
        return value

    def _can_matter(self, text: str) -> bool:
        """Whether it names a balance, or could be a part of such a name, a method or a command."""
        return (
            self.is_about_balances(Text(text))
            or text in _WORDS
            or "%s" in text
            or "{" in text
            or (len(text) > 1 and self._names.have_part(text))
        )

    def _is_worth_keeping(self, value: Value) -> bool:
        """Whether a list or a dict holds anything that can lead to a write, or can be filled."""
        match value:
            case Sequence(items=items):
                flat = not any(isinstance(each, Sequence | Mapping) for i in items for each in i)
                return flat or any(self._is_worth_keeping(each) for i in items for each in i)
            case Mapping(entries=entries):
                return not entries or any(
                    self._is_worth_keeping(each) for _, item in entries for each in item
                )
        return value != OTHER and not isinstance(value, Foreign | Imported)

    def _lists(self, lists: list[Sequence], levels: int) -> list[Value]:
        if len(lists) > CONTAINERS_MAX:
            lists = [Sequence((joined(item for each in lists for item in each.items),))]
        return [
            Sequence(tuple(self._settled(item, levels - 1) for item in each.items))
            for each in lists
        ]

    def _dicts(self, dicts: list[Mapping], levels: int) -> list[Value]:
        if len(dicts) > CONTAINERS_MAX:
            whole: dict[str | None, Values] = {}
            for each in sorted(dicts, key=lambda one: [key or "" for key, _ in one.entries]):
                for key, values in each.entries:
                    whole[key] = joined([whole.get(key, NOTHING), values])
            dicts = [Mapping(tuple(whole.items()))]
        return [
            Mapping(tuple((key, self._settled(item, levels - 1)) for key, item in each.entries))
            for each in dicts
        ]

    def _is_about_balances(self, value: Value, levels: int = LEVELS_MAX) -> bool:
        """Whether a balance collection, or the name of one, is in a value."""
        match value:
            case Collection(name=name) | Document(collection=name):
                return name in self._names
            case Text(value=text):
                return text in self._names or self._names.of_namespace(text) is not None
            case Method(receiver=receiver) if levels > 0:
                return self.is_about_balances(receiver, levels - 1)
            case WriteModel(namespaces=inner):
                return self._is_any((inner,), levels)
            case Sequence(items=items):
                return self._is_any(items, levels)
            case Mapping(entries=entries):
                return self._is_any(tuple(item for _, item in entries), levels)
        return False

    def _is_any(self, parts: tuple[Values, ...], levels: int) -> bool:
        return levels > 0 and any(
            self.is_about_balances(value, levels - 1) for part in parts for value in part
        )
