"""What the library refuses: each with its own error, and with nothing written."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128
from pymongo import AsyncMongoClient

from reconciler.errors import (
    AmountNotANumber,
    AmountNotPositive,
    AmountTooFine,
    AmountTooLong,
    BalancesOutOfSync,
    BrokenBalance,
    FloatRefused,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidCurrency,
    InvalidPosting,
    InvalidUserId,
    PostingRefused,
    SchemaNotReady,
    UnsupportedServer,
)
from reconciler.model.comparison import MismatchKind
from reconciler.sync import BalanceSync, Leg
from tests.integration.sync.failing import NAME, failing
from tests.integration.sync.recorder import Recorder
from tests.integration.sync.stored import Stored, make_indexes

D = Decimal
Call = Callable[[BalanceSync], Awaitable[Any]]
NAMES = ("wallets", "crypto_balances", "trader_balances", "internal_balances")

LONG = "1" * 129
BAD_NAMES = ["", LONG, "a\nb", "a\0b", "\x7f", "a\ud800", 7, None, b"a", {"$gt": ""}, ["a"]]
REFUSALS: list[tuple[type[Exception], Call]] = [
    (AmountNotPositive, lambda s: s.credit("u", "BTC", "0", "r")),
    (AmountNotPositive, lambda s: s.credit("u", "BTC", "-1", "r")),
    (AmountNotPositive, lambda s: s.lock("u", "BTC", "-0.0", "r")),
    (AmountTooFine, lambda s: s.credit("u", "BTC", "0.000000001", "r")),
    (AmountTooFine, lambda s: s.credit("u", "GBP", "0.001", "r")),
    (AmountTooFine, lambda s: s.update("u", "USDT", "1", "0.0000001", "r")),
    (AmountTooLong, lambda s: s.credit("u", "BTC", "9" * 35, "r")),
    (AmountTooLong, lambda s: s.credit("u", "BTC", "1e9999", "r")),
    (AmountTooLong, lambda s: s.credit("u", "BTC", D("1e999999"), "r")),
    (AmountTooLong, lambda s: s.credit("u", "XYZ", "9" * 17 + ".000000000000000001", "r")),
    (AmountNotANumber, lambda s: s.credit("u", "BTC", D("NaN"), "r")),
    (AmountNotANumber, lambda s: s.credit("u", "BTC", D("sNaN"), "r")),
    (AmountNotANumber, lambda s: s.credit("u", "BTC", "Infinity", "r")),
    (AmountNotANumber, lambda s: s.credit("u", "BTC", D("-Infinity"), "r")),
    (AmountNotANumber, lambda s: s.credit("u", "BTC", " 1_0 ", "r")),
    (AmountNotANumber, lambda s: s.credit("u", "BTC", "１０", "r")),
    (AmountNotANumber, lambda s: s.credit("u", "BTC", "", "r")),
    (FloatRefused, lambda s: s.credit("u", "BTC", 0.1, "r")),  # type: ignore[arg-type]
    (TypeError, lambda s: s.debit("u", "BTC", 1.0, "r")),  # type: ignore[arg-type]
    (FloatRefused, lambda s: s.credit("u", "BTC", True, "r")),
    (FloatRefused, lambda s: s.credit("u", "BTC", None, "r")),  # type: ignore[arg-type]
    *((InvalidUserId, lambda s, n=name: s.credit(n, "BTC", "1", "r")) for name in BAD_NAMES),
    *((InvalidCurrency, lambda s, n=name: s.credit("u", n, "1", "r")) for name in BAD_NAMES),
    *(
        (InvalidPosting, lambda s, n=name: s.credit("u", "BTC", "1", "r", op_id=n))
        for name in BAD_NAMES
        if name is not None
    ),
    (InvalidPosting, lambda s: s.credit("u", "BTC", "1", " ")),
    (InvalidPosting, lambda s: s.credit("u", "BTC", "1", "r" * 1001)),
    (InvalidPosting, lambda s: s.credit("u", "BTC", "1", "a\0b")),
    (InvalidPosting, lambda s: s.credit("u", "BTC", "1", "a\udfff")),
    (InvalidPosting, lambda s: s.post([], reason="r")),
    (InvalidPosting, lambda s: s.post([Leg("u", "BTC")], reason="r")),
    (InvalidPosting, lambda s: s.update("u", "BTC", "0", "0.0", "r")),
    (InvalidPosting, lambda s: s.post([Leg(f"u{n}", "BTC", 1) for n in range(101)], reason="r")),
]


@pytest.mark.parametrize("error, call", REFUSALS)
async def test_bad_input_is_refused(
    sync: BalanceSync, stored: Stored, recorder: Recorder, error: type[Exception], call: Call
) -> None:
    """Each kind of bad input has its own error; nothing is written, and the observer is told."""
    with pytest.raises(error) as refused:
        await call(sync)

    assert isinstance(refused.value, PostingRefused)
    assert recorder.events == [("refused", type(refused.value))]
    assert not any((await stored.everything()).values())


async def test_the_float_error_says_what_to_use(sync: BalanceSync) -> None:
    """The error of a float argument names the types to use."""
    with pytest.raises(TypeError, match=r"str, int or decimal\.Decimal"):
        await sync.credit("u", "BTC", 0.1, "r")  # type: ignore[arg-type]


@pytest.mark.parametrize("operation", ["debit", "lock", "unlock"])
async def test_spending_more_than_there_is(
    sync: BalanceSync, stored: Stored, operation: str
) -> None:
    """What would go below zero is refused, and says what there was."""
    await sync.credit("u", "BTC", "1", "deposit")
    before = await stored.everything()

    with pytest.raises(InsufficientFunds) as refused:
        await getattr(sync, operation)("u", "BTC", "1.5", "too much")

    assert (refused.value.available, refused.value.locked) == (D(1), D(0))
    assert refused.value.needed == D("1.5")
    assert refused.value.field == ("locked" if operation == "unlock" else "available")
    assert await stored.everything() == before


async def test_a_balance_of_more_than_34_digits(sync: BalanceSync, stored: Stored) -> None:
    """A credit whose sum would need a 35th digit is refused rather than rounded."""
    await sync.credit("u", "XYZ", "9" * 16, "deposit")
    await sync.credit("u", "XYZ", "0.000000000000000001", "deposit")
    before = await stored.everything()

    with pytest.raises(AmountTooLong):
        await sync.credit("u", "XYZ", "1", "deposit")

    assert await stored.everything() == before


@pytest.mark.parametrize("operation", ["debit", "lock", "unlock"])
async def test_spending_from_copies_that_disagree(
    sync: BalanceSync, stored: Stored, recorder: Recorder, operation: str
) -> None:
    """Nothing is taken from an account whose copies disagree, and the drift is reported."""
    await sync.credit("u", "BTC", "5", "deposit")
    await sync.lock("u", "BTC", "2", "order")
    await stored.database["crypto_balances"].update_one({}, {"$inc": {"available_balance": 1}})
    before = await stored.everything()

    with pytest.raises(BalancesOutOfSync) as refused:
        await getattr(sync, operation)("u", "BTC", "1", "spend")

    assert refused.value.mismatch.kind is MismatchKind.AMOUNT
    assert recorder.of("drift") == [MismatchKind.AMOUNT]
    assert await stored.everything() == before


async def test_a_release_from_copies_that_disagree(sync: BalanceSync, stored: Stored) -> None:
    """A release is refused when the seller's copies disagree."""
    await sync.credit("seller", "BTC", "5", "deposit")
    await sync.lock("seller", "BTC", "2", "order")
    await stored.database["trader_balances"].update_one({}, {"$inc": {"locked_balance": -1}})
    before = await stored.everything()

    with pytest.raises(BalancesOutOfSync):
        await sync.release("seller", "BTC", "1", "buyer", "trade")

    assert await stored.everything() == before


