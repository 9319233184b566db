"""What a user holds by the source of truth, and what a credit for trying out answers."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId
from pymongo import AsyncMongoClient

from reconciler.errors import AmountTooFine, CannotLook, IdempotencyConflict
from reconciler.escrow.credits import TrialCredits
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.valuation import value_in_usd
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.holdings import MongoHoldings
from reconciler.sync import BalanceSync
from tests.integration.scanning.field import Database
from tests.integration.sync.stored import make_indexes

D = Decimal
PRICES = {"BTC": D(88210), "ETH": D(1825)}


@pytest.fixture
async def ready(database: Database) -> Database:
    await make_indexes(database)
    return database


@pytest.fixture
def holdings(ready: Database) -> MongoHoldings:
    return MongoHoldings(MongoBalanceStore(ready, DEFAULT_MAPPINGS), DEFAULT_MAPPINGS)


@pytest.fixture
def trial(ready: Database, holdings: MongoHoldings) -> TrialCredits:
    return TrialCredits(BalanceSync(ready), holdings)


async def put(database: Database, currency: Any, *, user: Any = "alice", **amounts: Any) -> None:
    """Write one copy into the source of truth."""
    fields = {f"{name}_balance": amount for name, amount in amounts.items()}
    await database["wallets"].insert_one({"user_id": user, "currency": currency, **fields})


async def test_totals_are_exact(holdings: MongoHoldings, ready: Database) -> None:
    """Available and locked of each currency, whatever numbers old code stored them as."""
    await put(ready, "BTC", available=0.1, locked=0.2, total=99)
    await put(ready, "ETH", available=Decimal128("1E-18"), locked=Int64(2**62))
    await put(ready, "GBP", available=5)
    await put(ready, "XRP", available=Decimal128("1.50"), locked=Decimal128("-0.5"))
    await put(ready, "DOGE", available=Decimal128("0E-6176"), locked=Decimal128("1E+33"))
    await put(ready, "BTC", user="bob", available=1)

    assert await holdings.totals("alice") == {
        "BTC": D("0.3"),
        "ETH": D("4611686018427387904.000000000000000001"),
        "GBP": D(5),
        "XRP": D(1),
        "DOGE": D("1000000000000000000000000000000000"),
    }
    assert {str(total) for total in (await holdings.totals("alice")).values()} == {
        "0.3",
        "4611686018427387904.000000000000000001",
        "5",
        "1",
        "1000000000000000000000000000000000",
    }


async def test_the_id_is_exactly_this_string(holdings: MongoHoldings, ready: Database) -> None:
    """Neither another type with the same text nor an array that holds the id is this user."""
    text = "0123456789abcdef01234567"
    await put(ready, "BTC", user=ObjectId(text), available=1)
    await put(ready, "BTC", user=[text, "other"], available=2)
    await put(ready, "ETH", user=text, available=3)

    assert await holdings.totals(text) == {"ETH": D(3)}
    assert await holdings.totals("nobody") == {}
    assert await holdings.totals("{'$gt': ''}") == {}


@pytest.mark.parametrize(
    "amounts, words",
    [
        ({"available": "many"}, "holds no usable number"),
        ({"available": math.nan}, "holds no usable number"),
        ({"available": 1, "locked": None}, "holds no usable number"),
        ({"locked": 1}, "holds no usable number"),
        ({"available": Decimal128("Infinity")}, "holds no usable number"),
    ],
)
async def test_a_broken_copy(
    holdings: MongoHoldings, ready: Database, amounts: dict[str, Any], words: str
) -> None:
    """No total is made up: it is said which copy is broken, and what to do."""
    await put(ready, "ETH", available=1)
    await put(ready, "BTC", **amounts)
    with pytest.raises(CannotLook, match=f"alice/BTC in wallets {words}.*reconciler check"):
        await holdings.totals("alice")


async def test_an_account_that_is_there_twice(database: Database, holdings: MongoHoldings) -> None:
    """Nobody can say which of two documents is right."""
    await database["wallets"].drop_indexes()
    await put(database, "BTC", available=1)
    await put(database, "BTC", available=1)
    with pytest.raises(CannotLook, match="alice/BTC in wallets is there twice"):
        await holdings.totals("alice")


@pytest.mark.parametrize("currency", [None, 5, ["BTC"]])
async def test_a_copy_of_no_currency(
    holdings: MongoHoldings, ready: Database, currency: object
) -> None:
    """What is held of nothing that has a name is not left out in silence."""
    await put(ready, currency, available=1)
    with pytest.raises(CannotLook, match="in wallets has a currency of type"):
        await holdings.totals("alice")


async def test_no_source_of_truth(database: Database) -> None:
    """A database without the collection is the wrong one, not one of which nothing is held."""
    holdings = MongoHoldings(MongoBalanceStore(database, DEFAULT_MAPPINGS), DEFAULT_MAPPINGS)
    with pytest.raises(CannotLook, match="the collection wallets does not exist"):
        await holdings.totals("alice")


async def test_a_standalone_server(standalone_uri: str) -> None:
    """There it reads plainly, as a check does."""
    async with AsyncMongoClient[dict[str, Any]](standalone_uri) as client:
        database = client["test_holdings"]
        await put(database, "BTC", available=Decimal128("0.5"))
        holdings = MongoHoldings(MongoBalanceStore(database, DEFAULT_MAPPINGS), DEFAULT_MAPPINGS)
        totals = await holdings.totals("alice")
        await client.drop_database("test_holdings")

    assert totals == {"BTC": D("0.5")}


async def test_the_credits_of_the_specification(trial: TrialCredits) -> None:
    """After 0.001 BTC and 0.05 ETH the user holds exactly these, worth 179.46 dollars."""
    await trial.credit("alice", "BTC", D("0.001"))
    totals = await trial.credit("alice", "ETH", D("0.050"))

    assert {currency: str(total) for currency, total in totals.items()} == {
        "BTC": "0.001",
        "ETH": "0.05",
    }
    assert str(value_in_usd(totals, PRICES).total_usd) == "179.46"


async def test_only_what_is_held_is_told(trial: TrialCredits, ready: Database) -> None:
    """A total of zero or below is not among them; what is locked is."""
    await put(ready, "ETH", available=0, locked=0)
    await put(ready, "XRP", available=-1, locked=0)
    await put(ready, "SOL", available=0, locked=2)
    totals: Mapping[str, Decimal] = await trial.credit("alice", "BTC", D(1))

    assert totals == {"BTC": D(1), "SOL": D(2)}


async def test_a_credit_repeated(trial: TrialCredits, ready: Database) -> None:
    """Under one op_id it is made once, with the reason that says what it is."""
    for _ in range(2):
        assert await trial.credit("alice", "BTC", D(1), op_id="op-1") == {"BTC": D(1)}
    with pytest.raises(IdempotencyConflict):
        await trial.credit("alice", "BTC", D(2), op_id="op-1")
    with pytest.raises(AmountTooFine):
        await trial.credit("alice", "BTC", D("1E-9"))

    (entry,) = await ready["balance_journal"].find().to_list()
    assert (entry["kind"], entry["reason"]) == ("credit", "test credit")


async def test_a_credit_beside_a_broken_copy(trial: TrialCredits, ready: Database) -> None:
    """The credit is made, and it is said so: the answer alone is what cannot be given."""
    await put(ready, "ETH", available="many")
    with pytest.raises(CannotLook, match=r"the credit was made, as op_id 'op-1', but.*alice/ETH"):
        await trial.credit("alice", "BTC", D(1), op_id="op-1")

    copy = await ready["wallets"].find_one({"user_id": "alice", "currency": "BTC"})
    assert copy is not None
    assert copy["available_balance"] == Decimal128("1")
