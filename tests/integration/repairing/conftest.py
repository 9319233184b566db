"""A workshop on a database with the unique indexes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.repairing.workshop import Database, Workshop
from tests.integration.sync.stored import Stored, make_indexes


@pytest.fixture
async def ready(database: Database) -> Database:
    await make_indexes(database)
    return database


@pytest.fixture
async def workshop(ready: Database, tmp_path: Path) -> AsyncIterator[Workshop]:
    shop = Workshop(ready, tmp_path)
    yield shop
    await shop.sync.close()


@pytest.fixture
def stored(ready: Database) -> Stored:
    return Stored(ready)
