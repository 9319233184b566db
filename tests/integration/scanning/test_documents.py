"""Every kind of mismatch and every broken value among sound accounts: told, never a crash."""

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Decimal128, Int64
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.model.mapping import (
    DEFAULT_MAPPINGS,
    CollectionMapping,
    Mappings,
    TotalMeaning,
)
from tests.integration.scanning.seeing import kinds_of, make_collections, put, put_alike, scanner_of
from tests.integration.sync.stored import ACCOUNT_FIELDS, TOTAL_FIELDS

Database = AsyncDatabase[dict[str, Any]]
Fields = dict[str, Any]

SOUND: Fields = {"available_balance": Decimal128("2"), "locked_balance": Decimal128("1")}
BAD = ("bad", "BTC")

# What may stand where 2 should, and what that is when one collection alone has it.
VALUES: list[tuple[object, str]] = [
    (2.0, "healthy"),
    (2, "healthy"),
    (Int64(2), "healthy"),
    (Decimal128("2.00"), "healthy"),
    (2.000000001, "healthy"),
    (2.00001, "amount"),
    (Decimal128("2.000000001"), "amount"),
    (Decimal128("1E-6000"), "amount"),
    (-0.0, "amount"),
    (Decimal128("-0"), "amount"),
    (-1, "amount"),
    ("2", "malformed"),
    ("", "malformed"),
    (None, "malformed"),
    ([2], "malformed"),
    ([], "malformed"),
    ({"$gt": ""}, "malformed"),
    (True, "malformed"),
    (datetime(2026, 1, 1, tzinfo=UTC), "malformed"),
    (float("nan"), "malformed"),
    (float("inf"), "malformed"),
    (float("-inf"), "malformed"),
    (1e300, "malformed"),
    (Decimal128("NaN"), "malformed"),
    (Decimal128("sNaN"), "malformed"),
    (Decimal128("Infinity"), "malformed"),
    (Decimal128("-Infinity"), "malformed"),
    (Decimal128("1E+6000"), "malformed"),
]


async def kind_of_bad(database: Database, **options: Any) -> str:
    """Scan; give the kind of the one bad account, all others being sound."""
    report = await scanner_of(database, **options).scan_all()
    assert report.incomplete == ()
    assert report.coverage.users == 3
    found = kinds_of(report)
    assert set(found) <= {BAD}
    return found.get(BAD, "healthy")


@pytest.fixture
async def neighbours(database: Database) -> Database:
    """Two sound accounts around the one that a test adds."""
    await make_collections(database)
    for user in ("aaa", "zzz"):
        await put_alike(database, user, "BTC", **SOUND)
    return database


@pytest.mark.parametrize("value, kind", VALUES, ids=repr)
async def test_a_value_in_one_collection(neighbours: Database, value: object, kind: str) -> None:
    """A value that only one collection has is told apart by its type and amount."""
    await put_alike(neighbours, *BAD, **SOUND)
    change = {"$set": {"available_balance": value}}
    await neighbours["crypto_balances"].update_one({"user_id": "bad"}, change)

    assert await kind_of_bad(neighbours) == kind


@pytest.mark.parametrize("field", ["available_balance", "locked_balance", "total"])
@pytest.mark.parametrize(
    "value", [value for value, kind in VALUES if kind == "malformed"], ids=repr
)
async def test_a_broken_value_alike(neighbours: Database, field: str, value: object) -> None:
    """A broken value that all four collections hold alike is malformed, in whichever field."""
    for name in ACCOUNT_FIELDS:
        key = TOTAL_FIELDS[name] if field == "total" else field
        await put(neighbours, name, *BAD, **{**SOUND, key: value})

    assert await kind_of_bad(neighbours) == "malformed"


ALIKE: list[tuple[Fields, str]] = [
    ({"available_balance": Decimal128("2")}, "healthy"),
    ({"available_balance": Decimal128("-0"), "locked_balance": Decimal128("0")}, "healthy"),
    ({"available_balance": 2.5, "locked_balance": 0}, "healthy"),
    ({"available_balance": Decimal128("-2"), "locked_balance": Decimal128("3")}, "negative"),
    ({"available_balance": -0.5}, "negative"),
    ({"available_balance": -1e-17}, "healthy"),
    ({"locked_balance": Decimal128("2")}, "malformed"),
    ({}, "malformed"),
]


@pytest.mark.parametrize("fields, kind", ALIKE, ids=repr)
async def test_documents_alike(neighbours: Database, fields: Fields, kind: str) -> None:
    """Missing fields, minus zero, doubles and negative amounts that are the same everywhere."""
    await put_alike(neighbours, *BAD, **fields)

    assert await kind_of_bad(neighbours) == kind


