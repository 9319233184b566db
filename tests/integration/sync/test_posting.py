"""What postings do to the four collections and the journal, on a real replica set."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128, ObjectId
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

import reconciler.sync as library
from reconciler.errors import InsufficientFunds, InvalidPosting, NotBound
from reconciler.model.copies import Balance
from reconciler.sync import BalanceSync, Leg
from tests.integration.sync.recorder import Recorder
from tests.integration.sync.stored import Stored

D = Decimal


async def test_specification_table(sync: BalanceSync, stored: Stored) -> None:
    """After crediting 0.001 BTC and 0.05 ETH, all four collections hold 0.001 and 0.05."""
    library.bind(sync)
    try:
        await library.sync_credit_balance("user", "BTC", "0.001", "deposit")
        await library.sync_credit_balance("user", "ETH", "0.05", "deposit")
    finally:
        library.bind(None)

    assert await stored.amounts("user", "BTC") == {(D("0.001"), D(0), D("0.001"))}
    assert await stored.amounts("user", "ETH") == {(D("0.05"), D(0), D("0.05"))}


async def test_the_four_functions(sync: BalanceSync, stored: Stored) -> None:
    """The module-level functions credit, debit, lock and update through the bound instance."""
    library.bind(sync)
    try:
        await library.sync_credit_balance("user", "BTC", "10", "deposit")
        await library.sync_debit_balance("user", "BTC", "1", "withdrawal")
        await library.sync_lock_balance("user", "BTC", "4", "order")
        await library.sync_balance_update("user", "BTC", "0.5", "-2", "adjustment")
    finally:
        library.bind(None)

    assert await stored.amounts("user", "BTC") == {(D("5.5"), D(2), D("7.5"))}


async def test_unbound_functions_say_so() -> None:
    """A module-level function without a bound instance says what to call."""
    with pytest.raises(NotBound, match="bind"):
        await library.sync_credit_balance("user", "BTC", "1", "deposit")


async def test_operations_move_between_available_and_locked(
    sync: BalanceSync, stored: Stored
) -> None:
    """Lock and unlock move money within an account, and each leaves a replayable entry."""
    await sync.credit("user", "BTC", "10", "deposit")
    await sync.lock("user", "BTC", "4", "order")
    result = await sync.unlock("user", "BTC", "1", "order cut")

    assert await stored.amounts("user", "BTC") == {(D(7), D(3), D(10))}
    assert await stored.replayed("user", "BTC") == (D(7), D(3))
    assert [account.sequence for account in result.accounts] == [3]
    assert result.accounts[0].after == Balance(D(7), D(3))


async def test_release_conserves_the_amount(sync: BalanceSync, stored: Stored) -> None:
    """A release with a fee moves locked money to the buyer and to the fee account, in one entry."""
    await sync.credit("seller", "BTC", "2", "deposit")
    await sync.lock("seller", "BTC", "2", "trade")
    await sync.release(
        "seller", "BTC", "1.5", "buyer", "trade", fee="0.01", fee_account="admin_wallet"
    )

    assert await stored.amounts("seller", "BTC") == {(D(0), D("0.5"), D("0.5"))}
    assert await stored.amounts("buyer", "BTC") == {(D("1.49"), D(0), D("1.49"))}
    assert await stored.amounts("admin_wallet", "BTC") == {(D("0.01"), D(0), D("0.01"))}
    (entry,) = await stored.entries("admin_wallet", "BTC")
    assert [account["user_id"] for account in entry["accounts"]] == [
        "seller",
        "buyer",
        "admin_wallet",
    ]


async def test_release_to_the_fee_account_itself(sync: BalanceSync, stored: Stored) -> None:
    """Where the fee goes to the buyer, its two legs are one change of one account."""
    await sync.credit("seller", "BTC", "1", "deposit")
    await sync.lock("seller", "BTC", "1", "trade")
    await sync.release("seller", "BTC", "1", "shop", "trade", fee="0.1", fee_account="shop")

    assert await stored.amounts("shop", "BTC") == {(D(1), D(0), D(1))}
    assert await stored.replayed("shop", "BTC") == (D(1), D(0))


@pytest.mark.parametrize("fee", ["-0.1", "1.1"])
async def test_a_fee_outside_the_amount_is_refused(sync: BalanceSync, fee: str) -> None:
    """A fee below zero or above the amount is refused before anything is read."""
    with pytest.raises(ValueError, match="fee"):
        await sync.release("a", "BTC", "1", "b", "trade", fee=fee, fee_account="c")


async def test_a_fee_needs_its_account(sync: BalanceSync) -> None:
    """A fee without an account to take it is refused."""
    with pytest.raises(InvalidPosting, match="fee_account"):
        await sync.release("a", "BTC", "1", "b", "trade", fee="0.1")


async def test_post_changes_all_accounts_or_none(sync: BalanceSync, stored: Stored) -> None:
    """One leg without funds undoes the whole posting."""
    await sync.credit("rich", "BTC", "1", "deposit")
    before = await stored.everything()
    legs = [Leg("rich", "BTC", "-1"), Leg("new", "BTC", "1"), Leg("poor", "GBP", "-0.01")]

    with pytest.raises(InsufficientFunds) as refused:
        await sync.post(legs, reason="swap")

    assert (refused.value.available, refused.value.needed) == (D(0), D("0.01"))
    assert await stored.everything() == before


async def test_post_takes_plain_tuples(sync: BalanceSync, stored: Stored) -> None:
    """Legs may be tuples, and several accounts and currencies change together."""
    await sync.post([("a", "BTC", 2, 1), ("a", "GBP", "0.5", 0)], reason="import")

    assert await stored.amounts("a", "BTC") == {(D(2), D(1), D(3))}
    assert await stored.amounts("a", "GBP") == {(D("0.5"), D(0), D("0.5"))}


async def test_object_ids(sync: BalanceSync, stored: Stored) -> None:
    """A user id may be an ObjectId, and is stored as one."""
    user = ObjectId()
    await sync.credit(user, "BTC", "1", "deposit")
    await sync.debit(user, "BTC", "0.25", "withdrawal")

    assert await stored.amounts(user, "BTC") == {(D("0.75"), D(0), D("0.75"))}
    assert await sync.balance(user, "BTC") == Balance(D("0.75"))
    assert await sync.balance(str(user), "BTC") == Balance()


async def test_the_first_posting_opens_the_journal(sync: BalanceSync, stored: Stored) -> None:
    """Balances from before the journal are explained by an `opening` entry, once."""
    fields = {"available_balance": Decimal128("5"), "locked_balance": Decimal128("2")}
    for name in ("wallets", "crypto_balances", "trader_balances", "internal_balances"):
        await stored.put("old", "BTC", **{name: fields})
    await sync.credit("old", "BTC", "1", "deposit", op_id="first")
    await sync.credit("old", "BTC", "1", "deposit")

    entries = await stored.entries("old", "BTC")
    assert [entry["kind"] for entry in entries] == ["opening", "credit", "credit"]
    assert await stored.replayed("old", "BTC") == (D(7), D(2))
    assert await stored.amounts("old", "BTC") == {(D(7), D(2), D(9))}


async def test_the_sequence_survives_a_lost_copy(sync: BalanceSync, stored: Stored) -> None:
    """If the copy with the sequence number was deleted, numbering goes on from the journal."""
    await sync.credit("user", "BTC", "1", "deposit")
    for name in ("wallets", "crypto_balances", "trader_balances", "internal_balances"):
        await stored.database[name].delete_many({})
    result = await sync.credit("user", "BTC", "1", "deposit")

    assert result.accounts[0].sequence == 2


async def test_a_wrong_sequence_is_looked_up(sync: BalanceSync, stored: Stored) -> None:
    """A sequence number that somebody set back does not stop the account."""
    for _ in range(3):
        await sync.credit("user", "BTC", "1", "deposit")
    await stored.database["wallets"].update_one({}, {"$set": {"journal_sequence": 1}})
    result = await sync.credit("user", "BTC", "1", "deposit")

    assert result.accounts[0].sequence == 4
    assert await stored.replayed("user", "BTC") == (D(4), D(0))


async def test_own_writes_join_the_transaction(sync: BalanceSync, stored: Stored) -> None:
    """A caller's own writes land with the posting."""
    trades = stored.database["p2p_trades"]

    async def within(session: AsyncClientSession) -> None:
        await trades.insert_one({"state": "locked"}, session=session)

    await sync.credit("user", "BTC", "1", "deposit", within=within)

    assert await trades.count_documents({}) == 1


