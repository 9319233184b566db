"""The life of a trade on a real server: what moves, what is refused, what can be repeated."""

from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.errors import (
    CannotLook,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidPosting,
    InvalidTrade,
    InvalidUserId,
    OperationVoided,
    PostingRefused,
    TradeConflict,
    TradeNotFound,
)
from reconciler.escrow.service import Escrow
from reconciler.model.amounts import CurrencyScales
from reconciler.model.trade import TradeState, TradeStep
from reconciler.storage.trades import MongoTrades
from reconciler.sync import BalanceSync, Outcome
from tests.integration.escrow.ledger import NOW, Ledger
from tests.integration.sync.recorder import Recorder

D = Decimal
Database = AsyncDatabase[dict[str, Any]]


@pytest.fixture(autouse=True)
async def money(sync: BalanceSync) -> None:
    """The seller has 10 BTC."""
    await sync.credit("seller", "BTC", 10, "deposit")


async def test_a_whole_life(escrow: Escrow, ledger: Ledger) -> None:
    """Created, the amount is locked; released, the buyer has it less the fee, which is taken."""
    trade = await escrow.create_trade("seller", "buyer", "BTC", D("2.00"), fee_bps=25)

    assert await ledger.holding("seller") == ("8", "2")
    assert await ledger.holding("buyer") == ("0", "0")
    assert (trade.state, trade.created_at, trade.closed_at) == (TradeState.LOCKED, NOW, None)
    assert await escrow.trade(trade.trade_id) == trade

    released = await escrow.release_crypto(trade.trade_id)

    assert await ledger.holding("seller") == ("8", "0")
    assert await ledger.holding("buyer") == ("1.995", "0")
    assert await ledger.holding("admin_wallet") == ("0.005", "0")
    assert await ledger.owed() == 10
    assert (released.state, released.closed_at) == (TradeState.RELEASED, NOW)
    assert await escrow.trade(trade.trade_id) == released
    assert released.op_ids == {
        TradeStep.CREATE: f"trade:{trade.trade_id}:create",
        TradeStep.RELEASE: f"trade:{trade.trade_id}:release",
    }
    assert await ledger.assert_agreed(trade.trade_id) == "released"
    await ledger.assert_healthy()


async def test_what_is_stored(escrow: Escrow, ledger: Ledger) -> None:
    """Amounts are decimals, and the document says all that there is to know."""
    trade = await escrow.create_trade("seller", "buyer", "BTC", D("2.00"), fee_bps=25)

    assert await ledger.document(trade.trade_id) == {
        "_id": trade.trade_id,
        "seller_id": "seller",
        "buyer_id": "buyer",
        "currency": "BTC",
        "amount": Decimal128("2"),
        "fee_bps": 25,
        "fee": Decimal128("0.005"),
        "fee_account": "admin_wallet",
        "state": "locked",
        "created_at": NOW,
        "closed_at": None,
        "op_ids": {"create": f"trade:{trade.trade_id}:create"},
    }


async def test_a_cancelled_trade(escrow: Escrow, ledger: Ledger) -> None:
    """The seller has all of it back, and nobody paid a fee."""
    trade = await escrow.create_trade("seller", "buyer", "BTC", D(2), fee_bps=25)
    cancelled = await escrow.cancel_trade(trade.trade_id)

    assert (cancelled.state, cancelled.closed_at) == (TradeState.CANCELLED, NOW)
    assert await escrow.trade(trade.trade_id) == cancelled
    assert await ledger.holding("seller") == ("10", "0")
    assert await ledger.holding("buyer") == ("0", "0")
    assert await ledger.holding("admin_wallet") == ("0", "0")
    assert await ledger.assert_agreed(trade.trade_id) == "cancelled"
    await ledger.assert_healthy()


async def test_more_than_the_seller_has(escrow: Escrow, ledger: Ledger) -> None:
    """Without the funds there is neither a lock nor a trade; the op_id can be used again."""
    with pytest.raises(InsufficientFunds):
        await escrow.create_trade("seller", "buyer", "BTC", D("10.00000001"), op_id="order-1")

    assert await ledger.database["p2p_trades"].count_documents({}) == 0
    assert await ledger.holding("seller") == ("10", "0")
    await escrow.create_trade("seller", "buyer", "BTC", D(10), op_id="order-1")
    assert await ledger.holding("seller") == ("0", "10")


