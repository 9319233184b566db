"""A server that asks for a login, and a database on it with one user for each role."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.embedded import EmbeddedMongo
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.roles import wanted_roles
from reconciler.storage.roles import Roles
from reconciler.storage.schema import Schema

Client = AsyncMongoClient[dict[str, Any]]
Database = AsyncDatabase[dict[str, Any]]
ROOT, PASSWORD = "root", "not-a-secret"


@dataclass(frozen=True)
class Guarded:
    """One database as its administrator has it, and as each role has it."""

    admin: Database
    as_role: dict[str, Database]


@pytest.fixture(scope="session")
async def login_uri(mongod_path: Path) -> AsyncIterator[str]:
    """A replica set of one member that lets nobody in without a login."""
    async with EmbeddedMongo(mongod_path=mongod_path) as embedded:
        await embedded.require_login(user=ROOT, password=PASSWORD)
        yield embedded.uri


@pytest.fixture(scope="session")
async def root(login_uri: str) -> AsyncIterator[Client]:
    async with Client(login_uri, username=ROOT, password=PASSWORD, tz_aware=True) as client:
        yield client


@pytest.fixture
async def guarded(login_uri: str, root: Client) -> AsyncIterator[Guarded]:
    """An initialised database of the test's own, with the roles and a user of each."""
    name = f"test_{uuid.uuid4().hex}"
    admin = root[name]
    await Schema(admin, DEFAULT_MAPPINGS).init()
    await Roles(admin, DEFAULT_MAPPINGS).apply()
    clients = []
    for role in wanted_roles(DEFAULT_MAPPINGS):
        await admin.command("createUser", role.name, pwd=PASSWORD, roles=[role.name])
        clients.append(
            Client(login_uri, username=role.name, password=PASSWORD, authSource=name, tz_aware=True)
        )
    names = [role.name for role in wanted_roles(DEFAULT_MAPPINGS)]
    yield Guarded(admin, {role: client[name] for role, client in zip(names, clients, strict=True)})
    for client in clients:
        await client.close()
    await admin.command("dropAllUsersFromDatabase")
    await admin.command("dropAllRolesFromDatabase")
    await root.drop_database(name)
