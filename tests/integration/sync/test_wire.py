"""What a posting really sends to the server: the one place where a guarantee can be forgotten."""

from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from reconciler.sync import BalanceSync


class Sent(CommandListener):
    """Keeps the commands that were sent."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.commands.append(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing is kept of answers."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing is kept of answers."""


async def test_a_posting_is_one_majority_snapshot_transaction(
    mongo_uri: str, ready: AsyncDatabase[dict[str, Any]]
) -> None:
    """Every command of a posting is in one transaction, read at a snapshot, kept by a majority."""
    sent = Sent()
    async with AsyncMongoClient[dict[str, Any]](mongo_uri, event_listeners=[sent]) as client:
        sync = BalanceSync(client[ready.name])
        await sync.credit("u", "BTC", "1", "deposit")
        sent.commands.clear()
        await sync.debit("u", "BTC", "0.5", "withdrawal")

    first, *_, commit = [command for command in sent.commands if "endSessions" not in command]
    transaction = [command for command in sent.commands if "endSessions" not in command]
    assert [next(iter(command)) for command in transaction] == [
        "aggregate",
        *["update"] * 4,
        "insert",
        "commitTransaction",
    ]
    assert first["startTransaction"] is True
    assert first["readConcern"]["level"] == "snapshot"
    assert commit["writeConcern"]["w"] == "majority"
    names = {(command["lsid"]["id"], command["txnNumber"]) for command in transaction}
    assert len(names) == 1
    assert [command["autocommit"] for command in transaction] == [False] * len(transaction)