@pytest.mark.parametrize(
    "request_, refusal",
    [
        (("seller", "seller", "BTC", D(1)), InvalidTrade),
        (("admin_wallet", "buyer", "BTC", D(1)), InvalidTrade),
        (("seller", "", "BTC", D(1)), InvalidUserId),
        (("seller", "buyer", "BTC", D(0)), PostingRefused),
        (("seller", "buyer", "\0", D(1)), PostingRefused),
    ],
)
async def test_terms_that_make_no_trade(
    escrow: Escrow, ledger: Ledger, request_: tuple[Any, ...], refusal: type[Exception]
) -> None:
    """Nothing is written of what is no trade."""
    before = await ledger.stored.everything()
    with pytest.raises(refusal):
        await escrow.create_trade(*request_, fee_bps=10)

    assert await ledger.stored.everything() == before
    assert await ledger.database["p2p_trades"].count_documents({}) == 0


async def test_a_trade_that_is_not_there(escrow: Escrow) -> None:
    """Each call says that there is no such trade, and refuses ids that no trade can have."""
    for call in (escrow.trade, escrow.release_crypto, escrow.cancel_trade):
        with pytest.raises(TradeNotFound, match="no trade 'nowhere'"):
            await call("nowhere")
        with pytest.raises(TradeNotFound):
            await call("n" * 128)
        for odd in ("", "a\ud800", "n" * 129, 5, {"$gt": ""}):
            with pytest.raises(InvalidTrade, match="trade id"):
                await call(odd)  # type: ignore[arg-type]


async def test_steps_can_be_repeated(escrow: Escrow, ledger: Ledger) -> None:
    """The step that ended a trade gives it again, under any op_id; the other one conflicts."""
    one, two = [await escrow.create_trade("seller", "buyer", "BTC", D(2)) for _ in range(2)]
    released = await escrow.release_crypto(one.trade_id, op_id="release-1")
    cancelled = await escrow.cancel_trade(two.trade_id)

    for op_id in (None, "release-1", "another"):
        assert await escrow.release_crypto(one.trade_id, op_id=op_id) == released
        assert await escrow.cancel_trade(two.trade_id, op_id=op_id) == cancelled
    with pytest.raises(TradeConflict, match="is released, so that this cancel is too late"):
        await escrow.cancel_trade(one.trade_id)
    with pytest.raises(TradeConflict, match="is cancelled, so that this release is too late"):
        await escrow.release_crypto(two.trade_id)
    assert await ledger.holding("seller") == ("8", "0")
    assert await ledger.holding("buyer") == ("2", "0")
    assert await ledger.assert_agreed(one.trade_id) == "released"
    assert await ledger.assert_agreed(two.trade_id) == "cancelled"


async def test_a_creation_repeated(escrow: Escrow, ledger: Ledger) -> None:
    """The same op_id and terms give the same trade, as it is now, and lock once."""
    named: dict[str, Any] = {"fee_bps": 5, "op_id": "order-1"}
    trade = await escrow.create_trade("seller", "buyer", "BTC", D("2"), **named)

    assert await escrow.create_trade("seller", "buyer", "BTC", D("2.0"), **named) == trade
    released = await escrow.release_crypto(trade.trade_id)
    assert await escrow.create_trade("seller", "buyer", "BTC", D("2.0"), **named) == released
    assert await ledger.holding("seller") == ("8", "0")
    assert await ledger.database["p2p_trades"].count_documents({}) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"seller_id": "rich"},
        {"buyer_id": "other"},
        {"currency": "ETH"},
        {"amount": D(1)},
        {"fee_bps": 6},
    ],
)
async def test_an_op_id_with_other_terms(
    escrow: Escrow, sync: BalanceSync, ledger: Ledger, other: dict[str, Any]
) -> None:
    """It is refused, whichever of the terms is another one."""
    await sync.credit("rich", "BTC", 10, "deposit")
    await sync.credit("seller", "ETH", 10, "deposit")
    terms: dict[str, Any] = {"seller_id": "seller", "buyer_id": "buyer", "currency": "BTC"}
    terms |= {"amount": D(2)}
    await escrow.create_trade(**terms, fee_bps=5, op_id="order-1")
    before = await ledger.stored.everything()
    with pytest.raises(IdempotencyConflict, match="'order-1'"):
        await escrow.create_trade(**({**terms, "fee_bps": 5} | other), op_id="order-1")

    assert await ledger.stored.everything() == before
    assert await ledger.database["p2p_trades"].count_documents({}) == 1


async def test_an_op_id_of_something_else(escrow: Escrow, sync: BalanceSync) -> None:
    """An op_id names one thing: neither another step, trade nor posting can have it."""
    await sync.credit("seller", "BTC", 1, "deposit", op_id="taken")
    one, two = [await escrow.create_trade("seller", "buyer", "BTC", D(2)) for _ in range(2)]
    await escrow.release_crypto(one.trade_id, op_id="release-1")
    for op_id in ("taken", "release-1", one.op_ids[TradeStep.CREATE]):
        with pytest.raises(IdempotencyConflict):
            await escrow.release_crypto(two.trade_id, op_id=op_id)
    with pytest.raises(IdempotencyConflict):
        await escrow.create_trade("seller", "buyer", "BTC", D(2), op_id="taken")
    with pytest.raises(InvalidPosting):
        await escrow.create_trade("seller", "buyer", "BTC", D(2), op_id="")
    with pytest.raises(InvalidPosting):
        await escrow.release_crypto(two.trade_id, op_id="")

    assert (await escrow.trade(two.trade_id)).is_open


