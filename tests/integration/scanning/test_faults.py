"""What a scan says when the server does not let it read: never healthy, and never for ever."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from bson import Decimal128
from pymongo import AsyncMongoClient

from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import ScanMethod, ScanReport, Verdict
from reconciler.scanning.observer import Unobserved
from reconciler.scanning.ports import KeyRange
from reconciler.scanning.rules import DigestOptions
from reconciler.scanning.scanner import Scanner
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.server import connect
from tests.integration.scanning.field import Database, Exchange
from tests.integration.scanning.methods import options_of
from tests.integration.scanning.scanning import assert_found, at_once, scanner
from tests.integration.scanning.trouble import (
    APPLICATION,
    NOT_ALLOWED,
    TOO_OLD,
    Client,
    Interposed,
    Trouble,
)

USERS = 60


@pytest.fixture
async def trouble(client: Client) -> AsyncIterator[Trouble]:
    trouble = Trouble(client)
    yield trouble
    await trouble.disarm()


@pytest.fixture
async def fragile(mongo_uri: str, database: Database) -> AsyncIterator[Database]:
    """The test's database, by a client to which the fail points apply."""
    async with AsyncMongoClient[dict[str, Any]](mongo_uri, appname=APPLICATION) as own:
        yield own[database.name]


@pytest.fixture
async def exchange(database: Database) -> Exchange:
    """Sixty users with two accounts each; every tenth user's BTC has drifted."""
    exchange = Exchange()
    for number in range(USERS):
        for currency in ("BTC", "ETH"):
            row = {"u": f"user-{number:02}", "c": currency, "l": Decimal128("0")}
            exchange.put(DEFAULT_MAPPINGS.names[:3], a=Decimal128("1"), **row)
            drifted = number % 10 == 0 and currency == "BTC"
            exchange.put(DEFAULT_MAPPINGS.names[3:], a=Decimal128("2" if drifted else "1"), **row)
    await exchange.write(database)
    return exchange


class Ranges(Unobserved):
    """Remembers which parts were read again."""

    def __init__(self) -> None:
        self.read_again: list[KeyRange] = []

    def range_read_again(self, scan_id: str, key_range: KeyRange, *, why: str) -> None:
        self.read_again.append(key_range)


async def timed_scan(scanner: Scanner) -> tuple[ScanReport, float]:
    began = time.monotonic()
    report = await scanner.scan_all()
    return report, time.monotonic() - began


async def test_too_old_at_once_halves_the_range(
    fragile: Database, exchange: Exchange, trouble: Trouble
) -> None:
    """A snapshot too old before anything was read: the range is halved, and nothing is lost."""
    ranges = Ranges()
    await trouble.arm("aggregate", times=1, errorCode=TOO_OLD)

    report = await scanner(fragile, observer=ranges).scan_all()

    assert_found(report, exchange)
    (part,) = ranges.read_again
    assert part.lower is None
    assert part.upper is not None


@pytest.mark.parametrize("portions", [1, 2, 5, 9])
async def test_too_old_midway_goes_on_from_there(
    fragile: Database, exchange: Exchange, trouble: Trouble, portions: int, method: ScanMethod
) -> None:
    """A snapshot too old in the middle of a cursor: what was merged stands, once."""
    ranges = Ranges()
    is_exact = method is ScanMethod.EXACT
    # Of the accounts in the buckets that differ there are fewer.
    small = MongoBalanceStore(fragile, DEFAULT_MAPPINGS, batch_documents=7 if is_exact else 2)

    async def age() -> None:
        await trouble.arm("getMore", times=1, errorCode=TOO_OLD)

    store = Interposed(small, portions if is_exact else min(portions, 2), age)
    report = await Scanner(store, DEFAULT_MAPPINGS, at_once(), observer=ranges).scan_all()

    assert_found(report, exchange)
    (part,) = ranges.read_again
    assert part.lower is not None
    assert part.upper is None
    assert (part.buckets is None) == is_exact


async def test_connections_always_lost(
    fragile: Database, exchange: Exchange, trouble: Trouble
) -> None:
    """A connection that is always cut ends the scan as incomplete, long before its deadline."""
    await trouble.arm("aggregate", closeConnection=True)

    report, seconds = await timed_scan(scanner(fragile))

    assert report.verdict is Verdict.INCOMPLETE
    assert len(report.incomplete) == 1
    assert seconds < 6


async def test_many_ranges_that_fail(
    fragile: Database, exchange: Exchange, trouble: Trouble, method: ScanMethod
) -> None:
    """After a few ranges that cannot be read the others are not tried, which is said, too."""

    async def forbid() -> None:
        await trouble.arm("aggregate", errorCode=NOT_ALLOWED)

    small = MongoBalanceStore(fragile, DEFAULT_MAPPINGS, range_accounts=10, batch_documents=2)
    store = Interposed(small, 1, forbid)
    options = at_once(digest=DigestOptions(range_accounts=10))
    report = await Scanner(store, DEFAULT_MAPPINGS, options).scan_all()

    assert report.verdict is Verdict.INCOMPLETE
    if method is ScanMethod.DIGEST:
        return  # digests are no longer to be had, and neither are ranges to read instead
    assert sum("could not be read" in reason for reason in report.incomplete) in {3, 4}
    assert sum("further ranges were not tried" in reason for reason in report.incomplete) == 1


async def test_deadline(fragile: Database, exchange: Exchange, trouble: Trouble) -> None:
    """A server that hangs does not hang the scan: at its deadline it is incomplete."""
    await trouble.arm("aggregate", blockConnection=True, blockTimeMS=1_500)

    options = options_of(settle_seconds=0.001, deadline_seconds=0.5)
    report, seconds = await timed_scan(scanner(fragile, options=options))

    assert report.verdict is Verdict.INCOMPLETE
    assert "the deadline of 0.5 seconds passed" in report.incomplete[0]
    assert seconds < 1.4


async def test_no_server() -> None:
    """Without a server the scan is incomplete, and no password is in what it says."""
    uri = "mongodb://someone:s3cret@127.0.0.1:1/?serverSelectionTimeoutMS=200"
    async with connect(uri) as client:
        report = await scanner(client["nothing"]).scan_all()

    assert report.verdict is Verdict.INCOMPLETE
    assert "no MongoDB server that can be read answered" in report.incomplete[0]
    assert "s3cret" not in str(report)


async def test_too_old_while_confirming(
    fragile: Database, exchange: Exchange, trouble: Trouble
) -> None:
    """A snapshot too old while suspects are looked at again is replaced by a new one."""

    async def settle(seconds: float) -> None:
        await trouble.arm("aggregate", times=2, errorCode=TOO_OLD)

    report = await scanner(fragile, sleep=settle).scan_all()

    assert_found(report, exchange)
