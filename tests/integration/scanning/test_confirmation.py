"""What becomes of suspects: only what is wrong twice, in the same way, is a mismatch at once."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from bson import Decimal128
from pymongo import AsyncMongoClient

from reconciler.model.comparison import MismatchKind
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import Consistency, Verdict
from tests.integration.scanning.field import Database, Exchange
from tests.integration.scanning.methods import options_of
from tests.integration.scanning.scanning import assert_found, scanner

Step = Callable[[], Awaitable[None]]


class Script:
    """A sleep that does one step of a script instead of waiting, and then nothing."""

    def __init__(self, *steps: Step) -> None:
        self.count = 0
        self._steps = list(steps)

    async def __call__(self, seconds: float) -> None:
        self.count += 1
        if self._steps:
            await self._steps.pop(0)()


def setting(database: Database, available: str) -> Step:
    """A step that gives one copy of the account another amount."""

    async def step() -> None:
        await database["internal_balances"].update_one(
            {"user_id": "user"}, {"$set": {"available_balance": Decimal128(available)}}
        )

    return step


def removing(database: Database) -> Step:
    """A step that removes the account."""

    async def step() -> None:
        for name in DEFAULT_MAPPINGS.names:
            await database[name].delete_many({})

    return step


async def drifted(database: Database) -> Exchange:
    exchange = Exchange()
    exchange.put(DEFAULT_MAPPINGS.names[:3], u="user", c="BTC", a=Decimal128("1"))
    exchange.put(DEFAULT_MAPPINGS.names[3:], u="user", c="BTC", a=Decimal128("2"))
    await exchange.write(database)
    return exchange


async def test_same_drift_is_confirmed_at_second_sight(database: Database) -> None:
    """The same drift in a later snapshot is a mismatch, after one wait."""
    exchange = await drifted(database)
    script = Script()

    report = await scanner(database, sleep=script).scan_all()

    assert_found(report, exchange)
    assert script.count == 1


async def test_drift_that_moves_with_postings_is_the_same(database: Database) -> None:
    """All four copies change by the same amount meanwhile: the drift is the same one."""
    await drifted(database)

    async def post() -> None:
        for name in DEFAULT_MAPPINGS.names:
            await database[name].update_many({}, {"$inc": {"available_balance": Decimal128("5")}})

    script = Script(post)
    report = await scanner(database, sleep=script).scan_all()

    assert report.mismatch_count == 1
    assert script.count == 1


@pytest.mark.parametrize("round_number", [0, 1, 2])
async def test_drift_that_goes_away_is_dropped(database: Database, round_number: int) -> None:
    """In sync in any of the looks: no mismatch."""
    await drifted(database)
    steps = [setting(database, "3"), setting(database, "4")][:round_number]

    script = Script(*steps, setting(database, "1"))
    report = await scanner(database, sleep=script).scan_all()

    assert report.verdict is Verdict.HEALTHY
    assert script.count == round_number + 1


async def test_account_that_goes_away_is_dropped(database: Database) -> None:
    """An account that is nowhere any more is in sync."""
    await drifted(database)

    report = await scanner(database, sleep=Script(removing(database))).scan_all()

    assert report.verdict is Verdict.HEALTHY


async def test_drift_that_always_changes_is_confirmed(database: Database) -> None:
    """Never in sync in three further snapshots: a mismatch, whatever it is each time."""
    await drifted(database)

    script = Script(*[setting(database, amount) for amount in ("3", "4", "5", "6")])
    report = await scanner(database, sleep=script).scan_all()

    assert report.mismatch_count == 1
    assert script.count == 3


async def test_list_is_cut_and_counts_are_not(database: Database) -> None:
    """The list holds the smallest keys; counts hold all, users being counted once."""
    exchange = Exchange()
    for number in range(30):
        for currency in ("BTC", "ETH"):
            exchange.put(["wallets"], u=f"user-{number:02}", c=currency, a=Decimal128("1"))
    await exchange.write(database)
    options = options_of(settle_seconds=0.001, mismatches_max=3, suspects_max=7)

    report = await scanner(
        database, options=options, store={"range_accounts": 10, "batch_documents": 3}
    ).scan_all()

    assert report.truncated
    assert report.mismatch_count == 60
    assert report.mismatched_users == 30
    assert report.by_kind == {MismatchKind.MISSING: 60}
    accounts = [str(mismatch.account) for mismatch in report.mismatches]
    assert accounts == ["user-00/BTC", "user-00/ETH", "user-01/BTC"]


@pytest.fixture
async def standalone(standalone_uri: str) -> AsyncIterator[Database]:
    async with AsyncMongoClient[dict[str, Any]](standalone_uri) as client:
        await client.drop_database("standalone")
        yield client["standalone"]


async def test_standalone_confirms_by_repeated_reads(standalone: Database) -> None:
    """Without snapshots the same drift must be read three times more, and the report says how."""
    exchange = await drifted(standalone)
    script = Script()

    report = await scanner(standalone, sleep=script).scan_all()

    assert_found(report, exchange)
    assert report.consistency is Consistency.CONFIRMED_READS
    assert script.count == 3


async def test_standalone_without_drift(standalone: Database) -> None:
    """A standalone server that is in sync is healthy."""
    exchange = Exchange()
    exchange.everywhere(u="user", c="BTC", a=Decimal128("1"))
    await exchange.write(standalone)

    report = await scanner(standalone).scan_all()

    assert_found(report, exchange)
    assert report.verdict is Verdict.HEALTHY


async def test_standalone_cannot_judge_what_always_changes(standalone: Database) -> None:
    """Plain reads that differ each time prove nothing: incomplete, neither wrong nor healthy."""
    await drifted(standalone)
    steps = [setting(standalone, str(number)) for number in range(3, 12)]

    report = await scanner(standalone, sleep=Script(*steps)).scan_all()

    assert report.mismatch_count == 0
    assert report.incomplete == ("1 accounts changed too often to be judged without snapshots",)
