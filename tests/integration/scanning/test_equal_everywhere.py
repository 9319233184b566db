"""What breaks in all four collections alike: equal bytes must never hide it."""

from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.model.comparison import MismatchKind
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import Verdict
from reconciler.scanning.scanner import Scanner
from reconciler.storage.balances import MongoBalanceStore
from tests.integration.scanning.methods import Chosen, options_of
from tests.integration.sync.stored import TOTAL_FIELDS, Stored

Database = AsyncDatabase[dict[str, Any]]
Amounts = tuple[str, str, str]

USERS = [f"user-{number:02}" for number in range(30)]
BAD = "user-17"
SOUND: Amounts = ("1.5", "0.5", "2")
# What an account holds in all four collections: available, locked, total.
BROKEN_ALIKE: list[tuple[Amounts, MismatchKind]] = [
    (("-1", "3", "2"), MismatchKind.NEGATIVE),
    (("3", "-1", "2"), MismatchKind.NEGATIVE),
    (("1.5", "0.5", "2.00000001"), MismatchKind.TOTAL),
    (("1E+33", "1E-33", "1E+33"), MismatchKind.TOTAL),
    (("1E-33", "1E+33", "1E+33"), MismatchKind.TOTAL),
    (("NaN", "0", "NaN"), MismatchKind.MALFORMED),
    (("1", "Infinity", "Infinity"), MismatchKind.MALFORMED),
    (("1E+34", "0", "1E+34"), MismatchKind.MALFORMED),
]


def scanner_on(database: Database, *, range_accounts: int = 40_000) -> Scanner:
    """Make a scanner that does not wait before it looks again."""
    store = MongoBalanceStore(
        database,
        DEFAULT_MAPPINGS,
        range_accounts=range_accounts,
        choose_bucketing=Chosen.way.choose,
    )
    return Scanner(store, DEFAULT_MAPPINGS, options_of(settle_seconds=0))


async def put_everywhere(database: Database, user_id: str, amounts: Amounts) -> None:
    """Store one account alike in all four collections."""
    available, locked, total = (Decimal128(amount) for amount in amounts)
    for name, field in TOTAL_FIELDS.items():
        fields = {"available_balance": available, "locked_balance": locked, field: total}
        await Stored(database).put(user_id, "BTC", **{name: fields})


@pytest.mark.parametrize("amounts, kind", BROKEN_ALIKE, ids=str)
async def test_a_rule_broken_alike(
    database: Database, amounts: Amounts, kind: MismatchKind
) -> None:
    """A negative amount, a wrong total or no number, equal in all four, is found among others."""
    for user in USERS:
        await put_everywhere(database, user, amounts if user == BAD else SOUND)

    report = await scanner_on(database).scan_all()
    assert report.coverage.accounts == len(USERS)
    assert [(m.account.user_id.text, m.kind) for m in report.mismatches] == [(BAD, kind)]


@pytest.mark.parametrize("doubled", [USERS[0], BAD, USERS[-1]])
async def test_an_account_doubled_alike(database: Database, doubled: str) -> None:
    """An account with two equal copies in every collection is found, wherever it stands."""
    for user in [*USERS, doubled]:
        await put_everywhere(database, user, SOUND)

    report = await scanner_on(database).scan_all()
    assert report.coverage.accounts == len(USERS)
    (mismatch,) = report.mismatches
    assert (mismatch.account.user_id.text, mismatch.kind) == (doubled, MismatchKind.DUPLICATE)


@pytest.mark.parametrize("name", list(TOTAL_FIELDS))
@pytest.mark.parametrize("user", [USERS[0], BAD, USERS[-1]])
async def test_one_collection_apart(database: Database, name: str, user: str) -> None:
    """The smallest difference of one collection is found, with the ranges as small as they get."""
    for each in USERS:
        await put_everywhere(database, each, SOUND)
    changed = Decimal128(Decimal("0.50000001"))
    total = {TOTAL_FIELDS[name]: Decimal128("2.00000001")}
    field = "trader_id" if name == "trader_balances" else "user_id"
    await database[name].update_one({field: user}, {"$set": {"locked_balance": changed, **total}})

    report = await scanner_on(database, range_accounts=3).scan_all()
    assert report.coverage.accounts == len(USERS)
    assert [m.account.user_id.text for m in report.mismatches] == [user]
    assert report.by_kind == {MismatchKind.AMOUNT: 1}


@pytest.mark.parametrize("name", list(TOTAL_FIELDS))
async def test_a_collection_that_is_not_there(database: Database, name: str) -> None:
    """Without one of the collections a scan is incomplete, and says which."""
    await put_everywhere(database, BAD, SOUND)
    await database[name].drop()

    report = await scanner_on(database).scan_all()
    assert report.verdict is Verdict.INCOMPLETE
    assert [name in sentence for sentence in report.incomplete] == [True]
