"""Faults during a scan: what was seen stands, what could not be seen is said, nothing hangs."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.embedded import EmbeddedMongo
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import Consistency, ScanMethod, ScanReport, Verdict
from reconciler.scanning.observer import Unobserved
from reconciler.scanning.ports import KeyRange
from reconciler.scanning.scanner import Scanner
from reconciler.storage.balances import MongoBalanceStore
from tests.integration.scanning.methods import options_of
from tests.integration.scanning.seeing import make_collections, put_alike, scanner_of
from tests.integration.sync.failing import NAME, failing

Database = AsyncDatabase[dict[str, Any]]

ACCOUNTS = 60
TOO_OLD = 239
SOUND = {"available_balance": Decimal128("2"), "locked_balance": Decimal128("1")}
SMALL: dict[str, Any] = {"range_accounts": 20, "batch_documents": 5}


class Rereads(Unobserved):
    """Remembers which parts of ranges had to be read in another snapshot."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def range_read_again(self, scan_id: str, key_range: KeyRange, *, why: str) -> None:
        self.parts.append(str(key_range))


@pytest.fixture
async def exchange(database: Database) -> Database:
    """Sixty sound accounts, one of them drifted, as the test's own client sees them."""
    await make_collections(database)
    for number in range(ACCOUNTS):
        await put_alike(database, f"user-{number:02}", "BTC", **SOUND)
    await database["wallets"].update_one({"user_id": "user-33"}, {"$inc": {"available_balance": 1}})
    return database


@pytest.fixture
async def scanned(mongo_uri: str, exchange: Database) -> AsyncIterator[Database]:
    """The same database through a client whose commands can be made to fail."""
    async with AsyncMongoClient[dict[str, Any]](mongo_uri, appname=NAME) as client:
        await client.admin.command("ping")
        yield client[exchange.name]


def whole(report: ScanReport) -> bool:
    """Whether everything was seen once, and the drift found."""
    return (
        report.incomplete == ()
        and (report.coverage.accounts, report.coverage.users) == (ACCOUNTS, ACCOUNTS)
        and [each.account.user_id.text for each in report.mismatches] == ["user-33"]
    )


@pytest.mark.parametrize(
    "command, times", [("aggregate", 1), ("aggregate", 3), ("getMore", 1), ("getMore", 4)]
)
async def test_a_snapshot_that_grows_too_old(
    exchange: Database, scanned: Database, command: str, times: int
) -> None:
    """A range goes on in a new snapshot, or is halved, until it is read; nothing counts twice."""
    rereads = Rereads()
    # One range, so that the fault meets no look at the data for dividing it.
    scanner = scanner_of(scanned, observer=rereads, batch_documents=5)
    async with failing(exchange, command, mode={"times": times}, errorCode=TOO_OLD):
        report = await scanner.scan_all()

    assert whole(report)
    assert rereads.parts


async def test_snapshots_that_stay_too_old(exchange: Database, scanned: Database) -> None:
    """If no snapshot lives long enough the scan is incomplete, and ends."""
    async with failing(exchange, "getMore", mode="alwaysOn", errorCode=TOO_OLD):
        report = await scanner_of(scanned, **SMALL).scan_all()

    assert report.verdict in {Verdict.INCOMPLETE, Verdict.INTEGRITY_FAILURE}
    assert any("too old" in reason for reason in report.incomplete)


@pytest.mark.parametrize("command", ["aggregate", "getMore", "find"])
async def test_a_lost_connection(
    exchange: Database, scanned: Database, command: str, method: ScanMethod
) -> None:
    """A connection that breaks now and then costs time, not coverage."""
    # Two ranges that are read exactly at a time share what fails; a bucket has it all.
    times = 3 if method is ScanMethod.EXACT else 2
    async with failing(exchange, command, mode={"times": times}, closeConnection=True):
        report = await scanner_of(scanned, **SMALL).scan_all()

    assert whole(report)


async def test_connections_that_keep_breaking(exchange: Database, scanned: Database) -> None:
    """If reading keeps failing the scan says which accounts it could not see."""
    async with failing(exchange, "getMore", mode="alwaysOn", closeConnection=True):
        report = await scanner_of(scanned, **SMALL).scan_all()

    assert report.verdict is not Verdict.HEALTHY
    assert any("could not be read" in reason for reason in report.incomplete)
    assert any("connection" in reason for reason in report.incomplete)


@pytest.mark.parametrize("command", ["listCollections", "aggregate", "find"])
async def test_no_permission(exchange: Database, scanned: Database, command: str) -> None:
    """What the user may not read makes the scan incomplete at once, with what to grant."""
    started = time.monotonic()
    async with failing(exchange, command, mode="alwaysOn", errorCode=13):
        report = await scanner_of(scanned, **SMALL).scan_all()

    assert report.verdict is Verdict.INCOMPLETE
    assert "grant it the role `read`" in " ".join(report.incomplete)
    assert time.monotonic() - started < 10


