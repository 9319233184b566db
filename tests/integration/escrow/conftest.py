"""An escrow on a database with a seller who has money; the library's fixtures are its tests'."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.escrow.service import Escrow
from reconciler.storage.trades import MongoTrades
from reconciler.sync import BalanceSync
from tests.integration.escrow.ledger import NOW, Ledger
from tests.integration.sync.conftest import commands, faulty, ready, recorder, stored, sync
from tests.integration.sync.stored import Stored

__all__ = ["commands", "faulty", "ready", "recorder", "stored", "sync"]

Database = AsyncDatabase[dict[str, Any]]


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """A clock that stands still, at a time finer than what is stored."""
    return lambda: NOW + timedelta(microseconds=789)


@pytest.fixture
def escrow(sync: BalanceSync, ready: Database, clock: Callable[[], datetime]) -> Escrow:
    return Escrow(sync, MongoTrades(ready), clock=clock)


@pytest.fixture
def ledger(ready: Database, stored: Stored) -> Ledger:
    return Ledger(ready, stored)
