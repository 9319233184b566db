"""What a name alone lets one guess: a database, a client, or one of the balance collections."""

import re
from collections.abc import Collection as Names
from functools import lru_cache

from reconciler.control.linting.values import (
    NOTHING,
    Certainty,
    Client,
    Collection,
    Database,
    Values,
)

_DATABASE = re.compile(
    r"_*((get|open|connect|async|motor|mongo|mongodb|my|app|main|exchange|the)_)*"
    r"(db|mdb|database|mongo|mongodb|motor)(_?(name|conn|connection|handle))?_*"
)
_CLIENT = re.compile(r"_*(get_)?(async_)?(mongo|motor|mongodb|pymongo)_?(client|cx)_*")
_WEAK_CLIENT = re.compile(r"_*(get_)?(client|cx)_*")
_AROUND = re.compile(
    r"^_*((get|mongo|db|col|coll|collection)_)*|(_(collection|coll|col|name|table|cname))*_*$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class BalanceNames:
    """The names of the balance collections, and what is called like one of them."""

    def __init__(self, names: Names[str]) -> None:
        self._names = frozenset(names)
        self._by_folded = {snake_case(name): name for name in sorted(names)}
        self.guess = lru_cache(maxsize=4096)(self._guess)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def have_part(self, text: str) -> bool:
        """Whether a text is a part of one of the names."""
        return any(text in name for name in self._names)

    def of_namespace(self, namespace: str) -> str | None:
        """Give the balance collection that `database.collection` names, if it names one."""
        name = namespace.partition(".")[2]
        return name if name in self._names else None

    def _guess(self, word: str) -> Values:
        """Say what is called so, where nothing better is known."""
        folded = snake_case(word)
        if _DATABASE.fullmatch(folded):
            return frozenset({Database(Certainty.LIKELY)})
        if _CLIENT.fullmatch(folded):
            return frozenset({Client(Certainty.LIKELY)})
        if _WEAK_CLIENT.fullmatch(folded):
            return frozenset({Client(Certainty.GUESSED)})
        name = self._by_folded.get(folded) or self._by_folded.get(_AROUND.sub("", folded))
        return NOTHING if name is None else frozenset({Collection(name, Certainty.GUESSED)})


def snake_case(word: str) -> str:
    """Write `CryptoBalances` and `CRYPTO_BALANCES` as `crypto_balances`."""
    return _CAMEL.sub("_", word).lower()
