"""Makes the server fail on purpose, for one client alone, at a chosen moment."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Hashable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from typing import Any

from pymongo import AsyncMongoClient

from reconciler.model.digest import Digests
from reconciler.model.report import Consistency
from reconciler.scanning.ports import (
    BalanceSource,
    BalanceStore,
    Bound,
    KeyRange,
    Moment,
    Portion,
    SeenKey,
    SeenView,
    Selection,
)

TOO_OLD = 239
NOT_ALLOWED = 13
APPLICATION = "scan-in-trouble"

Client = AsyncMongoClient[dict[str, Any]]


class Trouble:
    """The server's fail point for commands of the client with our application's name."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def arm(self, *commands: str, times: int | None = None, **data: Any) -> None:
        """Let commands fail so many times, or until further notice."""
        await self._client.admin.command(
            "configureFailPoint",
            "failCommand",
            mode="alwaysOn" if times is None else {"times": times},
            data={"failCommands": list(commands), "appName": APPLICATION, **data},
        )

    async def disarm(self) -> None:
        """Let everything work again."""
        await self._client.admin.command("configureFailPoint", "failCommand", mode="off")


class Interposed(BalanceStore, BalanceSource):
    """A store that does something after some portions of the first range that is read."""

    def __init__(
        self, store: BalanceStore, after_portions: int, then: Callable[[], Awaitable[None]]
    ) -> None:
        self._store = store
        self._left = after_portions
        self._then = then
        self.source: BalanceSource | None = None

    async def open(self, *, deadline_seconds: float) -> BalanceSource:
        self.source = await self._store.open(deadline_seconds=deadline_seconds)
        return self

    @property
    def _there(self) -> BalanceSource:
        assert self.source is not None
        return self.source

    @property
    def consistency(self) -> Consistency:
        return self._there.consistency

    async def collections(self) -> Mapping[str, Hashable]:
        return await self._there.collections()

    async def estimated_accounts(self) -> int:
        return await self._there.estimated_accounts()

    async def ranges(self, *, accounts: int | None = None) -> Sequence[KeyRange]:
        return await self._there.ranges(accounts=accounts)

    async def middle(self, key_range: KeyRange) -> Bound | None:
        return await self._there.middle(key_range)

    @asynccontextmanager
    async def moment(self) -> AsyncIterator[Moment]:
        async with self._there.moment() as moment:
            yield _InterposedMoment(moment, self.passed)

    async def passed(self) -> None:
        """One portion was given."""
        self._left -= 1
        if self._left == 0:
            await self._then()


class _InterposedMoment(Moment):
    def __init__(self, moment: Moment, passed: Callable[[], Awaitable[None]]) -> None:
        self._moment = moment
        self._passed = passed

    async def digests(
        self, key_range: KeyRange, *, accounts: int, collections_parallel: int
    ) -> Digests | None:
        return await self._moment.digests(
            key_range, accounts=accounts, collections_parallel=collections_parallel
        )

    async def portions(
        self, key_range: KeyRange, selection: Selection
    ) -> AsyncGenerator[Portion, None]:
        async for portion in self._moment.portions(key_range, selection):
            yield portion
            await self._passed()

    async def views(self, keys: Sequence[SeenKey]) -> AsyncGenerator[SeenView, None]:
        async for view in self._moment.views(keys):
            yield view
