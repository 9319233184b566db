"""Real servers for the tests: one per worker, started when the first test asks for it."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.embedded import EmbeddedMongo, MongodNotFound, find_mongod
from reconciler.scanning.stopping import cancelled


@pytest.fixture(scope="session")
def mongod_path() -> Path:
    """The server binary. Absent services are skipped at home and are a failure in CI."""
    configured = os.environ.get("RECONCILER_EMBEDDED__MONGOD_PATH")
    try:
        return find_mongod(Path(configured) if configured else None)
    except MongodNotFound as error:
        if os.environ.get("RECONCILER_REQUIRE_SERVICES") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session", autouse=True)
async def no_task_outlives_the_session() -> AsyncIterator[None]:
    """Set up first, ended last: the loop itself cancels once, which the driver can lose."""
    yield
    ending = asyncio.current_task()
    async with asyncio.timeout(30):
        left = [task for task in asyncio.all_tasks() if task is not ending]
        await cancelled(left, again_seconds=1)


@pytest.fixture(scope="session")
async def server(mongod_path: Path) -> AsyncIterator[EmbeddedMongo]:
    """A replica set of one member, with the server's test commands (fail points)."""
    async with EmbeddedMongo(
        mongod_path=mongod_path, parameters={"enableTestCommands": "1"}
    ) as embedded:
        yield embedded


@pytest.fixture(scope="session")
def mongo_uri(server: EmbeddedMongo) -> str:
    return server.uri


@pytest.fixture(scope="session")
async def client(mongo_uri: str) -> AsyncIterator[AsyncMongoClient[dict[str, Any]]]:
    async with AsyncMongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as connected:
        yield connected


@pytest.fixture
async def database(
    client: AsyncMongoClient[dict[str, Any]],
) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    """An empty database of the test's own."""
    name = f"test_{uuid.uuid4().hex}"
    yield client[name]
    await client.drop_database(name)


@pytest.fixture(scope="session")
async def standalone_uri(mongod_path: Path) -> AsyncIterator[str]:
    """A server that is no replica set: no transactions, no snapshots."""
    async with EmbeddedMongo(mongod_path=mongod_path, standalone=True) as embedded:
        yield embedded.uri