async def test_a_credit_keeps_the_drift(
    sync: BalanceSync, stored: Stored, recorder: Recorder
) -> None:
    """A credit on copies that disagree adds its delta to each of them and reports the drift."""
    await sync.credit("u", "BTC", "5", "deposit")
    await stored.database["crypto_balances"].update_one(
        {}, {"$set": {"available_balance": Decimal128("7"), "balance": Decimal128("7")}}
    )
    await stored.database["internal_balances"].delete_one({})
    await sync.credit("u", "BTC", "1", "deposit")

    documents = await stored.documents("u", "BTC")
    available = {
        name: found[0]["available_balance"].to_decimal() for name, found in documents.items()
    }
    assert available == {
        "wallets": D(6),
        "crypto_balances": D(8),
        "trader_balances": D(6),
        "internal_balances": D(1),
    }
    assert recorder.of("drift") == [MismatchKind.MISSING]
    with pytest.raises(BalancesOutOfSync):
        await sync.balance("u", "BTC")


BROKEN = ["12", None, [1], float("nan"), float("inf"), Decimal128("NaN"), Decimal128("1E+6000")]


@pytest.mark.parametrize("value", BROKEN, ids=repr)
@pytest.mark.parametrize("field", ["available_balance", "locked_balance", "total_balance"])
async def test_a_broken_value_refuses_everything(
    sync: BalanceSync, stored: Stored, field: str, value: object
) -> None:
    """A copy with a value that is no number refuses every operation, credits too."""
    await sync.credit("u", "BTC", "5", "deposit")
    await stored.database["trader_balances"].update_one({}, {"$set": {field: value}})
    # As text: NaN does not equal itself.
    before = str(await stored.everything())

    for operation in (sync.credit, sync.debit, sync.lock):
        with pytest.raises(BrokenBalance, match="trader_balances"):
            await operation("u", "BTC", "1", "r")

    assert str(await stored.everything()) == before


