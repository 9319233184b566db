"""Turns: within one process, postings on the same account wait for each other instead of colliding.

Transactions that meet on one account abort each other, and with many callers hardly any gets
through. Waiting in line costs nothing where accounts differ. It is for speed alone: that no posting
is lost or doubled rests on the database, which other processes use as well.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary


class Turns:
    """One lock for each key in use; a lock goes when nobody holds or awaits it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def take(self, keys: Iterable[str]) -> AsyncIterator[None]:
        """Hold the turn of all keys, taken in one order so that nobody waits in a ring."""
        locks = []
        for key in sorted(set(keys)):
            lock = self._locks.get(key)
            if lock is None:
                lock = self._locks[key] = asyncio.Lock()
            locks.append(lock)
        async with AsyncExitStack() as held:
            for lock in locks:
                await held.enter_async_context(lock)
            yield
