"""Collections that are not what they seem, or do not stay: never healthy."""

from typing import Any

import pytest
from bson import Decimal128
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.embedded import EmbeddedMongo
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import Verdict
from reconciler.scanning.ports import KeyRange
from reconciler.scanning.scanner import Scanner
from reconciler.storage.balances import MongoBalanceStore
from tests.integration.scanning.methods import options_of
from tests.integration.scanning.seeing import make_collections, put_alike, scanner_of

Database = AsyncDatabase[dict[str, Any]]
SOUND = {"available_balance": Decimal128("2"), "locked_balance": Decimal128("1")}


async def rename_all(database: Database) -> None:
    """Move the four collections out of the way."""
    for name in DEFAULT_MAPPINGS.names:
        await database[name].rename(f"{name}_old")


async def make_anew(database: Database) -> None:
    """Drop one collection and make it again, empty."""
    await database.drop_collection("wallets")
    await database.create_collection("wallets")


@pytest.mark.parametrize("happens", [rename_all, make_anew])
async def test_collections_that_change_during_a_scan(database: Database, happens: Any) -> None:
    """A scan whose collections were renamed or made anew between its looks is incomplete."""
    await make_collections(database)
    await put_alike(database, "user", "BTC", **SOUND)
    await database["wallets"].update_one({}, {"$inc": {"available_balance": 1}})

    async def meanwhile(_: float) -> None:
        await happens(database)

    store = MongoBalanceStore(database, DEFAULT_MAPPINGS)
    report = await Scanner(store, DEFAULT_MAPPINGS, options_of(), sleep=meanwhile).scan_all()

    assert report.verdict is not Verdict.HEALTHY
    assert "during the scan" in " ".join(report.incomplete)


async def test_a_view_is_no_copy(database: Database) -> None:
    """A view over another collection always agrees with it, which proves nothing."""
    await make_collections(database)
    await database.drop_collection("crypto_balances")
    pipeline = [{"$set": {"balance": "$total_balance"}}]
    await database.create_collection("crypto_balances", viewOn="wallets", pipeline=pipeline)
    report = await scanner_of(database).scan_all()

    assert report.verdict is Verdict.INCOMPLETE
    assert "crypto_balances is a view" in " ".join(report.incomplete)


async def test_a_member_that_is_not_the_primary(mongod_path: Any) -> None:
    """A scan over a direct connection to a secondary, which may lag, is incomplete."""
    async with (
        EmbeddedMongo(members=3, mongod_path=mongod_path) as server,
        AsyncMongoClient[dict[str, Any]](server.uri, w="majority") as client,
    ):
        await make_collections(client["exchange"])
        primary = await server.primary()
        secondary = next(each for each in server.members if each is not primary)
        direct = AsyncMongoClient[dict[str, Any]](
            f"mongodb://127.0.0.1:{secondary.port}/?directConnection=true"
        )
        async with direct:
            report = await scanner_of(direct["exchange"]).scan_all()

    assert report.verdict is Verdict.INCOMPLETE
    assert "not the primary" in " ".join(report.incomplete)


async def test_an_array_between_two_copies(database: Database) -> None:
    """A document whose id is an array may sort between two copies of an account; both are seen."""
    await make_collections(database)
    for user in ("a", ["a"], "a"):
        await put_alike(database, user, "BTC", **SOUND)
    report = await scanner_of(database, batch_documents=2).scan_all()

    assert report.coverage.accounts == 1
    assert {kind.value: count for kind, count in report.by_kind.items()} == {
        "duplicate": 1,
        "malformed": 4,
    }


async def test_very_long_ids(database: Database) -> None:
    """Ids of a megabyte are looked at again in several commands, none too large for the server."""
    await make_collections(database)
    for number in range(20):
        identity = {"user_id": f"{number:02}" + "x" * 1_000_000, "currency": "BTC"}
        await database["wallets"].insert_one(identity | SOUND)
    report = await scanner_of(database).scan_all()

    assert report.incomplete == ()
    assert report.mismatch_count == 20


def test_ranges_are_named_for_people() -> None:
    """The whole range has a name that fits in a sentence."""
    assert str(KeyRange()) == "all accounts"
