"""The server itself refuses what is unsound, and takes all that the library and a repair write."""

import random
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId, encode
from bson.raw_bson import RawBSONDocument
from pymongo import InsertOne, ReplaceOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, WriteError

from reconciler.errors import RefusedByValidator
from reconciler.model.amounts import plain
from reconciler.model.guarding import ValidationLevel, ValidatorState
from reconciler.model.mapping import DEFAULT_MAPPINGS, CollectionMapping, TotalMeaning
from reconciler.storage.hardening import Hardening
from reconciler.storage.schema import Schema
from reconciler.storage.validators import validator_of
from reconciler.sync import BalanceSync
from tests.integration.sync.stored import Stored

Database = AsyncDatabase[dict[str, Any]]
REFUSED = 121
MISSING = object()
GOOD: Mapping[str, Any] = {
    "user_id": "alice",
    "currency": "BTC",
    "available_balance": Decimal128("1.5"),
    "locked_balance": Decimal128("0.5"),
    "total_balance": Decimal128("2"),
}
NINES = "9" * 34


def amounts(available: str, locked: str, total: str) -> dict[str, Any]:
    fields = ("available_balance", "locked_balance", "total_balance")
    return dict(zip(fields, map(Decimal128, (available, locked, total)), strict=True))


GOODS: Mapping[str, Mapping[str, Any]] = {
    "as it is": {},
    "an ObjectId": {"user_id": ObjectId()},
    "zeros": amounts("0", "0", "0"),
    "zeros written otherwise": amounts("0.00", "0E-8", "0E+3"),
    "a total with more places": amounts("1.50", "0.5", "2.00000"),
    "34 digits": amounts(NINES, "0", NINES),
    "33 places": amounts("0." + "1" * 33, "0", "0." + "1" * 33),
    "an id of 128": {"user_id": "x" * 128},
    "an id of 128 others": {"user_id": "é😀" * 64},
    "spaces in an id": {"user_id": " a b "},
    "fields of others": {"note": [1, {"x": float("nan")}], "journal_sequence": Int64(3)},
}
BADS: Mapping[str, Mapping[str, Any]] = {
    **{
        f"{field} {name}": {field: value}
        for field in ("available_balance", "locked_balance", "total_balance")
        for name, value in {
            "missing": MISSING,
            "null": None,
            "a double": 1.5,
            "an int": 2,
            "a long": Int64(2),
            "a string": "2",
            "true": True,
            "an array": [Decimal128("2")],
            "an object": {"x": Decimal128("2")},
        }.items()
    },
    "negative": amounts("-1", "3", "2"),
    "negative locked": amounts("3", "-1", "2"),
    "negative total": amounts("0", "0", "-0.1"),
    "minus zero": amounts("-0", "2", "2"),
    "minus zero locked": amounts("2", "-0.00", "2"),
    "minus zero total": amounts("0", "0", "-0E-8"),
    "NaN": amounts("NaN", "NaN", "NaN"),
    "infinite": amounts("Infinity", "0", "Infinity"),
    "infinite below": amounts("-Infinity", "0", "-Infinity"),
    "1E+6000": amounts("1E+6000", "0", "1E+6000"),
    "35 digits": amounts("1E+34", "0", "1E+34"),
    "34 places": amounts("1E-34", "0", "1E-34"),
    "1E-6000": amounts("1E-6000", "0", "1E-6000"),
    "a wrong total": amounts("1", "1", "3"),
    "a total of the available alone": amounts("2", "1", "2"),
    "a total that was rounded": amounts(NINES, "0.1", NINES),
    "a small part that is lost": amounts("1E+33", "1E-33", "1E+33"),
    **{
        f"{field} {name}": {field: value}
        for field in ("user_id", "currency")
        for name, value in {
            "missing": MISSING,
            "null": None,
            "empty": "",
            "a number": 5,
            "an array": ["BTC"],
            "an object": {"$x": 1},
            "with a line break at its end": "BTC\n",
            "with a NUL": "B\0C",
            "with a control character": "B\x85C",
            "with a DEL": "B\x7fC",
            "of 129": "x" * 129,
        }.items()
    },
    "a currency that is an ObjectId": {"currency": ObjectId()},
}


def made(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**GOOD, **changes}.items() if value is not MISSING}


async def _written(
    collection: Any, operation: InsertOne[dict[str, Any]] | ReplaceOne[dict[str, Any]]
) -> None:
    """Write, and give the server's error for this one write."""
    try:
        await collection.bulk_write([operation])
    except BulkWriteError as error:
        (refused,) = error.details["writeErrors"]
        raise WriteError("refused", refused["code"]) from None