async def test_an_id_that_is_taken(ready: Database, sync: BalanceSync, ledger: Ledger) -> None:
    """Should an id be made up twice, the first trade stays and nothing is locked for the second."""
    escrow = Escrow(sync, MongoTrades(ready), new_id=lambda: "same")
    first = await escrow.create_trade("seller", "buyer", "BTC", D(2), op_id=None)
    await escrow.cancel_trade("same")
    with pytest.raises(IdempotencyConflict):
        await escrow.create_trade("seller", "other", "BTC", D(3))
    await ready["balance_journal"].delete_one({"op_id": first.op_ids[TradeStep.CREATE]})
    with pytest.raises(TradeConflict, match="there already"):
        await escrow.create_trade("seller", "other", "BTC", D(3))

    assert (await escrow.trade("same")).buyer_id == "buyer"
    assert (await ledger.stored.amounts("seller", "BTC")) == {(D(10), D(0), D(10))}


async def test_a_settled_release(escrow: Escrow, sync: BalanceSync, ledger: Ledger) -> None:
    """Settled as void, the name of a step is lost for ever, but the step can have another one."""
    trade = await escrow.create_trade("seller", "buyer", "BTC", D(2))
    outcome = await sync.outcome(f"trade:{trade.trade_id}:release", settle=True)
    with pytest.raises(OperationVoided, match="use a new op_id"):
        await escrow.release_crypto(trade.trade_id)
    released = await escrow.release_crypto(trade.trade_id, op_id="after all")

    assert outcome is Outcome.VOID
    assert released.op_ids[TradeStep.RELEASE] == "after all"
    assert await ledger.assert_agreed(trade.trade_id) == "released"


async def test_terms_stay_when_settings_change(
    escrow: Escrow, sync: BalanceSync, ready: Database, ledger: Ledger
) -> None:
    """The fee and who takes it are those of the creation."""
    trade = await escrow.create_trade("seller", "buyer", "BTC", D(2), fee_bps=100, op_id="order-1")
    changed = Escrow(
        sync, MongoTrades(ready), fee_account="other_fees", scales=CurrencyScales({"BTC": 1})
    )
    again = await changed.create_trade("seller", "buyer", "BTC", D(2), fee_bps=100, op_id="order-1")
    await changed.release_crypto(trade.trade_id)

    assert again == trade
    assert await ledger.holding("admin_wallet") == ("0.02", "0")
    assert await ledger.holding("other_fees") == ("0", "0")


async def test_a_fee_that_rounds_away(escrow: Escrow, ledger: Ledger) -> None:
    """The buyer gets everything, and the fee account no document for nothing."""
    trade = await escrow.create_trade("seller", "buyer", "BTC", D("0.00000099"), fee_bps=100)
    await escrow.release_crypto(trade.trade_id)

    assert await ledger.holding("buyer") == ("0.00000099", "0")
    assert not any((await ledger.stored.documents("admin_wallet", "BTC")).values())


async def test_the_observer_is_told(escrow: Escrow, recorder: Recorder, sync: BalanceSync) -> None:
    """Each step is one posting of the library, and is observed as one."""
    trade = await escrow.create_trade("seller", "buyer", "BTC", D(2), fee_bps=1)
    await escrow.release_crypto(trade.trade_id)

    assert [result.kind for result in recorder.of("done")][1:] == ["lock", "release"]


@pytest.mark.parametrize(
    "change",
    [
        {"$set": {"amount": 2.0}},
        {"$set": {"amount": Decimal128("NaN")}},
        {"$set": {"state": "open"}},
        {"$set": {"created_at": "yesterday"}},
        {"$set": {"op_ids": None}},
        {"$set": {"fee_bps": None}},
        {"$unset": {"closed_at": ""}},
    ],
)
async def test_a_trade_that_somebody_changed(
    escrow: Escrow, ledger: Ledger, change: dict[str, Any]
) -> None:
    """A document that cannot be understood is reported, and no money moves on its word."""
    trade = await escrow.create_trade("seller", "buyer", "BTC", D(2))
    await ledger.database["p2p_trades"].update_one({"_id": trade.trade_id}, change)
    for call in (escrow.trade, escrow.release_crypto, escrow.cancel_trade):
        with pytest.raises(CannotLook, match=f"trade {trade.trade_id} in p2p_trades"):
            await call(trade.trade_id)

    assert await ledger.holding("seller") == ("8", "2")
