"""The buckets of user ids: the server and the client agree on them, and nobody is in none."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from bson import Decimal128, ObjectId
from pymongo import AsyncMongoClient, monitoring

from reconciler.errors import SnapshotTooOld
from reconciler.model.comparison import MismatchKind
from reconciler.model.digest import Bucketing, Buckets, ByHash, ByPiece
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import ScanMethod
from reconciler.scanning.ports import KeyRange, Portion, Selection
from reconciler.scanning.scanner import Scanner
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.bucketing import bucket_of, in_buckets
from reconciler.storage.moments import MongoMoment
from tests.integration.scanning.drifts import only_the_total, sound
from tests.integration.scanning.field import (
    LONE_SURROGATE,
    ODD,
    SCALARS,
    SYMBOL_A,
    Database,
    Exchange,
    document,
    raw_string,
)
from tests.integration.scanning.methods import first_by
from tests.integration.scanning.scanning import assert_found, at_once, scanner

TEXTS = ["", "a", "us", "user-01", "user-0", "a\0b", "x" * 300, "$literal", "user-02"]
WITHIN_CHARACTERS = [
    b"\xc3",
    b"user\xc3",
    b"ab\xe0",
    b"user-\xf0\x9f",
    b"\x80x",
    b"u\xff",
    b"user-0\x80",
]


@pytest.mark.parametrize("piece", [ByPiece(0, 2), ByPiece(3, 2), ByPiece(299, 4)], ids=str)
async def test_a_piece_is_what_it_is_here(database: Database, piece: ByPiece) -> None:
    """The server cuts bytes, as we do; an id that is too short has less of one."""
    await database["ids"].insert_many([{"_id": text} for text in TEXTS])

    rows = await database["ids"].aggregate([{"$project": {"b": bucket_of("$_id", piece)}}])

    end = piece.start + piece.length
    assert {row["_id"]: row["b"] async for row in rows} == {
        text: text[piece.start : end] for text in TEXTS
    }


@pytest.mark.parametrize("is_careful", [False, True])
@pytest.mark.parametrize("by", [ByPiece(0, 2), ByPiece(5, 2), ByHash(32)], ids=str)
async def test_buckets_are_told_apart(
    database: Database, by: Bucketing, *, is_careful: bool
) -> None:
    """A text is in the bucket that was computed for it and in no other one."""
    await database["ids"].insert_many([{"_id": text} for text in TEXTS])
    found = await database["ids"].aggregate([{"$project": {"b": bucket_of("$_id", by)}}])
    buckets = {row["_id"]: row["b"] async for row in found}

    for chosen in set(buckets.values()):
        condition = in_buckets("$_id", Buckets(by, frozenset({chosen}), is_careful))
        rows = await database["ids"].find({"$expr": condition}).to_list()
        assert {row["_id"] for row in rows} == {t for t in TEXTS if buckets[t] == chosen}


async def test_what_is_no_text_is_in_all_buckets_of_pieces(database: Database) -> None:
    """It is read with whatever bucket is read: its own cannot be cut out, and never agrees."""
    texts = (str, type(LONE_SURROGATE))
    ids = [SYMBOL_A, *[each for each in [*SCALARS, *ODD] if not isinstance(each, texts)]]
    exchange = Exchange()
    for each in ids:
        exchange.put(["wallets"], u=each, c="BTC", a=Decimal128("1"))
    await exchange.write(database)
    condition = in_buckets("$user_id", Buckets(ByPiece(0, 2), frozenset({"zz"})))

    assert await database["wallets"].count_documents({"$expr": condition}) == len(ids)


@pytest.mark.parametrize(
    "piece", [ByPiece(0, 1), ByPiece(1, 1), ByPiece(3, 2), ByPiece(4, 4)], ids=str
)
async def test_texts_that_are_none(database: Database, piece: ByPiece) -> None:
    """Ids that are not UTF-8, or end within a character, harm neither the scan nor the server."""
    for damaged in [b"\xed\xa0\x80", *WITHIN_CHARACTERS, "é".encode(), "user-é".encode()]:
        exchange = sound(20)
        row = {"c": "BTC", "a": Decimal128("1"), "l": Decimal128("0"), "t": Decimal128("1")}
        exchange.put(["trader_balances"], u=raw_string(damaged), **row)
        exchange.everywhere(u=raw_string(damaged + b"!"), **row)
        await exchange.write(database)

        report = await scanner(
            database,
            options=at_once(method=ScanMethod.DIGEST),
            store={"choose_bucketing": first_by(piece)},
        ).scan_all()

        assert_found(report, exchange)
        assert report.method is ScanMethod.DIGEST


@pytest.mark.parametrize("piece", [ByPiece(0, 1), ByPiece(1, 1), ByPiece(5, 2)], ids=str)
@pytest.mark.parametrize("damaged", WITHIN_CHARACTERS, ids=repr)
async def test_what_appears_before_the_drill_down(
    database: Database, monkeypatch: pytest.MonkeyPatch, damaged: bytes, piece: ByPiece
) -> None:
    """The snapshot is lost, and the new one has an id that has no piece: the rest is read still."""
    exchange = sound(30)
    only_the_total(exchange)
    await exchange.write(database)
    row = {"trader_id": raw_string(damaged), "currency": "BTC", "total_balance": Decimal128("1")}
    row |= {"available_balance": Decimal128("1"), "locked_balance": Decimal128("0")}
    portions = MongoMoment.portions
    parts: list[KeyRange] = []

    async def losing(
        self: MongoMoment, key_range: KeyRange, selection: Selection
    ) -> AsyncGenerator[Portion, None]:
        parts.append(key_range)
        if len(parts) == 1:
            await database["trader_balances"].insert_one(document(row))
            raise SnapshotTooOld("lost on purpose")
        async for portion in portions(self, key_range, selection):
            yield portion

    monkeypatch.setattr(MongoMoment, "portions", losing)
    report = await scanner(
        database,
        options=at_once(method=ScanMethod.DIGEST),
        store={"choose_bucketing": first_by(piece)},
    ).scan_all()

    assert report.incomplete == ()
    assert report.by_kind[MismatchKind.TOTAL] == 1
    assert report.method is ScanMethod.DIGEST
    assert [isinstance(each.buckets and each.buckets.by, ByPiece) for each in parts] == [True] * 2


class Pieces(monitoring.CommandListener):
    """Counts the aggregations that group by a piece."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.count += "'$group': {'_id': {'$substrBytes'" in str(event.command)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Nothing to note."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing to note."""


async def scan_twice(uri: str, database: Database, exchange: Exchange) -> list[int]:
    """Scan by digests two times in one process, and count the pieces asked for by then."""
    await exchange.write(database)
    pieces = Pieces()
    counts = []
    async with AsyncMongoClient[dict[str, Any]](uri, event_listeners=[pieces]) as client:
        store = MongoBalanceStore(client[database.name], DEFAULT_MAPPINGS)
        options = at_once(method=ScanMethod.DIGEST)
        for _ in range(2):
            report = await Scanner(store, DEFAULT_MAPPINGS, options).scan_all()
            assert_found(report, exchange)
            assert report.method is ScanMethod.DIGEST
            counts.append(pieces.count)
    return counts


async def test_ids_that_are_texts(mongo_uri: str, database: Database) -> None:
    """Each collection is grouped by a piece in each scan."""
    assert await scan_twice(mongo_uri, database, sound(30)) == [4, 8]


async def test_one_id_among_many_that_is_none(mongo_uri: str, database: Database) -> None:
    """No sample shows it, the server does, and then all are hashed; the next scan knows."""
    exchange = sound(30)
    exchange.put(DEFAULT_MAPPINGS.names[1:], u=ObjectId(), c="BTC", a=Decimal128("1"))

    first, second = await scan_twice(mongo_uri, database, exchange)

    assert 0 < first <= 4
    assert second == first