async def guarded(database: Database, mapping: CollectionMapping) -> Any:
    return await database.create_collection(mapping.name, validator=validator_of(mapping))


async def test_each_good_document_is_taken_and_each_bad_one_refused(database: Database) -> None:
    """Each alone: with the error of a validator, and by insert as by update."""
    wallets = await guarded(database, DEFAULT_MAPPINGS.truth)
    wrong = []
    for name, changes in GOODS.items():
        try:
            await wallets.insert_one(made(changes))
        except WriteError as error:
            wrong.append((name, error.code))
    _id = (await wallets.insert_one(made({}))).inserted_id
    for name, changes in BADS.items():
        for operation in (InsertOne(made(changes)), ReplaceOne({"_id": _id}, made(changes))):
            try:
                await _written(wallets, operation)
            except WriteError as error:
                wrong += [] if error.code == REFUSED else [(name, error.code)]
            else:
                wrong.append((name, None))
    # What the driver would not write: a text that is no UTF-8.
    raw = encode(made({"user_id": "ABCD"})).replace(b"ABCD", b"\xed\xa0\x80D")
    with pytest.raises(WriteError) as refused:
        await wallets.insert_one(RawBSONDocument(raw))

    assert wrong == []
    assert refused.value.code == REFUSED


@pytest.mark.parametrize("total", [None, "total"])
async def test_a_total_means_what_the_mapping_says(database: Database, total: str | None) -> None:
    """Without a total field nothing is asked of one; one of the available alone equals that."""
    mapping = CollectionMapping(
        "wallets", account="who", total=total, total_means=TotalMeaning.AVAILABLE
    )
    wallets = await guarded(database, mapping)
    good = {"who": "a", "currency": "BTC", **amounts("1", "1", "3")}

    if total is None:
        await wallets.insert_one(dict(good))
        return
    await wallets.insert_one({**good, "total": Decimal128("1.0")})
    for value in (Decimal128("2"), 1):
        with pytest.raises(WriteError):
            await wallets.insert_one({**good, "total": value})


async def test_what_is_posted_is_taken(ready: BalanceSync) -> None:
    """Whatever amounts are posted, strict validators stand in no posting's way."""
    dice = random.Random(6)
    for number in range(60):
        user, currency = f"u{number % 7}", dice.choice(["BTC", "XYZ"])
        places = 8 if currency == "BTC" else 18
        parts = [Decimal(1 + dice.randrange(10**9)).scaleb(-dice.randrange(places)) for _ in "al"]
        await ready.post([(user, currency, parts[0], parts[1])], reason="r")
        held = await ready.balance(user, currency)
        await ready.debit(user, currency, plain(held.available), "all of it")
        await ready.unlock(user, currency, plain(held.locked), "all of it")


@pytest.fixture
async def ready(database: Database) -> BalanceSync:
    """The library on collections under strict validators."""
    await Schema(database, DEFAULT_MAPPINGS).init()
    report = await Hardening(database, DEFAULT_MAPPINGS).apply(replaces=False)
    assert all(each.plan.level is ValidationLevel.STRICT for each in report.guards)
    await database.command("dropAllRolesFromDatabase")
    return BalanceSync(database)


async def test_legacy_documents_are_converted_under_moderate(database: Database) -> None:
    """A posting makes doubles decimals; until all are, the level is moderate, and then strict."""
    schema, hardening = Schema(database, DEFAULT_MAPPINGS), Hardening(database, DEFAULT_MAPPINGS)
    await schema.init()
    for mapping in DEFAULT_MAPPINGS:
        old: dict[str, Any] = {mapping.account: "old", "currency": "BTC", "available_balance": 1.5}
        assert mapping.total is not None
        await database[mapping.name].insert_one({**old, "locked_balance": 0, mapping.total: 1.5})

    planned = await hardening.plan(replaces=False)
    first = await hardening.apply(replaces=False)
    with pytest.raises(WriteError):
        await database["wallets"].insert_one({"user_id": "new", "currency": "BTC"})
    between = await schema.status()
    sync = BalanceSync(database)
    await sync.credit("old", "BTC", "1", "deposit")
    second = await hardening.apply(replaces=False)
    third = await hardening.apply(replaces=False)
    after = await schema.status()
    await database.command("dropAllRolesFromDatabase")

    for report in (planned, first):
        assert {each.plan.level for each in report.guards} == {ValidationLevel.MODERATE}
    assert [each.nonconforming for each in between.validators] == [1] * 4
    assert {each.plan.level for each in second.guards} == {ValidationLevel.STRICT}
    assert [each.plan.is_change for each in third.guards] == [False] * 4
    assert all(each.is_guarded and each.nonconforming == 0 for each in after.validators)
    assert {each.level for each in after.validators} == {ValidationLevel.STRICT}
    assert await Stored(database).amounts("old", "BTC")


