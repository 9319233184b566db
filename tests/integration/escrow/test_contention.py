"""Many who want different things of one trade at once, and a database that fails in between."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pymongo.errors
import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.errors import (
    IdempotencyConflict,
    OutcomeUnknown,
    PostingFailed,
    ReadInterrupted,
    TradeConflict,
)
from reconciler.escrow.service import Escrow
from reconciler.model.trade import Trade, TradeState
from reconciler.storage.trades import MongoTrades
from reconciler.sync import BalanceSync
from tests.integration.escrow.ledger import Ledger
from tests.integration.sync.failing import failing
from tests.integration.sync.recorder import Recorder

D = Decimal
Database = AsyncDatabase[dict[str, Any]]
CALLERS = 20
TRANSIENT = {"errorCode": 112, "errorLabels": ["TransientTransactionError"]}


@pytest.fixture(autouse=True)
async def money(sync: BalanceSync) -> None:
    """The seller has 10 BTC, 4 of which are locked for something else.

    So a second release finds enough that is locked: nothing but the trade's state refuses it.
    """
    await sync.post([("seller", "BTC", 6, 4)], reason="deposit, and an order")


@pytest.fixture
async def escrows(ready: Database) -> AsyncIterator[list[Escrow]]:
    """Escrows that do not take turns, as those of several processes."""
    libraries = [BalanceSync(ready) for _ in range(5)]
    yield [Escrow(library, MongoTrades(ready)) for library in libraries]
    for library in libraries:
        await library.close()


async def test_releases_and_cancels_at_once(escrows: list[Escrow], ledger: Ledger) -> None:
    """Of twenty at once one has its effect; its repeats give the trade, the others conflict."""
    trade = await escrows[0].create_trade("seller", "buyer", "BTC", D(2), fee_bps=50)
    calls = []
    for number in range(CALLERS):
        escrow = escrows[number % len(escrows)]
        step = escrow.release_crypto if number % 4 < 2 else escrow.cancel_trade
        calls.append(step(trade.trade_id, op_id=f"call-{number}" if number % 3 else None))
    results = await asyncio.gather(*calls, return_exceptions=True)

    state = await ledger.assert_agreed(trade.trade_id)
    final = await escrows[0].trade(trade.trade_id)
    is_release = [number % 4 < 2 for number in range(CALLERS)]
    for each, released in zip(results, is_release, strict=True):
        if released is (state == "released"):
            assert each == final
        else:
            assert isinstance(each, TradeConflict)
    holdings = [await ledger.holding(user) for user in ("seller", "buyer", "admin_wallet")]
    assert (state, holdings) in [
        ("released", [("4", "4"), ("1.99", "0"), ("0.01", "0")]),
        ("cancelled", [("6", "4"), ("0", "0"), ("0", "0")]),
    ]
    assert await ledger.owed() == 10
    await ledger.assert_healthy()


@pytest.mark.parametrize("op_id", [None, "the same", "others"])
async def test_the_same_step_at_once(
    escrows: list[Escrow], ledger: Ledger, op_id: str | None
) -> None:
    """Twenty releases at once, under one name or many, move the money once."""
    trade = await escrows[0].create_trade("seller", "buyer", "BTC", D(2))
    names = [f"call-{n}" if op_id == "others" else op_id for n in range(CALLERS)]
    results = await asyncio.gather(
        *(
            escrows[number % len(escrows)].release_crypto(trade.trade_id, op_id=name)
            for number, name in enumerate(names)
        )
    )

    assert {result.state for result in results} == {TradeState.RELEASED}
    assert all(result == results[0] for result in results)
    assert await ledger.assert_agreed(trade.trade_id) == "released"
    assert await ledger.holding("buyer") == ("2", "0")


async def test_the_same_creation_at_once(escrows: list[Escrow], ledger: Ledger) -> None:
    """Twenty creations under one op_id are one trade; other terms among them are refused."""
    results = await asyncio.gather(
        *(
            escrows[number % len(escrows)].create_trade(
                "seller", "buyer" if number % 2 else "other", "BTC", D(2), op_id="order-1"
            )
            for number in range(CALLERS)
        ),
        return_exceptions=True,
    )

    trades = [each for each in results if isinstance(each, Trade)]
    refused = [each for each in results if not isinstance(each, Trade)]
    assert len(trades) == len(refused) == CALLERS // 2
    assert {type(each) for each in refused} == {IdempotencyConflict}
    assert all(trade == trades[0] for trade in trades)
    assert await ledger.holding("seller") == ("4", "6")
    assert await ledger.assert_agreed(trades[0].trade_id) == "locked"


async def test_many_trades_of_one_seller(escrows: list[Escrow], ledger: Ledger) -> None:
    """Of nine trades of a coin at once six are covered; those are made, and all of them can end."""
    results = await asyncio.gather(
        *(
            escrows[number % len(escrows)].create_trade("seller", "buyer", "BTC", D(1))
            for number in range(9)
        ),
        return_exceptions=True,
    )
    trades = [each for each in results if isinstance(each, Trade)]
    ends = [
        (escrow.release_crypto if number % 2 else escrow.cancel_trade)(trade.trade_id)
        for number, trade in enumerate(trades)
        for escrow in [escrows[number % len(escrows)]]
    ]
    await asyncio.gather(*ends)

    assert len(trades) == 6
    assert await ledger.holding("seller") == ("3", "4")
    assert await ledger.holding("buyer") == ("3", "0")
    assert await ledger.owed() == 10
    await ledger.assert_healthy()


@pytest.mark.parametrize("command", ["insert", "update", "commitTransaction"])
@pytest.mark.parametrize("step", ["create", "release", "cancel"])
async def test_a_conflict_is_tried_again(
    ready: Database, faulty: Database, ledger: Ledger, command: str, step: str
) -> None:
    """An attempt that the server undoes takes the write of the trade with it."""
    recorder = Recorder()
    escrow = Escrow(BalanceSync(faulty, observer=recorder), MongoTrades(faulty))
    trade = await escrow.create_trade("seller", "buyer", "BTC", D(1), op_id="before")
    async with failing(ready, command, mode={"times": 2}, **TRANSIENT):
        if step == "create":
            trade = await escrow.create_trade("seller", "buyer", "BTC", D(2), op_id="order-1")
        else:
            call = escrow.release_crypto if step == "release" else escrow.cancel_trade
            trade = await call(trade.trade_id)

    assert len(recorder.of("retried")) == 2
    assert await escrow.trade(trade.trade_id) == trade
    expected = {"create": "locked", "release": "released", "cancel": "cancelled"}
    assert await ledger.assert_agreed(trade.trade_id) == expected[step]


@pytest.mark.parametrize("step", ["create", "release", "cancel"])
async def test_a_conflict_at_the_trade_itself(
    ready: Database, faulty: Database, ledger: Ledger, step: str
) -> None:
    """A write conflict of the caller's own write is the library's to repeat, not a refusal."""
    recorder = Recorder()
    escrow = Escrow(BalanceSync(faulty, observer=recorder), MongoTrades(faulty))
    trade = await escrow.create_trade("seller", "buyer", "BTC", D(1))
    where = {"namespace": f"{ready.name}.p2p_trades"}
    async with failing(ready, "insert", "update", mode={"times": 2}, **where, **TRANSIENT):
        if step == "create":
            trade = await escrow.create_trade("seller", "buyer", "BTC", D(2))
        else:
            call = escrow.release_crypto if step == "release" else escrow.cancel_trade
            trade = await call(trade.trade_id)

    assert len(recorder.of("retried")) == 2
    assert await ledger.assert_agreed(trade.trade_id) == trade.state


async def test_a_refusing_server(ready: Database, faulty: Database, ledger: Ledger) -> None:
    """If the server refuses the write of a trade, its posting is undone, and our error says so."""
    escrow = Escrow(BalanceSync(faulty), MongoTrades(faulty))
    trade = await escrow.create_trade("seller", "buyer", "BTC", D(1))
    namespace = f"{ready.name}.p2p_trades"
    how: dict[str, Any] = {"mode": "alwaysOn", "errorCode": 13, "namespace": namespace}
    async with failing(ready, "insert", "update", **how):
        for call in (escrow.release_crypto, escrow.cancel_trade):
            with pytest.raises(PostingFailed, match="nothing was written") as failed:
                await call(trade.trade_id)
            assert isinstance(failed.value.__cause__, pymongo.errors.OperationFailure)
        with pytest.raises(PostingFailed, match="nothing was written"):
            await escrow.create_trade("seller", "buyer", "BTC", D(1), op_id="order-1")

    assert await ledger.database["p2p_trades"].count_documents({}) == 1
    assert await ledger.assert_agreed(trade.trade_id) == "locked"
    assert await ledger.holding("seller") == ("5", "5")


async def test_a_trade_that_cannot_be_read(ready: Database, faulty: Database) -> None:
    """A server that does not answer is named as such, in bounded time."""
    escrow = Escrow(BalanceSync(faulty), MongoTrades(faulty, read_seconds_max=0.3))
    async with failing(ready, "find", mode="alwaysOn", blockConnection=True, blockTimeMS=1500):
        with pytest.raises(ReadInterrupted, match="p2p_trades"):
            await escrow.trade("any")


@pytest.mark.parametrize("again", ["the same op_id", "another op_id"])
async def test_repeated_after_an_unknown_outcome(
    ready: Database, faulty: Database, escrow: Escrow, ledger: Ledger, again: str
) -> None:
    """A step whose commit was not answered in time is applied once, however it is repeated."""
    trade = await escrow.create_trade("seller", "buyer", "BTC", D(2))
    library = BalanceSync(faulty, deadline_seconds=0.8)
    await library.open()
    slow = Escrow(library, MongoTrades(faulty))
    blocking = {"blockConnection": True, "blockTimeMS": 1600}
    async with failing(ready, "commitTransaction", mode="alwaysOn", **blocking):
        with pytest.raises(OutcomeUnknown) as unknown:
            await slow.release_crypto(trade.trade_id)
        op_id = unknown.value.op_id
        assert op_id == f"trade:{trade.trade_id}:release"
        released = await escrow.release_crypto(
            trade.trade_id, op_id=None if again == "the same op_id" else "call-2"
        )
        with pytest.raises(TradeConflict):
            await escrow.cancel_trade(trade.trade_id)
        await library.close()

    assert released.state is TradeState.RELEASED
    assert await ledger.assert_agreed(trade.trade_id) == "released"
    assert await ledger.holding("buyer") == ("2", "0")


async def test_a_creation_repeated_after_an_unknown_outcome(
    ready: Database, faulty: Database, escrow: Escrow, ledger: Ledger
) -> None:
    """The same op_id finds the trade that nobody was told of."""
    library = BalanceSync(faulty, deadline_seconds=0.8)
    await library.open()
    slow = Escrow(library, MongoTrades(faulty))
    blocking = {"blockConnection": True, "blockTimeMS": 1600}
    async with failing(ready, "commitTransaction", mode="alwaysOn", **blocking):
        with pytest.raises(OutcomeUnknown, match="order-1"):
            await slow.create_trade("seller", "buyer", "BTC", D(2), op_id="order-1")
        trade = await escrow.create_trade("seller", "buyer", "BTC", D(2), op_id="order-1")
        await library.close()

    assert await ledger.assert_agreed(trade.trade_id) == "locked"
    assert await ledger.holding("seller") == ("4", "6")


@pytest.fixture
async def majority_only(mongo_uri: str) -> AsyncIterator[AsyncMongoClient[dict[str, Any]]]:
    """A client whose defaults are weak: the trades do not depend on them."""
    async with AsyncMongoClient[dict[str, Any]](
        f"{mongo_uri}&w=0&readConcernLevel=local"
    ) as client:
        yield client


async def test_a_client_with_weak_defaults(
    majority_only: AsyncMongoClient[dict[str, Any]], ready: Database, ledger: Ledger
) -> None:
    """Naive times and unacknowledged writes are a client's defaults, not those of the trades."""
    database = majority_only[ready.name]
    escrow = Escrow(BalanceSync(database), MongoTrades(database))
    trade = await escrow.create_trade("seller", "buyer", "BTC", D(2))
    released = await escrow.release_crypto(trade.trade_id)

    assert await escrow.trade(trade.trade_id) == released
    assert await ledger.assert_agreed(trade.trade_id) == "released"
