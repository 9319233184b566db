"""Makes commands of one client fail, by the server's own fail points."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

NAME = "faulty"


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