async def test_a_dry_run_changes_nothing(database: Database) -> None:
    """Planning leaves no validator and no role behind."""
    await Schema(database, DEFAULT_MAPPINGS).init()

    report = await Hardening(database, DEFAULT_MAPPINGS).plan(replaces=True)

    assert (report.applied, report.is_whole) == (False, True)
    listed = await (await database.list_collections()).to_list()
    assert all("validator" not in each["options"] for each in listed)
    assert (await database.command("rolesInfo"))["roles"] == []


async def test_what_others_set_is_not_replaced_unasked(database: Database) -> None:
    """A foreign validator and one of ours that was changed stay, are shown, and go by asking."""
    await Schema(database, DEFAULT_MAPPINGS).init()
    hardening = Hardening(database, DEFAULT_MAPPINGS)
    await hardening.apply(replaces=False)
    theirs = {"note": {"$exists": True}}
    await database.command("collMod", "wallets", validator=theirs)
    weaker = validator_of(DEFAULT_MAPPINGS["crypto_balances"])
    weaker["$expr"] = True
    await database.command("collMod", "crypto_balances", validator=weaker)
    await database.command("collMod", "trader_balances", validationLevel="off")
    await database.command("collMod", "internal_balances", validationAction="warn")

    found = (await Schema(database, DEFAULT_MAPPINGS).status()).validators
    refused = await hardening.apply(replaces=False)
    kept = (await (await database.list_collections(filter={"name": "wallets"})).to_list())[0]
    done = await hardening.apply(replaces=True)
    await database.command("dropAllRolesFromDatabase")

    assert [each.state for each in found] == [
        ValidatorState.FOREIGN,
        ValidatorState.ALTERED,
        ValidatorState.OURS,
        ValidatorState.OURS,
    ]
    assert [each.is_tampered for each in found] == [False, True, True, True]
    assert not any(each.is_guarded for each in found)
    assert "note" in found[0].found
    assert [each.plan.is_refused for each in refused.guards] == [True, True, False, False]
    assert kept["options"]["validator"] == theirs
    assert done.is_whole
    status = await Schema(database, DEFAULT_MAPPINGS).status()
    assert all(each.is_guarded for each in status.validators)


async def test_another_mapping_replaces_what_is_ours(database: Database) -> None:
    """A validator of ours that nobody touched gives way to that of a new mapping."""
    await Schema(database, DEFAULT_MAPPINGS).init()
    old = replace(DEFAULT_MAPPINGS.truth, total=None)
    await database.command("collMod", "wallets", validator=validator_of(old))

    report = await Hardening(database, DEFAULT_MAPPINGS).apply(replaces=False)
    await database.command("dropAllRolesFromDatabase")

    status = await Schema(database, DEFAULT_MAPPINGS).status()
    assert report.guards[0].before.state is ValidatorState.OUTDATED
    assert report.is_whole
    assert {each.level for each in status.validators} == {ValidationLevel.STRICT}


async def test_what_cannot_be_counted_is_not_zero(database: Database) -> None:
    """Without an answer in time the count is unknown, and the level moderate."""
    await Schema(database, DEFAULT_MAPPINGS).init()
    await database["wallets"].insert_one(made({}))

    report = await Hardening(database, DEFAULT_MAPPINGS, count_seconds_max=0.0).plan(replaces=False)

    assert {each.before.nonconforming for each in report.guards} == {None}
    assert all("in time" in each.before.uncounted for each in report.guards)
    assert {each.plan.level for each in report.guards} == {ValidationLevel.MODERATE}


async def test_a_refused_posting_names_the_collection(
    ready: BalanceSync, database: Database
) -> None:
    """Where a foreign validator stands in the way nothing is written, and it is tried once."""
    await database.command(
        "collMod", "trader_balances", validator={"note": 1}, validationLevel="strict"
    )

    with pytest.raises(RefusedByValidator, match=r"trader_balances .*db status") as refused:
        await ready.credit("alice", "BTC", "1", "deposit")

    assert refused.value.collection == "trader_balances"
    assert await database["wallets"].count_documents({}) == 0
    assert await database["balance_journal"].count_documents({}) == 0
