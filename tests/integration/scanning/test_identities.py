"""Ids and currencies of every type: sorted as the server sorts, counted, and printed safely."""

import random
import uuid
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson import (
    Binary,
    Code,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)
from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, WriteError

from reconciler.model.report import ScanReport
from reconciler.storage.elements import elements
from reconciler.storage.ordering import order_of
from tests.integration.scanning.seeing import (
    kinds_of,
    make_collections,
    put,
    put_alike,
    scanner_of,
)
from tests.integration.sync.stored import make_indexes

Database = AsyncDatabase[dict[str, Any]]

PARALLEL_ARRAYS = 171
SOUND = {"available_balance": Decimal128("2"), "locked_balance": Decimal128("1")}
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)

SCALARS: list[object] = [
    "",
    "a",
    "a ",
    "é",
    "\U0001f4b0",
    '{"$gt": ""}',
    "line\nbreak",
    "\u202eoverride",
    "a\0b",
    "x" * 2_000,
    0,
    -5,
    7,
    Int64(2**60),
    2.5,
    -1e308,
    float("inf"),
    float("nan"),
    Decimal128("7.25"),
    Decimal128("1E+40"),
    Decimal128("-1E-40"),
    ObjectId("000000000000000000000001"),
    ObjectId("ffffffffffffffffffffffff"),
    Binary(b""),
    Binary(b"\0\1\2"),
    Binary(b"\0\1\2", 128),
    Binary.from_uuid(uuid.UUID(int=7)),
    True,
    False,
    MOMENT,
    bson.DatetimeMS(2**62),
    bson.DatetimeMS(-(2**62)),
    Timestamp(1, 2),
    Timestamp(4_000_000_000, 1),
]

NOT_SCALARS: list[object] = [
    ...,
    None,
    {"$gt": ""},
    {"a": 1},
    ["a"],
    [],
    [["a"], "b"],
    Regex("^a"),
    Code("f()"),
    MinKey(),
    MaxKey(),
]


@pytest.fixture(params=["without indexes", "with indexes"])
async def collections(request: pytest.FixtureRequest, database: Database) -> Database:
    """The four collections, with their unique indexes or without any."""
    await make_collections(database)
    if request.param == "with indexes":
        await make_indexes(database)
    return database


async def test_sound_ids_of_every_type(collections: Database) -> None:
    """Accounts whose ids are scalars of any type are sound, in ranges of any size."""
    for user in SCALARS:
        await put_alike(collections, user, "BTC", **SOUND)
    for range_accounts in (40_000, 5, 1):
        scanner = scanner_of(collections, range_accounts=range_accounts, batch_documents=3)
        report = await scanner.scan_all()
        assert (report.mismatch_count, report.incomplete) == (0, ())
        assert (report.coverage.accounts, report.coverage.users) == (len(SCALARS), len(SCALARS))


async def test_drift_on_ids_of_every_type(collections: Database) -> None:
    """A drift is found, and found again for its confirmation, under an id of any type."""
    for user in SCALARS:
        await put_alike(collections, user, "BTC", **SOUND)
    await collections["wallets"].update_many({}, {"$inc": {"available_balance": 1}})
    report = await scanner_of(collections, range_accounts=4, batch_documents=3).scan_all()

    assert (report.mismatch_count, report.mismatched_users) == (len(SCALARS), len(SCALARS))
    assert all(each.account.user_id.bson_type != "missing" for each in report.mismatches)


async def test_currencies_of_every_type(collections: Database) -> None:
    """A currency may be any scalar, too."""
    for currency in SCALARS:
        await put_alike(collections, "user", currency, **SOUND)
    await put(collections, "wallets", "user", "only here", **SOUND)
    report = await scanner_of(collections, batch_documents=4).scan_all()

    assert (report.coverage.users, report.coverage.currencies) == (1, len(SCALARS) + 1)
    assert kinds_of(report) == {("user", "only here"): "missing"}


@pytest.mark.parametrize("place", ["user", "currency", "both"])
async def test_what_is_no_identity(collections: Database, place: str) -> None:
    """Documents whose id or currency is missing or no scalar are malformed, with their `_id`."""
    await put_alike(collections, "sound", "BTC", **SOUND)
    written = set()
    for number, value in enumerate(NOT_SCALARS):
        user = "u" if place == "currency" else value
        currency = "BTC" if place == "user" else value
        # In two collections, since a unique index takes a missing field for null.
        name = "trader_balances" if value is None else "crypto_balances"
        try:
            await put(collections, name, user, currency, _id=f"odd-{number}", **SOUND)
        except WriteError as error:
            if error.code != PARALLEL_ARRAYS:
                raise
            continue
        written.add(f"odd-{number}")
    for range_accounts in (40_000, 1):
        scanner = scanner_of(collections, range_accounts=range_accounts, batch_documents=2)
        report = await scanner.scan_all()
        assert report.incomplete == ()
        assert (report.mismatch_count, report.coverage.accounts) == (len(written), 1)
        assert {kind.value for kind in report.by_kind} == {"malformed"}
        assert document_ids(report) == written


def document_ids(report: ScanReport) -> set[str]:
    """Give the `_id`s of all copies in the reported mismatches."""
    return {
        copy.document_id
        for mismatch in report.mismatches
        for copies in mismatch.view.copies.values()
        for copy in copies
    }


