"""The compare-and-set that the guarded repair uses, and nothing else."""

import asyncio
from dataclasses import replace as changed
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.errors import (
    AmountTooFine,
    BrokenBalance,
    IdempotencyConflict,
    InsufficientFunds,
    OutcomeUnknown,
    StaleBefore,
)
from reconciler.model.copies import NOT_STORED, Balance, BalanceView, Copy, stored_number
from reconciler.model.identity import Account
from reconciler.sync import BalanceSync, Outcome
from tests.integration.sync.stored import Stored

D = Decimal
Database = AsyncDatabase[dict[str, Any]]


def copy(amount: str) -> Copy:
    """A copy as the library writes it."""
    number = stored_number("decimal", D(amount))
    return Copy("", number, stored_number("decimal", D(0)), number)


def view(wallets: str, crypto_balances: str, trader_balances: str) -> BalanceView:
    """The before-image of the account; the internal copy is missing."""
    return BalanceView(
        Account.of("u", "BTC"),
        {
            "wallets": (copy(wallets),),
            "crypto_balances": (copy(crypto_balances),),
            "trader_balances": (copy(trader_balances),),
            "internal_balances": (),
        },
    )


@pytest.fixture
async def drifted(sync: BalanceSync, ready: Database) -> BalanceView:
    """An account with 5 everywhere, then drifted in two collections; its view."""
    await sync.credit("u", "BTC", "5", "deposit")
    amounts = {"available_balance": Decimal128("7"), "balance": Decimal128("7")}
    await ready["crypto_balances"].update_one({}, {"$set": amounts})
    await ready["internal_balances"].delete_one({})
    return view("5", "7", "5")


async def test_a_replacement_sets_all_copies(
    sync: BalanceSync, stored: Stored, drifted: BalanceView
) -> None:
    """All four copies get the new balance, with a journal entry from which it replays."""
    result = await sync.replace(drifted, Balance(D(6), D(1)), reason="repair", op_id="plan/1")

    assert await stored.amounts("u", "BTC") == {(D(6), D(1), D(7))}
    assert await stored.replayed("u", "BTC") == (D(6), D(1))
    assert (result.accounts[0].before, result.accounts[0].after) == (
        Balance(D(5)),
        Balance(D(6), D(1)),
    )
    entries = await stored.entries("u", "BTC")
    assert [entry["kind"] for entry in entries] == ["credit", "repair"]
    await sync.debit("u", "BTC", "6", "withdrawal")


async def test_a_replacement_is_applied_once(
    sync: BalanceSync, stored: Stored, drifted: BalanceView
) -> None:
    """The same replacement again is a replay; another one under its op_id is refused."""
    await sync.replace(drifted, Balance(D(6)), reason="repair", op_id="plan/1")
    again = await sync.replace(drifted, Balance(D(6)), reason="repair", op_id="plan/1")
    assert again.replayed

    with pytest.raises(IdempotencyConflict):
        await sync.replace(drifted, Balance(D(5)), reason="repair", op_id="plan/1")

    assert await stored.amounts("u", "BTC") == {(D(6), D(0), D(6))}


async def test_any_difference_is_stale(
    sync: BalanceSync, stored: Stored, drifted: BalanceView
) -> None:
    """A value, a type or a presence that is not the before-image's refuses, and writes nothing."""
    before = await stored.everything()
    as_double = changed(copy("5"), available=stored_number("double", D(5)))
    no_total = changed(copy("5"), total=NOT_STORED)
    others = [
        view("5.00000001", "7", "5"),
        view("5", "5", "5"),
        BalanceView(drifted.account, {**drifted.copies, "wallets": (as_double,)}),
        BalanceView(drifted.account, {**drifted.copies, "wallets": (no_total,)}),
        BalanceView(drifted.account, {**drifted.copies, "internal_balances": (copy("5"),)}),
        BalanceView(drifted.account, {**drifted.copies, "trader_balances": ()}),
    ]
    for other in others:
        with pytest.raises(StaleBefore):
            await sync.replace(other, Balance(D(5)), reason="repair", op_id="plan/1")

    assert await stored.everything() == before
    assert await sync.outcome("plan/1") is Outcome.UNKNOWN


async def test_impossible_replacements(
    sync: BalanceSync, stored: Stored, drifted: BalanceView
) -> None:
    """A negative balance, one finer than the currency, and a broken copy are refused."""
    before = await stored.everything()
    with pytest.raises(InsufficientFunds):
        await sync.replace(drifted, Balance(D(-1)), reason="repair", op_id="plan/1")
    with pytest.raises(AmountTooFine):
        await sync.replace(drifted, Balance(D("0.000000001")), reason="repair", op_id="plan/1")
    assert await stored.everything() == before

    await stored.database["trader_balances"].update_one({}, {"$set": {"available_balance": "5"}})
    with pytest.raises((StaleBefore, BrokenBalance)):
        await sync.replace(drifted, Balance(D(5)), reason="repair", op_id="plan/1")


async def test_a_replacement_among_postings(
    ready: Database, sync: BalanceSync, stored: Stored, drifted: BalanceView
) -> None:
    """Among credits at the same time a replacement is exact or stale, and no credit is lost."""
    other = BalanceSync(ready)
    credits = [other.credit("u", "BTC", "1", "deposit", op_id=f"c{n}") for n in range(10)]

    async def repair() -> str:
        try:
            await sync.replace(drifted, Balance(D(5)), reason="repair", op_id="plan/1")
        except (StaleBefore, OutcomeUnknown) as error:
            return type(error).__name__
        return "applied"

    seen, *_ = await asyncio.gather(repair(), *credits)

    assert seen in {"applied", "StaleBefore"}
    assert (await stored.replayed("u", "BTC"))[0] == D(15)
    if seen == "applied":
        assert await stored.amounts("u", "BTC") == {(D(15), D(0), D(15))}
