"""What is inside of lists, dicts and other things that can be gone through."""

from collections.abc import Iterable, Iterator

from reconciler.control.linting.running import Run
from reconciler.control.linting.values import (
    ITEMS_MAX,
    NAME_LENGTH_MAX,
    NOTHING,
    Class,
    Document,
    Mapping,
    Sequence,
    Text,
    Value,
    Values,
    joined,
    texts,
)


def text(value: str | None) -> Values:
    """Give a literal text as values; nothing for None, and for what is too long to be a name."""
    if value is None or len(value) > NAME_LENGTH_MAX:
        return NOTHING
    return frozenset({Text(value)})


def elements(run: Run, values: Values) -> Values:
    """Say what a loop over such a thing meets."""
    return joined(_elements_of(run, value) for value in values)


def _elements_of(run: Run, value: Value) -> Values:
    match value:
        case Sequence(items=items):
            return joined(items)
        case Mapping(entries=entries):
            return joined(text(key) for key, _ in entries)
        case Document():
            return frozenset({value})
        case Class(owner=owner):
            return _members_of(run, owner)
    return NOTHING


def _members_of(run: Run, owner: int) -> Values:
    """Give the members of an enumeration."""
    return joined(run.read(("attribute", owner, name)) or NOTHING for name in fields_of(run, owner))


def fields_of(run: Run, owner: int) -> list[str]:
    """Give the names that a class itself binds to anything but functions, in order."""
    order = run.read(("members", owner, "")) or NOTHING
    return [
        name
        for value in order
        if isinstance(value, Sequence)
        for each in value.items
        for name in texts(each)
    ]


def item(values: Values, key: str | int | None) -> Values:
    """Say what stands in a container at a key, at a position, or anywhere (None)."""
    return joined(_item_of(value, key) for value in values)


def _item_of(value: Value, key: str | int | None) -> Values:
    match value:
        case Sequence(items=items):
            if isinstance(key, int) and -len(items) <= key < len(items):
                return items[key]
            return joined(items)
        case Mapping(entries=entries):
            return joined(
                found for name, found in entries if key is None or name is None or name == key
            )
        case Document():
            return frozenset({value})
    return NOTHING


def unpacked(run: Run, values: Values, count: int, star: int | None) -> list[Values]:
    """Give to each of several targets what an assignment gives to it."""
    whole = [value for value in values if isinstance(value, Sequence)]
    if star is None and whole and all(len(value.items) == count for value in whole):
        return [joined(value.items[place] for value in whole) for place in range(count)]
    every = elements(run, values)
    spread = [every] * count
    if star is not None:
        spread[star] = frozenset({Sequence((every,))}) if every else NOTHING
        for place in range(star):
            spread[place] = joined(
                value.items[place : place + 1][0] for value in whole if len(value.items) > place
            )
    return spread


def sequence(items: Iterable[Values]) -> Values:
    """Make a list of items; past the limit the last ones are put together."""
    every = tuple(items)
    if len(every) > ITEMS_MAX:
        every = (*every[: ITEMS_MAX - 1], joined(every[ITEMS_MAX - 1 :]))
    return frozenset({Sequence(every)})


def appended(value: Sequence, more: Iterable[Values]) -> Value:
    """Put items at the end; one that stands there already is not put there again."""
    fresh = [each for each in more if each and each not in value.items]
    if not fresh or len(value.items) >= ITEMS_MAX:
        return value
    return Sequence((*value.items, *fresh))


def with_entry(value: Mapping, key: str | None, values: Values) -> Value:
    """Set an entry of a dict; under an unknown key beside what there is."""
    if key is not None and any(name == key for name, _ in value.entries):
        return Mapping(tuple((name, values if name == key else old) for name, old in value.entries))
    if len(value.entries) >= ITEMS_MAX or (key, values) in value.entries:
        return value
    return Mapping((*value.entries, (key, values)))


def merged(mappings: Iterable[Mapping]) -> Mapping:
    """Lay dicts over each other."""
    whole: Value = Mapping(())
    for mapping in mappings:
        for key, values in mapping.entries:
            assert isinstance(whole, Mapping)
            whole = with_entry(whole, key, values)
    assert isinstance(whole, Mapping)
    return whole


def pairs(value: Mapping) -> Iterator[Values]:
    """Give the entries of a dict as pairs."""
    for key, values in value.entries:
        yield sequence((text(key), values))


def mapping_from_pairs(run: Run, values: Values) -> Mapping:
    """Make a dict of a list of pairs."""
    entries: list[tuple[str | None, Values]] = []
    for value in values:
        for pair in value.items if isinstance(value, Sequence) else ():
            parts = unpacked(run, pair, 2, None)
            entries += [(name, parts[1]) for name in texts(parts[0])] or [(None, parts[1])]
    return Mapping(tuple(entries[:ITEMS_MAX]))
