"""What the driver tells of its commands: bounded, cheap, and never in the way."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from reconciler.storage.monitoring import NO_COLLECTION, UNDER_WAY_MAX, OperationListener
from reconciler.storage.server import connect


@dataclass
class Heard:
    """Keeps what it is told."""

    operations: list[tuple[str, str, bool]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def operation_finished(
        self, collection: str, operation: str, seconds: float, *, failed: bool
    ) -> None:
        self.operations.append((collection, operation, failed))
        self.seconds.append(seconds)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def listened(
    heard: Heard, mongo_uri: str, database: AsyncDatabase[dict[str, Any]]
) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    """The test's database, through a client that is listened to."""
    listener = OperationListener(heard, database=database.name)
    async with connect(mongo_uri, listeners=[listener]) as client:
        yield client[database.name]


async def test_commands_are_told_with_their_collection(
    heard: Heard, listened: AsyncDatabase[dict[str, Any]]
) -> None:
    """Reading on in a cursor too; what fails is told as failed."""
    await listened["wallets"].insert_many([{"n": n} for n in range(3)])
    await listened["wallets"].find({}, batch_size=2).to_list()
    with pytest.raises(OperationFailure):
        await listened["wallets"].aggregate([{"$nonsense": 1}])

    assert heard.operations == [
        ("wallets", "insert", False),
        ("wallets", "find", False),
        ("wallets", "getMore", False),
        ("wallets", "aggregate", True),
    ]
    assert all(0 < seconds < 60 for seconds in heard.seconds)


async def test_commands_on_no_collection_of_ours_are_other(
    heard: Heard, listened: AsyncDatabase[dict[str, Any]]
) -> None:
    """Those on the server as a whole, and those on another database."""
    await listened.client.admin.command("ping")
    await listened.client["another"]["wallets"].find_one({})

    assert heard.operations == [(NO_COLLECTION, "ping", False), (NO_COLLECTION, "find", False)]


def event(request_id: int) -> Any:
    return SimpleNamespace(
        request_id=request_id,
        command_name="find",
        database_name="exchange",
        command={"find": f"c{request_id}"},
        duration_micros=1_500,
    )


def test_commands_that_never_end_are_forgotten(heard: Heard) -> None:
    """Of a cancelled command the driver tells no end: the oldest make room."""
    listener = OperationListener(heard, database="exchange")

    for number in range(UNDER_WAY_MAX + 1):
        listener.started(event(number))
    listener.succeeded(event(0))
    listener.failed(event(UNDER_WAY_MAX))

    assert heard.operations == [
        (NO_COLLECTION, "find", False),
        (f"c{UNDER_WAY_MAX}", "find", True),
    ]
    assert heard.seconds == [0.0015, 0.0015]


def test_a_command_without_its_content_is_no_failure(heard: Heard) -> None:
    """What carries credentials comes empty."""
    listener = OperationListener(heard, database="exchange")
    silent = event(1)
    silent.command = {}

    listener.started(silent)
    listener.succeeded(silent)

    assert heard.operations == [(NO_COLLECTION, "find", False)]
