"""How far digests go: where they are of no use every account is read, and the report says why."""

import random
from typing import Any

import pytest
from bson import Decimal128, Int64
from pymongo import AsyncMongoClient

from reconciler.model.digest import DrillLimit
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import ScanMethod
from reconciler.scanning.rules import DigestOptions
from tests.integration.scanning.drifts import NAMES, Row, doubled_everywhere, sound, users_swapped
from tests.integration.scanning.field import AMOUNTS, ODD, SCALARS, Database, Exchange
from tests.integration.scanning.scanning import (
    assert_found,
    at_once,
    scan_by_each_method,
    scanner,
)
from tests.integration.sync.failing import NAME, failing

NO_SUCH_OPERATOR = 168


def by_digest(**options: Any) -> Any:
    """Make options for a digest scan."""
    return at_once(method=ScanMethod.DIGEST, digest=DigestOptions(**options))


async def assert_given_up(database: Database, exchange: Exchange, why: str, **options: Any) -> None:
    """Scan, and see that it was done exactly, and why."""
    report = await scanner(
        database, options=by_digest(**options), store={"range_accounts": 9}
    ).scan_all()

    assert_found(report, exchange)
    assert report.method is ScanMethod.EXACT
    assert report.digest is not None
    assert why in str(report.digest.given_up)


async def test_too_many_buckets_differ(database: Database) -> None:
    """Legacy doubles everywhere: the digests are given up, and all accounts read in ranges."""
    exchange = sound(3)
    for number in range(30):
        exchange.everywhere(u=f"legacy-{number}", c="BTC", a=float(number), l=0.0)
    await exchange.write(database)

    limit = DrillLimit(accounts=5, percent=25)
    await assert_given_up(database, exchange, "buckets differ", drill_limit=limit)
    await assert_given_up(
        database, exchange, "buckets differ", drill_limit=limit, range_accounts=10
    )


@pytest.mark.parametrize(
    "code, why", [(NO_SUCH_OPERATOR, "no operator"), (2, "could not be computed")]
)
async def test_a_server_without_the_operator(
    mongo_uri: str, database: Database, code: int, why: str
) -> None:
    """A server that cannot compute digests has its accounts read one by one, and that is said."""
    exchange = sound(5)
    await exchange.write(database)
    async with (
        AsyncMongoClient[dict[str, Any]](mongo_uri, appname=NAME) as client,
        # The first one draws users, without whom it goes on.
        failing(database, "aggregate", mode={"times": 2}, errorCode=code),
    ):
        await assert_given_up(client[database.name], exchange, why)


async def test_a_server_without_snapshots(standalone_uri: str) -> None:
    """Without snapshots four digests are of four moments, and prove nothing."""
    exchange = sound(5)
    async with AsyncMongoClient[dict[str, Any]](standalone_uri) as client:
        database = client["digest_standalone"]
        await exchange.write(database)
        await assert_given_up(database, exchange, "no snapshots")
        await client.drop_database(database)


async def test_ranges_with_a_snapshot_each(database: Database) -> None:
    """A collection too big for one snapshot is taken in ranges, with the same result."""
    exchange = sound(30)
    users_swapped(exchange)
    doubled_everywhere(exchange)
    for user in ODD:
        exchange.put(["wallets"], u=user, c="BTC", a=Decimal128("1"))
    await exchange.write(database)

    report = await scanner(database, options=by_digest(range_accounts=8)).scan_all()

    assert_found(report, exchange)
    assert report.method is ScanMethod.DIGEST


def random_row(chance: random.Random) -> Row:
    """A document of any shape, mostly sound."""
    row: Row = {"u": chance.choice(["a", "b", "c", "d", *chance.sample([*SCALARS, *ODD], 3)])}
    row["c"] = chance.choice(["BTC", "ETH", "BTC", *chance.sample([*SCALARS, *ODD], 1)])
    amounts = [Decimal128("1"), Decimal128("2.5"), Int64(3), *chance.sample(AMOUNTS, 2)]
    for name in ("a", "l", "t"):
        if chance.random() < 0.8:
            row[name] = chance.choice(amounts)
    return row


@pytest.mark.parametrize("has_indexes", [True, False], ids=["with indexes", "without indexes"])
@pytest.mark.parametrize("seed", range(3))
async def test_both_methods_say_what_the_model_says(
    database: Database, seed: int, has_indexes: bool
) -> None:
    """On hundreds of documents of every shape both scans and the plain model find the same."""
    chance = random.Random(seed)
    exchange = sound(20)
    for _ in range(150):
        names = NAMES if chance.random() < 0.6 else chance.sample(NAMES, chance.randint(1, 4))
        row = random_row(chance)
        if not (isinstance(row["u"], list) and isinstance(row["c"], list)):  # no index takes both
            exchange.put(names, **row)
    if has_indexes:
        for mapping in DEFAULT_MAPPINGS:
            await database[mapping.name].create_index([(mapping.account, 1), (mapping.currency, 1)])
    await exchange.write(database)

    await scan_by_each_method(database, exchange)
