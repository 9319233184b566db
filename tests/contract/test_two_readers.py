"""The library and the scanner read copies with code of their own; both must see the same."""

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, ObjectId, Regex, Timestamp
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.model.change import amounts_found
from reconciler.model.copies import BalanceView
from reconciler.model.identity import Account
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.scanning.ports import Selection
from reconciler.storage.balances import MongoBalanceStore
from reconciler.sync.accounts import read_accounts
from reconciler.sync.transaction import Reading
from tests.integration.sync.stored import Stored, make_indexes

Database = AsyncDatabase[dict[str, Any]]

VALUES: list[object] = [
    Decimal128("0.10"),
    Decimal128("-0"),
    Decimal128("1E+3"),
    Decimal128("1E-6000"),
    Decimal128("1E+6000"),
    Decimal128("9999999999999999999999999999999999"),
    Decimal128("NaN"),
    Decimal128("-Infinity"),
    0,
    -7,
    Int64(2**62),
    0.1,
    0.1 + 0.2,
    1e300,
    5e-324,
    -0.0,
    float("nan"),
    float("inf"),
    True,
    None,
    "2",
    "line\nbreak" * 20,
    [1],
    {"$gt": ""},
    datetime(2026, 1, 1, tzinfo=UTC),
    ObjectId("64b7f0000000000000000000"),
    Binary(b"\0\1"),
    Timestamp(1, 2),
    Regex("^a"),
    Code("f()"),
    MaxKey(),
]


async def by_the_library(database: Database, account: Account) -> BalanceView:
    """Read the account as postings and repairs do."""
    async with database.client.start_session(snapshot=True) as session:
        found, _ = await read_accounts(Reading(session, database), [account], DEFAULT_MAPPINGS)
    return found[account].view


async def by_the_scanner(database: Database, account: Account) -> BalanceView:
    """Read the account as scans do."""
    source = await MongoBalanceStore(database, DEFAULT_MAPPINGS).open(deadline_seconds=10)
    selection = Selection(account.user_id.text, account.currency.text)
    (whole,) = await source.ranges()
    async with source.moment() as moment:
        async for portion in moment.portions(whole, selection):
            for seen in portion.views:
                async for view in moment.views([seen.key]):
                    return view.view
    raise AssertionError("the scanner did not see the account")


def told(view: BalanceView) -> dict[str, list[list[tuple[object, ...]]]]:
    """Give type, value and text of all amounts; of what is no number, not the text."""
    return {
        name: [
            [
                (number.bson_type, number.value, number.text if number.value is not None else "")
                for number in amounts
            ]
            for amounts in copies
        ]
        for name, copies in amounts_found(view, DEFAULT_MAPPINGS).items()
    }


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
async def test_both_see_the_same(database: Database, value: object) -> None:
    """Whatever is stored as an amount, both readers tell its type and value alike.

    A repair depends on it: its before-image is the scanner's, and the library compares. Only the
    text of what is no number may differ, since such an account is never written.
    """
    await make_indexes(database)
    stored = Stored(database)
    await stored.put("user", "BTC", wallets={"available_balance": value, "locked_balance": 1})
    await stored.put("user", "BTC", crypto_balances={"available_balance": 1, "balance": value})
    await stored.put("user", "BTC", trader_balances={"locked_balance": value})
    account = Account.of("user", "BTC")

    library = told(await by_the_library(database, account))
    scanner = told(await by_the_scanner(database, account))

    assert library == scanner
