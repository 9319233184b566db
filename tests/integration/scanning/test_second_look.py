"""The second look: what is put right while a scan waits is nobody's alarm; what stays is."""

from collections.abc import Awaitable, Callable
from typing import Any

from bson import Decimal128
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import ScanReport, Verdict
from reconciler.scanning.scanner import Scanner
from reconciler.storage.balances import MongoBalanceStore
from tests.integration.scanning.methods import options_of
from tests.integration.scanning.test_equal_everywhere import BAD, SOUND, USERS, put_everywhere

Database = AsyncDatabase[dict[str, Any]]


async def set_available(database: Database, amount: str) -> None:
    """Write one collection of one account."""
    fields = {"available_balance": Decimal128(amount), "balance": Decimal128("2")}
    await database["crypto_balances"].update_one({"user_id": BAD}, {"$set": fields})


async def scan_while(
    database: Database, meanwhile: Callable[[], Awaitable[None]]
) -> tuple[ScanReport, list[float]]:
    """Scan with one drift, doing something during the wait; give the waits, too."""
    for user in USERS:
        await put_everywhere(database, user, SOUND)
    await set_available(database, "1.25")
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await meanwhile()

    store = MongoBalanceStore(database, DEFAULT_MAPPINGS)
    options = options_of(settle_seconds=0.75)
    return await Scanner(store, DEFAULT_MAPPINGS, options, sleep=sleep).scan_all(), waits


async def test_what_is_put_right_meanwhile_is_no_mismatch(database: Database) -> None:
    """A drift that is gone at the second look is not reported."""
    report, waits = await scan_while(database, lambda: set_available(database, "1.5"))

    assert (report.verdict, report.mismatch_count) == (Verdict.HEALTHY, 0)
    assert waits == [0.75]


async def test_what_stays_is_a_mismatch(database: Database) -> None:
    """A drift that is still there is reported with what the second look saw."""
    report, waits = await scan_while(database, lambda: set_available(database, "1.25"))

    assert report.verdict is Verdict.INTEGRITY_FAILURE
    assert [mismatch.account.user_id.text for mismatch in report.mismatches] == [BAD]
    assert waits == [0.75]
