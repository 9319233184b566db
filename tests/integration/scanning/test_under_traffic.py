"""Scans during heavy traffic: no false alarm, and a real drift is found among it.

With plain reads in place of snapshots this test fails (see the mutants): a reader then catches
accounts in the middle of a posting.
"""

import asyncio
import random
from collections.abc import Iterator
from typing import Any

from bson import Decimal128
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.errors import InsufficientFunds
from reconciler.model.comparison import Mismatch
from reconciler.model.identity import Account
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import Consistency, ScanMethod, ScanReport, Verdict
from reconciler.scanning.observer import Unobserved
from reconciler.scanning.scanner import Scanner
from reconciler.storage.balances import MongoBalanceStore
from reconciler.sync import BalanceSync
from tests.integration.scanning.methods import options_of
from tests.integration.sync.stored import make_indexes

Database = AsyncDatabase[dict[str, Any]]

SCANS_MIN = 20
POSTINGS_MIN = 5_000
CALLERS = 32
USERS = [f"user-{number:02}" for number in range(40)]
CURRENCIES = ("BTC", "GBP")
DRIFTED = Account.of("user-17", "BTC")


class Suspicions(Unobserved):
    """Remembers what scans took for wrong at first sight, before they looked again."""

    def __init__(self) -> None:
        self.accounts: list[Account] = []

    def suspect_found(self, scan_id: str, mismatch: Mismatch) -> None:
        self.accounts.append(mismatch.account)


class Traffic:
    """Callers who post on all accounts at random until they are told to stop."""

    def __init__(self, sync: BalanceSync) -> None:
        self.count = 0
        self._sync = sync
        self._stopped = False
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Traffic":
        for number in range(CALLERS):
            self._tasks.append(asyncio.create_task(self._call(random.Random(number))))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopped = True
        await asyncio.gather(*self._tasks)

    async def _call(self, chance: random.Random) -> None:
        while not self._stopped:
            user, other = chance.sample(USERS, 2)
            # The drifted account takes no debits: they would be refused, and are not the subject.
            currency = "GBP" if "user-17" in (user, other) else chance.choice(CURRENCIES)
            try:
                match chance.randrange(4):
                    case 0:
                        await self._sync.credit(user, currency, "0.03", "traffic")
                    case 1:
                        await self._sync.debit(user, currency, "0.02", "traffic")
                    case 2:
                        await self._sync.lock(user, currency, "0.01", "traffic")
                    case _:
                        await self._sync.release(user, currency, "0.01", other, "traffic")
            except InsufficientFunds:
                continue
            self.count += 1


async def seed(sync: BalanceSync) -> None:
    """Give every user a hundred of each currency."""
    for user in USERS:
        await sync.post([(user, currency, 100, 50) for currency in CURRENCIES], reason="seed")


async def drift(database: Database) -> None:
    """Write one collection of one account behind the library's back."""
    changed = await database["crypto_balances"].update_one(
        {"user_id": DRIFTED.user_id.text, "currency": DRIFTED.currency.text},
        {"$inc": {"available_balance": Decimal128("0.5"), "balance": Decimal128("0.5")}},
    )
    assert changed.modified_count == 1


async def test_no_false_alarm_and_no_false_peace(database: Database) -> None:
    """Twenty scans during five thousand postings see nothing wrong, then exactly what is wrong."""
    await make_indexes(database)
    sync = BalanceSync(database, deadline_seconds=60)
    await seed(sync)
    suspicions = Suspicions()
    scanner = Scanner(
        MongoBalanceStore(database, DEFAULT_MAPPINGS, range_accounts=30),
        DEFAULT_MAPPINGS,
        observer=suspicions,
    )

    async def scan(number: int) -> ScanReport:
        """By digests and exactly by turns."""
        method = ScanMethod.EXACT if number % 2 else ScanMethod.DIGEST
        scanner.options = options_of(settle_seconds=0.1, method=method)
        report = await scanner.scan_all()
        assert report.method is method
        return report

    before: list[ScanReport] = []
    after: list[ScanReport] = []

    async with Traffic(sync) as traffic:
        for _ in paced(traffic, before, postings=POSTINGS_MIN // 2):
            before.append(await scan(len(before)))
        assert suspicions.accounts == []
        await drift(database)
        for _ in paced(traffic, after, postings=POSTINGS_MIN):
            after.append(await scan(len(after)))

    assert len(before) + len(after) >= SCANS_MIN
    assert traffic.count >= POSTINGS_MIN
    for report in (*before, *after):
        assert report.consistency is Consistency.SNAPSHOT
        assert report.incomplete == ()
        assert report.coverage.accounts == len(USERS) * len(CURRENCIES)
        assert report.coverage.users == len(USERS)
    assert {report.verdict for report in before} == {Verdict.HEALTHY}
    for report in after:
        assert [mismatch.account for mismatch in report.mismatches] == [DRIFTED]
        assert report.mismatch_count == 1
    assert set(suspicions.accounts) == {DRIFTED}
    await sync.close()


def paced(traffic: Traffic, reports: list[ScanReport], *, postings: int) -> Iterator[None]:
    """Go on until there are enough scans and enough postings, but not for ever."""
    for _ in range(1_000):
        if len(reports) >= SCANS_MIN // 2 and traffic.count >= postings:
            return
        yield
    raise AssertionError(f"only {traffic.count} postings were made")
