"""What is known of names beyond one body, who said so, and who must look again when it changes.

A body says something of a parameter, an attribute, a global name or what it returns. When it is run
again it says everything anew: what it no longer says is forgotten.
"""

from collections import defaultdict
from collections.abc import Mapping

from reconciler.control.linting.values import Values, joined

# What of (`global`, `local`, `attribute`, `parameter`, `return`, `bases`, `below`), whose, which.
Key = tuple[str, int, str]


class Facts:
    """All facts of a program."""

    def __init__(self) -> None:
        self._said: dict[Key, dict[int, Values]] = defaultdict(dict)
        self._joined: dict[Key, Values] = {}
        self._readers: dict[Key, set[int]] = defaultdict(set)
        self._keys_of: dict[int, set[Key]] = defaultdict(set)
        self._stamps: dict[Key, int] = {}
        self.stamp = 0

    def read(self, key: Key, reader: int) -> Values | None:
        """Give what is known, None where nobody said anything; the reader is remembered."""
        self._readers[key].add(reader)
        return self._joined.get(key)

    def is_older(self, keys: set[Key], stamp: int) -> bool:
        """Whether none of these changed after a stamp was taken."""
        return all(self._stamps.get(key, 0) <= stamp for key in keys)

    def replace(self, writer: int, said: Mapping[Key, Values]) -> set[int]:
        """Take everything that a body says in place of what it said; give who must look again."""
        again: set[int] = set()
        for key in self._keys_of[writer] | said.keys():
            by_writer = self._said[key]
            if key in said:
                by_writer[writer] = said[key]
            else:
                by_writer.pop(writer, None)
            known = joined(by_writer.values()) if by_writer else None
            if known == self._joined.get(key):
                continue
            if known is None:
                del self._joined[key]
            else:
                self._joined[key] = known
            self.stamp += 1
            self._stamps[key] = self.stamp
            again |= self._readers[key]
        self._keys_of[writer] = set(said)
        return again