async def test_own_writes_are_undone_with_a_refusal(sync: BalanceSync, stored: Stored) -> None:
    """An error of the caller's own undoes the posting and reaches the caller as it is."""
    trades = stored.database["p2p_trades"]
    await trades.insert_one({"_id": 1})

    async def broken(session: AsyncClientSession) -> None:
        await trades.insert_one({"_id": 2}, session=session)
        raise LookupError("no such trade")

    async def doubled(session: AsyncClientSession) -> None:
        await trades.insert_one({"_id": 1}, session=session)

    with pytest.raises(LookupError, match="no such trade"):
        await sync.credit("user", "BTC", "1", "deposit", within=broken)
    with pytest.raises(DuplicateKeyError):
        await sync.credit("user", "BTC", "1", "deposit", within=doubled)

    assert await trades.count_documents({}) == 1
    assert not any((await stored.documents("user", "BTC")).values())


async def test_own_writes_do_not_run_on_a_replay(sync: BalanceSync) -> None:
    """What the caller does within a posting is done when it is applied, not when it is replayed."""
    calls = []

    async def within(session: AsyncClientSession) -> None:
        calls.append(session)

    await sync.credit("user", "BTC", "1", "deposit", op_id="once", within=within)
    await sync.credit("user", "BTC", "1", "deposit", op_id="once", within=within)

    assert len(calls) == 1


async def test_concurrent_first_credits_make_one_copy_each(
    ready: Any, sync: BalanceSync, stored: Stored
) -> None:
    """Two libraries (as in two processes) racing to create an account end with one of each copy."""
    other = BalanceSync(ready)
    await asyncio.gather(
        *(each.credit("new", "BTC", "1", "race") for each in (sync, other) for _ in range(5))
    )

    assert await stored.amounts("new", "BTC") == {(D(10), D(0), D(10))}
    assert await stored.replayed("new", "BTC") == (D(10), D(0))


async def test_a_hot_account_serves_many_callers(
    ready: Any, sync: BalanceSync, recorder: Recorder, stored: Stored
) -> None:
    """Sixty-four callers on one account in two libraries all get through, each applied once."""
    other = BalanceSync(ready)
    await asyncio.gather(
        *(each.credit("fees", "BTC", "1", "fee") for each in (sync, other) for _ in range(32))
    )

    assert await stored.amounts("fees", "BTC") == {(D(64), D(0), D(64))}
    assert await stored.replayed("fees", "BTC") == (D(64), D(0))
    assert len(recorder.of("done")) == 32