async def test_the_same_op_id_is_applied_once(sync: BalanceSync, stored: Stored) -> None:
    """A repeated request returns the first outcome, and says that it is a replay."""
    first = await sync.credit("u", "BTC", "0.10", "deposit", op_id="op")
    await sync.debit("u", "BTC", "0.05", "withdrawal")
    again = await sync.credit("u", "BTC", D("0.1"), "deposit", op_id="op")

    assert (first.replayed, again.replayed) == (False, True)
    assert (again.accounts, again.time, again.op_id) == (first.accounts, first.time, first.op_id)
    assert await stored.amounts("u", "BTC") == {(D("0.05"), D(0), D("0.05"))}


async def test_a_replay_comes_before_the_guards(sync: BalanceSync) -> None:
    """The replay of a debit that emptied the account is a replay, not a lack of funds."""
    await sync.credit("u", "BTC", "1", "deposit")
    await sync.debit("u", "BTC", "1", "withdrawal", op_id="op")

    assert (await sync.debit("u", "BTC", "1", "withdrawal", op_id="op")).replayed


OTHER_CONTENT: list[Call] = [
    lambda s: s.credit("u", "BTC", "2", "deposit", op_id="op"),
    lambda s: s.credit("v", "BTC", "1", "deposit", op_id="op"),
    lambda s: s.credit("u", "ETH", "1", "deposit", op_id="op"),
    lambda s: s.credit("u", "BTC", "1", "gift", op_id="op"),
    lambda s: s.update("u", "BTC", "1", "0", "deposit", op_id="op"),
]


@pytest.mark.parametrize("call", OTHER_CONTENT)
async def test_an_op_id_with_other_content(sync: BalanceSync, stored: Stored, call: Call) -> None:
    """An op_id that was used for something else is refused."""
    await sync.credit("u", "BTC", "1", "deposit", op_id="op")
    before = await stored.everything()

    with pytest.raises(IdempotencyConflict, match="op"):
        await call(sync)

    assert await stored.everything() == before


async def test_a_missing_index_is_refused(database: Any) -> None:
    """Without a unique index the library does not open, and the first posting is refused too."""
    await make_indexes(database)
    await database["trader_balances"].drop_index("reconciler_account")
    library = BalanceSync(database)

    with pytest.raises(SchemaNotReady, match=r"trader_balances.*reconciler db init"):
        await library.open()
    with pytest.raises(SchemaNotReady):
        await library.credit("u", "BTC", "1", "deposit")

    await make_indexes(database)
    await library.open()


USELESS: list[dict[str, Any]] = [
    {"unique": False},
    {"unique": True, "partialFilterExpression": {"currency": "BTC"}},
    {"unique": True, "collation": {"locale": "en", "strength": 2}},
]


@pytest.mark.parametrize("options", USELESS, ids=str)
async def test_an_index_that_does_not_keep_documents_from_doubling(
    database: Any, options: dict[str, Any]
) -> None:
    """Not unique, leaving documents out, or taking two ids for one: no such index will do."""
    await make_indexes(database)
    await database["wallets"].drop_index("reconciler_account")
    await database["wallets"].create_index([("user_id", 1), ("currency", 1)], **options)

    with pytest.raises(SchemaNotReady, match="wallets"):
        await BalanceSync(database).open()


async def test_a_user_who_may_not_see_pauses_is_refused(database: Any, mongo_uri: str) -> None:
    """What every posting reads must be readable: the library says so before the first posting."""
    await make_indexes(database)
    async with AsyncMongoClient[dict[str, Any]](mongo_uri, appname=NAME) as client:
        library = BalanceSync(client[database.name])
        async with failing(database, "find", mode={"times": 1}, errorCode=13):
            with pytest.raises(SchemaNotReady, match="find on leases"):
                await library.open()
        await library.open()


async def test_a_standalone_server_is_refused(standalone_uri: str) -> None:
    """A server without transactions is refused with a sentence that says what to do."""
    async with AsyncMongoClient[dict[str, Any]](standalone_uri) as client:
        library = BalanceSync(client["exchange"])
        with pytest.raises(UnsupportedServer, match="replica set"):
            await library.open()
        with pytest.raises(UnsupportedServer):
            await library.credit("u", "BTC", "1", "deposit")
