"""Real servers say how busy they are, and a scan waits for them within its bound."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.embedded import EmbeddedMongo
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import ScanReport, Verdict
from reconciler.model.throttle import ServerLoad, ThrottleLimits
from reconciler.scanning.observer import Unobserved
from reconciler.scanning.scanner import Scanner
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.load import NO_ANSWER, NO_MEMBERS, NO_QUEUE, MongoLoad
from tests.integration.scanning.methods import options_of
from tests.integration.scanning.seeing import make_collections, put_alike
from tests.integration.sync.failing import NAME, failing

Client = AsyncMongoClient[dict[str, Any]]
Database = AsyncDatabase[dict[str, Any]]
NOT_ALLOWED = 13
SLOW: dict[str, Any] = {"mode": {"times": 1}, "blockConnection": True, "blockTimeMS": 500}
SOUND = {"available_balance": Decimal128("2"), "locked_balance": Decimal128("1")}


@pytest.fixture
async def asking(mongo_uri: str, database: Database) -> AsyncIterator[Client]:
    """A client whose commands can be made to fail."""
    async with Client(mongo_uri, appname=NAME) as client:
        await client.admin.command("ping")
        yield client


async def test_a_server_of_one_member_is_asked(asking: Client) -> None:
    """Nothing lags, and the queue is a number; nothing is unknown."""
    load = await MongoLoad(asking).load()

    assert (load.lag_seconds, load.unknown) == (None, ())
    assert load.queued is not None
    assert 0 <= load.queued < 100


async def test_a_standalone_server_is_asked(standalone_uri: str) -> None:
    """Without a replica set nothing can lag."""
    async with Client(standalone_uri) as client:
        load = await MongoLoad(client).load()

    assert (load.lag_seconds, load.queued, load.unknown) == (None, 0, ())


async def test_a_user_without_the_right_to_ask(asking: Client, database: Database) -> None:
    """What may not be asked is unknown and said; the majority's lag needs no right."""
    async with failing(database, "serverStatus", mode="alwaysOn", errorCode=NOT_ALLOWED):
        no_status = await MongoLoad(asking).load()
    async with failing(database, "replSetGetStatus", mode="alwaysOn", errorCode=NOT_ALLOWED):
        no_members = await MongoLoad(asking).load()

    assert (no_status.queued, no_status.unknown) == (None, (NO_QUEUE,))
    assert (no_members.lag_seconds, no_members.unknown) == (0, (NO_MEMBERS,))


async def test_a_server_that_does_not_answer(asking: Client, database: Database) -> None:
    """The scan does not wait for an answer for long: what is not known is no reason to wait."""
    async with failing(database, "serverStatus", **SLOW):
        load = await MongoLoad(asking, answer_seconds_max=0.05).load()

    assert load == ServerLoad(unknown=(NO_ANSWER,))


class Waits(Unobserved):
    """Keeps how often a scan was told to wait, and what it read."""

    def __init__(self) -> None:
        self.throttled = asyncio.Event()

    def scan_throttled(self, scan_id: str, busy: object, *, seconds: float) -> None:
        self.throttled.set()


@pytest.fixture(scope="module")
async def three(mongod_path: Path) -> AsyncIterator[EmbeddedMongo]:
    async with EmbeddedMongo(
        members=3, mongod_path=mongod_path, parameters={"enableTestCommands": "1"}
    ) as server:
        yield server


@asynccontextmanager
async def applying_nothing(client: Client) -> AsyncIterator[None]:
    """One secondary stops applying what is written, until the end."""
    await client.admin.command("ping")
    host, port = sorted(await client.secondaries)[0]
    async with Client(f"mongodb://{host}:{port}/?directConnection=true") as member:
        stopping: dict[str, Any] = {"configureFailPoint": "rsSyncApplyStop"}
        await member.admin.command({**stopping, "mode": "alwaysOn"})
        try:
            yield
        finally:
            await member.admin.command({**stopping, "mode": "off"})


async def lagging(client: Client, *, above: float) -> None:
    """Write until a member lags by more than so many seconds, whenever one looks.

    The first write after a quiet time is a lag of that time, for a moment.
    """
    source = MongoLoad(client)
    in_a_row = 0
    for number in range(400):
        await client["other"]["writes"].insert_one({"_id": number})
        in_a_row = in_a_row + 1 if ((await source.load()).lag_seconds or 0) > above else 0
        if in_a_row == 10:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("no member lags")


def scanner(client: Client, observer: Unobserved, *, wait_seconds_max: float) -> Scanner:
    limits = ThrottleLimits(lag_seconds_max=1, wait_seconds_max=wait_seconds_max)
    return Scanner(
        MongoBalanceStore(client["exchange"], DEFAULT_MAPPINGS),
        DEFAULT_MAPPINGS,
        options_of(settle_seconds=0.001, deadline_seconds=30, throttle=limits),
        observer=observer,
        load=MongoLoad(client),
    )


async def test_a_scan_waits_for_a_member_that_lags(three: EmbeddedMongo) -> None:
    """Past the bound it is incomplete and says why; once the member follows it reads everything."""
    async with Client(three.uri) as client:
        await make_collections(client["exchange"])
        await put_alike(client["exchange"], "alice", "BTC", **SOUND)
        waits = Waits()
        async with applying_nothing(client):
            await lagging(client, above=1)
            refused = await scanner(client, Waits(), wait_seconds_max=0.3).scan_all()
            one_user = await scanner(client, Waits(), wait_seconds_max=0.3).scan("alice", None)
            whole: asyncio.Task[ScanReport] = asyncio.create_task(
                scanner(client, waits, wait_seconds_max=30).scan_all()
            )
            await asyncio.wait_for(waits.throttled.wait(), 20)
        report = await asyncio.wait_for(whole, 30)

    assert refused.verdict is Verdict.INCOMPLETE
    assert "all accounts could not be read: replication lags by" in refused.incomplete[0]
    assert "scan.throttle_wait_seconds_max (0.3)" in refused.incomplete[0]
    assert refused.coverage.accounts == 0
    assert one_user.verdict is Verdict.HEALTHY
    assert (report.verdict, report.coverage.accounts) == (Verdict.HEALTHY, 1)
