"""What `db init` makes, what it cannot make, and what `db status` says."""

import asyncio
from typing import Any

import pytest
from bson import Decimal128
from pymongo import AsyncMongoClient

from reconciler.errors import CannotLook, DatabaseUnavailable
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.schema import JOURNAL, IndexState, SchemaReport, required_indexes
from reconciler.storage.schema import Schema
from reconciler.storage.server import connect, probe
from reconciler.sync import BalanceSync
from tests.integration.scanning.field import FAR_DATE, LONE_SURROGATE, Database, Exchange
from tests.integration.scanning.trouble import APPLICATION, NOT_ALLOWED, Trouble

WANTED = required_indexes(DEFAULT_MAPPINGS)


def states(report: SchemaReport) -> list[IndexState]:
    return [each.state for each in report.indexes]


async def test_status_of_nothing(database: Database) -> None:
    """In an empty database everything is missing, and looking makes nothing."""
    report = await Schema(database, DEFAULT_MAPPINGS).status()

    assert report.collections_missing == DEFAULT_MAPPINGS.names
    assert set(states(report)) == {IndexState.MISSING}
    assert not report.is_ready
    assert report.server.startswith("MongoDB 6.")
    assert report.server.endswith("replica set")
    assert await database.list_collection_names() == []


async def test_init_makes_what_the_library_needs(database: Database) -> None:
    """After `init` the library opens; a second `init` finds everything there."""
    schema = Schema(database, DEFAULT_MAPPINGS)

    first, second = await schema.init(), await schema.init()

    assert set(states(first)) == {IndexState.MADE}
    assert set(states(second)) == {IndexState.PRESENT}
    assert first.is_ready
    assert first.collections_missing == ()
    assert first.warnings == ()
    assert [each.name for each in second.collections] == [*DEFAULT_MAPPINGS.names, JOURNAL]
    sync = BalanceSync(database)
    await sync.open()
    await sync.close()


async def test_init_many_times_at_once(database: Database) -> None:
    """Several that run `init` at once all succeed, and make one index each."""
    schemas = [Schema(database, DEFAULT_MAPPINGS) for _ in range(4)]

    reports = await asyncio.gather(*[schema.init() for schema in schemas])

    assert all(report.is_ready for report in reports)
    assert len(await database["wallets"].index_information()) == 2


async def test_duplicates_are_told_by_account(database: Database) -> None:
    """Doubled accounts keep one index from being made; they are listed, and the rest is made."""
    exchange = Exchange()
    for user in ("alice", 1, 1.0, Decimal128("1.0"), LONE_SURROGATE, LONE_SURROGATE, "bob"):
        exchange.put(["trader_balances"], u=user, c="BTC", a=Decimal128("1"))
    exchange.put(["trader_balances"], u="alice", c="BTC", a=Decimal128("1"))
    exchange.put(["trader_balances"], c="BTC")
    exchange.put(["trader_balances"], u=None, c="BTC")
    await exchange.write(database)

    report = await Schema(database, DEFAULT_MAPPINGS).init()

    blocked = report.indexes[2]
    assert states(report) == [
        IndexState.BLOCKED if wanted.collection == "trader_balances" else IndexState.MADE
        for wanted in WANTED
    ]
    assert not report.is_ready
    assert blocked.duplicate_count == 4
    found = {(each.account.user_id.text, each.documents) for each in blocked.duplicates}
    assert found == {("alice", 2), ("1", 3), ("\udced\udca0\udc80", 2), ("null", 2)}


async def test_doubled_dates_that_python_does_not_have(database: Database) -> None:
    """The server's refusal quotes the doubled value; one that cannot be decoded is told as well."""
    exchange = Exchange()
    for _ in range(2):
        exchange.put(["wallets"], u=FAR_DATE, c="BTC")
    await exchange.write(database)

    blocked = (await Schema(database, DEFAULT_MAPPINGS).init()).indexes[0]

    assert blocked.duplicate_count == 1
    assert blocked.duplicates[0].account.user_id.bson_type == "date"


async def test_list_of_duplicates_is_cut_and_its_count_is_not(database: Database) -> None:
    """A hundred doubled accounts are listed, and all are counted."""
    exchange = Exchange()
    for number in range(130):
        for _ in range(2):
            exchange.put(["wallets"], u=f"user-{number:03}", c="BTC")
    await exchange.write(database)

    blocked = (await Schema(database, DEFAULT_MAPPINGS).init()).indexes[0]

    assert len(blocked.duplicates) == 100
    assert blocked.duplicate_count == 130


async def test_doubled_arrays(database: Database) -> None:
    """Arrays that share an element keep the index from being made, which is said."""
    exchange = Exchange()
    exchange.put(["wallets"], u=["a", "b"], c="BTC")
    exchange.put(["wallets"], u=["b", "c"], c="BTC")
    await exchange.write(database)

    blocked = (await Schema(database, DEFAULT_MAPPINGS).init()).indexes[0]

    assert blocked.state is IndexState.BLOCKED
    assert "array" in blocked.detail


