"""Checks of one user or one currency, by what a person types."""

import pytest
from bson import Binary, Decimal128, ObjectId, Timestamp

from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import ScanMode, Verdict
from tests.integration.scanning.field import SCALARS, Database, Exchange, Raw
from tests.integration.scanning.scanning import scanner

ONE = Decimal128("1")

# Ids of which the text that is shown cannot be typed back; nobody has met one in the field.
UNTYPED = [
    value
    for value in SCALARS
    if isinstance(value, Timestamp)
    or (isinstance(value, Raw) and value.type_code == 9)
    or (isinstance(value, Binary) and value.subtype not in {0, 3, 4})
    or value == Binary(b"")
]


async def test_ids_can_be_typed_back(database: Database) -> None:
    """The id that a report shows, typed as it is shown, finds the account again."""
    exchange = Exchange()
    for user in SCALARS:
        if user not in UNTYPED:
            exchange.put(["wallets"], u=user, c="BTC", a=ONE)
    await exchange.write(database)
    whole = await scanner(database).scan_all()

    for mismatch in whole.mismatches:
        report = await scanner(database).scan(mismatch.account.user_id.text, None)
        found = [each.account.user_id for each in report.mismatches]
        assert mismatch.account.user_id in found

    assert whole.mismatch_count > 20


@pytest.fixture
async def exchange(database: Database) -> Exchange:
    exchange = Exchange()
    for user in ("alice", "bob", ObjectId("0123456789abcdef01234567"), 7):
        for currency in ("BTC", "ETH"):
            exchange.put(DEFAULT_MAPPINGS.names[:3], u=user, c=currency, a=ONE)
            drifted = user == "alice" and currency == "ETH"
            amount = Decimal128("2") if drifted else ONE
            exchange.put(DEFAULT_MAPPINGS.names[3:], u=user, c=currency, a=amount)
    await exchange.write(database)
    return exchange


async def test_one_user(database: Database, exchange: Exchange) -> None:
    """Only the accounts of the user are looked at."""
    alice = await scanner(database).scan("alice", None)
    bob = await scanner(database).scan("bob", None)

    assert alice.mode is ScanMode.USER
    assert (alice.coverage.accounts, alice.coverage.users, alice.coverage.currencies) == (2, 1, 2)
    assert [str(each.account) for each in alice.mismatches] == ["alice/ETH"]
    assert bob.verdict is Verdict.HEALTHY
    assert bob.coverage.accounts == 2


async def test_one_currency(database: Database, exchange: Exchange) -> None:
    """Only the accounts in the currency are looked at, of all users, in ranges."""
    store = {"range_accounts": 2, "batch_documents": 2}
    ether = await scanner(database, store=store).scan(None, "ETH")
    bitcoin = await scanner(database, store=store).scan(None, "BTC")

    assert ether.mode is ScanMode.CURRENCY
    assert (ether.coverage.accounts, ether.coverage.currencies) == (4, 1)
    assert [str(each.account) for each in ether.mismatches] == ["alice/ETH"]
    assert bitcoin.verdict is Verdict.HEALTHY


async def test_one_account(database: Database, exchange: Exchange) -> None:
    """User and currency together are one account."""
    report = await scanner(database).scan("0123456789abcdef01234567", "BTC")

    assert report.mode is ScanMode.USER
    assert report.coverage.accounts == 1
    assert report.verdict is Verdict.HEALTHY


@pytest.mark.parametrize("user", ["nobody", "", '{"$gt": ""}', "$user_id", "\udcff"])
async def test_nobody(database: Database, exchange: Exchange, user: str) -> None:
    """An id that nobody has selects nothing: it is data, never an operator."""
    report = await scanner(database).scan(user, None)

    assert report.coverage.accounts == 0
    assert report.verdict is Verdict.HEALTHY


async def test_documents_of_a_user_without_a_currency(database: Database) -> None:
    """A document of the user that belongs to no account is reported with the user's accounts."""
    exchange = Exchange()
    exchange.everywhere(u="alice", c="BTC", a=ONE)
    exchange.put(["wallets"], u="alice", a=ONE)
    await exchange.write(database)

    report = await scanner(database).scan("alice", None)

    assert report.coverage.accounts == 1
    assert report.mismatch_count == 1
    assert report.mismatched_users == 1
    assert report.mismatches[0].account.currency.bson_type == "missing"


async def test_progress_is_told(database: Database, exchange: Exchange) -> None:
    """Progress goes up to the number of accounts, out of an estimate that is never less."""
    told: list[tuple[int, int]] = []

    await scanner(database).scan_all(progress=lambda done, total: told.append((done, total)))

    assert told[-1] == (8, 8)
    assert told == sorted(told)