async def test_one_account_under_two_number_types(collections: Database) -> None:
    """1, 1.0 and Decimal128 1 are one account, as a unique index sees it."""
    for name, user in (
        ("wallets", 1),
        ("crypto_balances", 1.0),
        ("trader_balances", Decimal128("1.00")),
        ("internal_balances", Int64(1)),
    ):
        await put(collections, name, user, "BTC", **SOUND)
    report = await scanner_of(collections).scan_all()

    assert (report.mismatch_count, report.coverage.accounts, report.coverage.users) == (0, 1, 1)


async def test_a_number_doubled_under_two_types(database: Database) -> None:
    """1 and 1.0 in every collection is one account twice: a duplicate, though its bytes differ."""
    await make_collections(database)
    for user in (1, 1.0):
        await put_alike(database, user, "BTC", **SOUND)
    report = await scanner_of(database).scan_all()

    assert report.coverage.accounts == 1
    assert {kind.value for kind in report.by_kind} == {"duplicate"}


def raw_document(user_bytes: bytes) -> RawBSONDocument:
    """Make a document whose user id is a string of any bytes, which no driver would write."""
    placeholder = "\x01" * len(user_bytes)
    encoded = bson.encode(
        {"user_id": placeholder, "trader_id": placeholder, "currency": "BTC"} | SOUND
    )
    return RawBSONDocument(encoded.replace(placeholder.encode(), user_bytes))


async def test_ids_that_are_no_utf_8(collections: Database) -> None:
    """Lone surrogates and other bytes that are no UTF-8 are ids like any other."""
    users = [b"\xed\xa0\x80", b"\xff\xfe", b"\xc3\x28", b"ok"]
    for name in ("wallets", "crypto_balances", "trader_balances", "internal_balances"):
        for user in users:
            await collections[name].insert_one(raw_document(user))
    sound = await scanner_of(collections, range_accounts=1).scan_all()
    await collections["wallets"].update_many({}, {"$inc": {"available_balance": 1}})
    drifted = await scanner_of(collections, range_accounts=1).scan_all()

    assert (sound.mismatch_count, sound.coverage.users) == (0, len(users))
    assert (drifted.mismatch_count, drifted.mismatched_users) == (len(users), len(users))


ids = st.one_of(
    st.sampled_from(SCALARS + NOT_SCALARS[1:]),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1).map(Int64),
    st.floats(),
    st.decimals(allow_nan=True).map(
        lambda number: Decimal128(f"{number:.20E}" if number.is_finite() else str(number))
    ),
    st.text(max_size=6),
    st.binary(max_size=4).map(Binary),
)


async def store_and_scan(database: Database, users: list[object], chance: random.Random) -> None:
    """Store documents in random collections; the scan must see each document's account once."""
    names = ["wallets", "crypto_balances", "trader_balances", "internal_balances"]
    for name in names:
        await database[name].delete_many({})
    for user in users:
        for name in chance.sample(names, chance.randint(1, 4)):
            await put(database, name, user, chance.choice(["BTC", "ETH"]), **SOUND)
    whole = await scanner_of(database).scan_all()
    split = await scanner_of(database, range_accounts=1, batch_documents=2).scan_all()
    assert (whole.incomplete, split.incomplete) == ((), ())
    assert split.coverage == whole.coverage
    assert (split.mismatch_count, split.by_kind) == (whole.mismatch_count, whole.by_kind)
    assert split.mismatched_users == whole.mismatched_users
    assert document_ids(split) == document_ids(whole)


async def test_ranges_part_all_ids(collections: Database) -> None:
    """Whatever the ids are, many small ranges see exactly what one range sees."""
    chance = random.Random(20261123)
    examples: list[list[object]] = []

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(ids, min_size=1, max_size=8))
    def draw(users: list[object]) -> None:
        examples.append(users)

    draw()
    scanned = 0
    for users in examples:
        try:
            await store_and_scan(collections, users, chance)
        except (DuplicateKeyError, WriteError, InvalidBSON):
            continue  # an index keeps what was drawn from being stored; some refusals quote a date
        scanned += 1
    assert scanned > len(examples) // 4


async def test_the_order_is_the_servers(database: Database) -> None:
    """Raw values sort as the server sorts them, and are equal exactly where it groups them."""
    chance = random.Random(7)
    numbers: list[object] = [
        *(chance.randint(-(2**31), 2**31 - 1) for _ in range(60)),
        *(Int64(chance.randint(-(2**63), 2**63 - 1)) for _ in range(60)),
        *(chance.uniform(-1e6, 1e6) for _ in range(60)),
        *(float(chance.randint(-50, 50)) / 4 for _ in range(60)),
        *(Decimal128(f"{chance.randint(-200, 200)}E-2") for _ in range(60)),
        2**53 + 0.0,
        Int64(2**53 + 1),
        0.1,
        Decimal128("0.1"),
        -0.0,
        Decimal128("-0"),
    ]
    collection = database["ordered"]
    await collection.insert_many([{"v": value} for value in SCALARS + numbers])
    cursor = await collection.aggregate_raw_batches(
        [{"$sort": {"v": 1}}, {"$project": {"_id": 0, "v": 1}}], collation={"locale": "simple"}
    )
    batches: list[Any] = [batch async for batch in cursor]
    raw = b"".join(batches)
    counted = await collection.aggregate([{"$group": {"_id": "$v"}}, {"$count": "n"}])
    (groups,) = await counted.to_list()

    orders = [
        order_of(elements(bytes(document.raw))["v"])
        for document in bson.decode_all(raw, bson.CodecOptions(document_class=RawBSONDocument))
    ]
    assert len(orders) == len(SCALARS) + len(numbers)
    assert orders == sorted(orders)
    assert len(set(orders)) == groups["n"]
