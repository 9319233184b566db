"""Whether the collections that a scan reads are there, and the same to its end."""

from collections.abc import Hashable, Iterator, Mapping, Sequence


def missing_of(names: Sequence[str], there: Mapping[str, Hashable]) -> Iterator[str]:
    """Say of each mapped collection if it does not exist or holds nothing of its own."""
    for name in names:
        if name not in there:
            yield (
                f"the collection {name} does not exist, so that nothing was compared: check "
                "mongo.database and the mapping of the collections"
            )
        elif there[name] is None:
            yield f"{name} is a view, which has no copy of its own"


def changed_of(before: Mapping[str, Hashable], after: Mapping[str, Hashable]) -> Iterator[str]:
    """Say of each collection if it is no longer the one that was read: it read as empty."""
    for name in before:
        if after.get(name) != before[name]:
            yield f"the collection {name} was dropped, renamed or made anew during the scan"