ZERO: Fields = {"available_balance": Decimal128("0"), "locked_balance": 0}


@pytest.mark.parametrize(
    "absent, fields, kind",
    [
        (["wallets"], SOUND, "orphan"),
        (["trader_balances"], SOUND, "missing"),
        (["crypto_balances", "internal_balances"], SOUND, "missing"),
        (["wallets", "trader_balances"], SOUND, "orphan"),
        (["wallets"], ZERO, "healthy"),
        (["wallets", "crypto_balances", "trader_balances"], ZERO, "healthy"),
        (["trader_balances"], {"available_balance": "?"}, "malformed"),
    ],
    ids=str,
)
async def test_missing_copies(
    neighbours: Database, absent: list[str], fields: Fields, kind: str
) -> None:
    """An account without a copy somewhere is an orphan, is missing, or is sound if it is zero."""
    for name in ACCOUNT_FIELDS:
        if name not in absent:
            await put(neighbours, name, *BAD, **fields)

    assert await kind_of_bad(neighbours) == kind


@pytest.mark.parametrize("copies", [2, 3, 40])
@pytest.mark.parametrize("names", [["wallets"], ["trader_balances"], list(ACCOUNT_FIELDS)], ids=str)
async def test_duplicates(neighbours: Database, names: list[str], copies: int) -> None:
    """Doubled copies in one collection or in all are one mismatch of one account."""
    await put_alike(neighbours, *BAD, **SOUND)
    for name in names:
        for _ in range(copies - 1):
            await put(neighbours, name, *BAD, **SOUND)

    assert await kind_of_bad(neighbours, batch_documents=2) == "duplicate"


async def test_compensating_drifts(neighbours: Database) -> None:
    """What adds up to the same sums is found all the same: shifted, swapped, between two fields."""
    for user in ("plus", "minus", "swapped"):
        await put_alike(neighbours, user, "BTC", **SOUND)
    wallets = neighbours["wallets"]
    await wallets.update_one({"user_id": "plus"}, {"$inc": {"available_balance": 1}})
    await wallets.update_one({"user_id": "minus"}, {"$inc": {"available_balance": -1}})
    exchanged = {
        "available_balance": SOUND["locked_balance"],
        "locked_balance": SOUND["available_balance"],
    }
    await wallets.update_one({"user_id": "swapped"}, {"$set": exchanged})
    report = await scanner_of(neighbours).scan_all()

    assert kinds_of(report) == {(user, "BTC"): "amount" for user in ("minus", "plus", "swapped")}


async def test_a_total_that_means_available(database: Database) -> None:
    """A total is held to what the mapping says of it, and to nothing where there is none."""
    mappings = Mappings(
        (
            CollectionMapping("wallets", total="balance", total_means=TotalMeaning.AVAILABLE),
            CollectionMapping("ledger", total=None),
        )
    )
    for name in mappings.names:
        for user, total in (("right", "2"), ("wrong", "3")):
            document = {"user_id": user, "currency": "BTC", "balance": Decimal128(total), **SOUND}
            await database[name].insert_one(document)
    report = await scanner_of(database, mappings=mappings).scan_all()

    assert kinds_of(report) == {("wrong", "BTC"): "total"}
    assert report.mismatches[0].differs == ("wallets.total",)


async def test_counts_are_never_cut(database: Database) -> None:
    """Of many mismatches some are listed, the smallest first, and all are counted."""
    await make_collections(database)
    for number in range(60):
        await put_alike(database, f"u{number // 2:02}", f"C{number % 2}", **SOUND)
    await database["wallets"].update_many({}, {"$inc": {"available_balance": 1}})
    scanner = scanner_of(
        database, range_accounts=5, batch_documents=7, mismatches_max=4, suspects_max=10
    )
    report = await scanner.scan_all()

    assert (report.mismatch_count, report.mismatched_users) == (60, 30)
    assert report.truncated
    assert list(kinds_of(report)) == [("u00", "C0"), ("u00", "C1"), ("u01", "C0"), ("u01", "C1")]
    assert report.coverage.currencies == 2


def test_the_default_mapping_is_what_these_tests_store() -> None:
    """The fields that the tests write are those that the default mapping reads."""
    assert {each.name: each.account for each in DEFAULT_MAPPINGS} == ACCOUNT_FIELDS
    assert {each.name: each.total for each in DEFAULT_MAPPINGS} == TOTAL_FIELDS
