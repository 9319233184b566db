"""Makes commands of one client fail, by the server's own fail points."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

NAME = "faulty"
SENT_SECONDS_MAX = 20.0


class Commands(CommandListener):
    """Lets a test wait until a command is on its way, however slow the machine is."""

    def __init__(self) -> None:
        self._sent: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def started(self, event: CommandStartedEvent) -> None:
        self._sent[event.command_name].set()

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing is waited for here."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing is waited for here."""

    async def sent(self, name: str) -> None:
        """Wait until the command was sent at least once."""
        async with asyncio.timeout(SENT_SECONDS_MAX):
            await self._sent[name].wait()


@asynccontextmanager
async def failing(
    database: AsyncDatabase[dict[str, Any]], *commands: str, mode: Any, **how: Any
) -> AsyncIterator[None]:
    """Make commands of the client named `faulty` fail while the block runs."""
    admin = database.client.admin
    data = {"failCommands": list(commands), "appName": NAME, **how}
    await admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": data})
    try:
        yield
    finally:
        await admin.command({"configureFailPoint": "failCommand", "mode": "off"})