async def test_parallel_arrays(database: Database) -> None:
    """A document whose id and currency are both arrays cannot be indexed, which is said."""
    exchange = Exchange()
    exchange.put(["wallets"], u=["a"], c=["b"])
    await exchange.write(database)

    report = await Schema(database, DEFAULT_MAPPINGS).init()

    assert report.indexes[0].state is IndexState.BLOCKED
    assert "array" in report.indexes[0].detail
    assert IndexState.MADE in states(report)


@pytest.mark.parametrize(
    "keys", [[("user_id", 1), ("currency", 1)], [("user_id", -1), ("currency", -1)]]
)
async def test_equal_index_of_another_name_will_do(database: Database, keys: Any) -> None:
    """A unique index on the same fields counts under any name."""
    await database["wallets"].create_index(keys, unique=True, name="ours")

    report = await Schema(database, DEFAULT_MAPPINGS).init()

    assert report.indexes[0].state is IndexState.PRESENT
    assert report.warnings == ()
    assert len(await database["wallets"].index_information()) == 2


async def test_index_in_another_order_serves_slowly(database: Database) -> None:
    """A unique index with its fields the other way round is enough, but scans cannot read by it."""
    keys = [("currency", 1), ("user_id", 1)]
    await database["wallets"].create_index(keys, unique=True, name="theirs")

    report = await Schema(database, DEFAULT_MAPPINGS).init()

    assert report.indexes[0].state is IndexState.PRESENT
    (warning,) = report.warnings
    assert "theirs" in warning
    assert "slow" in warning


@pytest.mark.parametrize(
    "options, told",
    [
        ({}, "not unique"),
        ({"unique": True, "sparse": True}, "sparse"),
        ({"unique": True, "partialFilterExpression": {"currency": "BTC"}}, "partial"),
        ({"unique": True, "collation": {"locale": "en", "strength": 2}}, "of another collation"),
    ],
)
async def test_index_that_only_seems_to_do(
    database: Database, options: dict[str, Any], told: str
) -> None:
    """An index that lets doubles through is told, and the right one is made beside it."""
    keys = [("user_id", 1), ("currency", 1)]
    await database["wallets"].create_index(keys, name="weak", **options)
    schema = Schema(database, DEFAULT_MAPPINGS)

    before, made = await schema.status(), await schema.init()

    assert before.indexes[0].state is IndexState.MISSING
    assert made.indexes[0].state is IndexState.MADE
    (warning,) = [text for text in before.warnings if "weak" in text]
    assert f"the index weak on wallets (user_id, currency) is {told}" in warning


async def test_name_that_is_taken(database: Database) -> None:
    """Another index under our name is reported with what to do, and the others are made."""
    await database["wallets"].create_index([("currency", 1)], name="reconciler_account")

    report = await Schema(database, DEFAULT_MAPPINGS).init()

    assert report.indexes[0].state is IndexState.BLOCKED
    assert "drop it" in report.indexes[0].detail
    assert states(report)[1:] == [IndexState.MADE] * (len(WANTED) - 1)


async def test_standalone_server_is_told(standalone_uri: str) -> None:
    """On a standalone server the schema is made, with a warning."""
    async with AsyncMongoClient[dict[str, Any]](standalone_uri) as client:
        await client.drop_database("schema")
        report = await Schema(client["schema"], DEFAULT_MAPPINGS).init()

    assert report.is_ready
    assert report.server.endswith("standalone")
    assert "standalone" in report.warnings[0]


async def test_no_permission(mongo_uri: str, database: Database) -> None:
    """Without the right to make an index, it is said what to grant."""
    trouble = Trouble(database.client)
    async with AsyncMongoClient[dict[str, Any]](mongo_uri, appname=APPLICATION) as own:
        await trouble.arm("createIndexes", errorCode=NOT_ALLOWED)
        try:
            with pytest.raises(
                CannotLook, match="may not change wallets: grant it the role `readWrite`"
            ):
                await Schema(own[database.name], DEFAULT_MAPPINGS).init()
        finally:
            await trouble.disarm()


async def test_no_server() -> None:
    """Without a server there is one sentence, without the password."""
    uri = "mongodb://someone:s3cret@127.0.0.1:1/?serverSelectionTimeoutMS=100"
    async with connect(uri) as client:
        with pytest.raises(DatabaseUnavailable) as caught:
            await probe(client)

    assert "s3cret" not in str(caught.value)
    assert "check mongo.uri" in str(caught.value)


@pytest.mark.parametrize("uri", ["", "mongodb://s3cret@", "mongodb://a:s3cret@h:x/"])
def test_unusable_connection_string(uri: str) -> None:
    """A connection string that cannot be used is refused without being quoted."""
    with pytest.raises(CannotLook) as caught:
        connect(uri)

    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_indexes_on_records(database: Database) -> None:
    """Indexes on our own records are named while they are missing, and made with the others."""
    schema = Schema(database, DEFAULT_MAPPINGS)

    before, made = await schema.status(), await schema.init()

    assert "integrity_findings reconciler_key" in " ".join(before.warnings)
    assert made.warnings == ()
    expiry = (await database["integrity_scans"].index_information())["reconciler_expiry"]
    assert expiry["expireAfterSeconds"] == 0