async def test_an_unexpected_refusal(exchange: Database, scanned: Database) -> None:
    """An error that nobody foresaw is an incomplete scan, not a crash."""
    async with failing(exchange, "getMore", mode="alwaysOn", errorCode=4711):
        report = await scanner_of(scanned, **SMALL).scan_all()

    assert report.verdict is not Verdict.HEALTHY
    assert "4711" in " ".join(report.incomplete)


async def test_the_deadline(exchange: Database, scanned: Database) -> None:
    """A scan that takes too long ends at its deadline and is incomplete."""
    started = time.monotonic()
    blocking = {"blockConnection": True, "blockTimeMS": 400}
    async with failing(exchange, "getMore", mode="alwaysOn", **blocking):
        report = await scanner_of(scanned, deadline_seconds=1.0, **SMALL).scan_all()

    assert report.verdict is not Verdict.HEALTHY
    assert report.incomplete
    assert time.monotonic() - started < 8


@pytest.mark.parametrize("name", ["wallets", "trader_balances"])
async def test_a_collection_that_does_not_exist(exchange: Database, name: str) -> None:
    """A mapped collection that is not there is named, and the scan is never healthy."""
    await exchange.drop_collection(name)
    report = await scanner_of(exchange).scan_all()

    assert report.verdict is Verdict.INCOMPLETE
    assert name in " ".join(report.incomplete)


async def test_the_second_look_fails(exchange: Database, scanned: Database) -> None:
    """A suspect that cannot be looked at again is neither a mismatch nor forgotten."""

    async def no_more(_: float) -> None:
        await exchange.client.admin.command(
            {
                "configureFailPoint": "failCommand",
                "mode": "alwaysOn",
                "data": {"failCommands": ["aggregate"], "appName": NAME, "errorCode": 4711},
            }
        )

    store = MongoBalanceStore(scanned, DEFAULT_MAPPINGS)
    options = options_of(settle_seconds=0.01)
    try:
        report = await Scanner(store, DEFAULT_MAPPINGS, options, sleep=no_more).scan_all()
    finally:
        await exchange.client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})

    assert report.verdict is Verdict.INCOMPLETE
    assert "1 suspects could not be looked at again" in " ".join(report.incomplete)


async def test_a_frozen_server(mongod_path: Path) -> None:
    """A server that stops answering makes the scan incomplete by its deadline."""
    async with (
        EmbeddedMongo(mongod_path=mongod_path) as server,
        AsyncMongoClient[dict[str, Any]](server.uri) as client,
    ):
        database = client["exchange"]
        await make_collections(database)
        await put_alike(database, "user", "BTC", **SOUND)
        assert (await scanner_of(database).scan_all()).verdict is Verdict.HEALTHY
        await server.members[0].freeze()
        started = time.monotonic()
        report = await scanner_of(database, deadline_seconds=1.5).scan_all()
        elapsed = time.monotonic() - started
        await server.members[0].resume()
        again = await scanner_of(database).scan_all()

    assert report.verdict is Verdict.INCOMPLETE
    assert elapsed < 10
    assert again.verdict is Verdict.HEALTHY


async def test_elections(mongod_path: Path) -> None:
    """A step-down in the middle of scans never makes one healthy that did not see everything."""
    async with (
        EmbeddedMongo(members=3, mongod_path=mongod_path) as server,
        AsyncMongoClient[dict[str, Any]](server.uri, w="majority") as client,
    ):
        database = client["exchange"]
        await make_collections(database)
        for number in range(ACCOUNTS):
            await put_alike(database, f"user-{number:02}", "BTC", **SOUND)
        reports = []
        for number in range(6):
            if number == 2:
                await server.step_down()
            reports.append(await scanner_of(database, **SMALL).scan_all())

    for report in reports:
        assert report.verdict in {Verdict.HEALTHY, Verdict.INCOMPLETE}
        if report.verdict is Verdict.HEALTHY:
            assert report.coverage.accounts == ACCOUNTS
    assert reports[0].verdict is reports[-1].verdict is Verdict.HEALTHY


async def test_a_standalone_server(standalone_uri: str) -> None:
    """Without snapshots, plain reads are repeated, and the report says so."""
    async with AsyncMongoClient[dict[str, Any]](standalone_uri) as client:
        database = client["standalone_scan"]
        await make_collections(database)
        await put_alike(database, "sound", "BTC", **SOUND)
        await put_alike(database, "drifted", "BTC", **SOUND)
        change = {"$inc": {"locked_balance": 1}}
        await database["internal_balances"].update_one({"user_id": "drifted"}, change)
        report = await scanner_of(database).scan_all()
        await client.drop_database(database.name)

    assert report.consistency is Consistency.CONFIRMED_READS
    assert [each.account.user_id.text for each in report.mismatches] == ["drifted"]
    assert report.coverage.accounts == 2
