"""The real command line over a fake: `python -m tests.fakes.command_line NAME ARGUMENTS`."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

from reconciler.bootstrap import wiring
from reconciler.errors import CannotLook, DatabaseUnavailable
from reconciler.model.comparison import Mismatch, compare
from reconciler.model.copies import NOT_STORED, BalanceView, Copy, stored_nonsense, stored_number
from reconciler.model.identity import Account
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import Consistency, Coverage, ScanMode, ScanReport
from reconciler.model.schema import required_indexes
from reconciler.settings import Settings
from reconciler.surfaces.cli.app import run
from reconciler.surfaces.logs import Logs
from reconciler.surfaces.ports import (
    DuplicateAccount,
    Explanation,
    IndexReport,
    IndexState,
    Progress,
    Reconciliation,
    SchemaReport,
)
from tests.fakes.audit import WithoutAudit
from tests.fakes.naive import open_naive

WICKED_IDS = (
    "plain",
    "two\nlines",
    "\x1b[31mred\x1b[0m",
    "[bold]markup[/bold]",
    "\u202eelbisivni",
    "\ud800lone",
    '{"$gt": ""}',
    "long-" * 40,
    "-dash",
)


def copy(available: str) -> Copy:
    amount = stored_number("decimal", Decimal(available))
    return Copy("1", amount, NOT_STORED, NOT_STORED, "2025-12-22T01:30:00+00:00")


def mismatch(user_id: str) -> Mismatch:
    copies: dict[str, tuple[Copy, ...]] = {name: (copy("1E-8"),) for name in DEFAULT_MAPPINGS.names}
    copies["wallets"] = (copy("2"),)
    copies["trader_balances"] = ()
    broken = Copy("1", stored_nonsense("string", "x\n"), NOT_STORED, NOT_STORED)
    copies["internal_balances"] = (broken, broken)
    found = compare(BalanceView(Account.of(user_id, "BTC"), copies), DEFAULT_MAPPINGS)
    assert found is not None
    return found


class FakeBackend(WithoutAudit):
    def __init__(self, name: str, settings: Settings) -> None:
        self._name = name
        self._limit = settings.scan.mismatches_max

    async def check(
        self, user_id: str | None, currency: str | None, *, progress: Progress
    ) -> ScanReport:
        progress(1, 10)
        match self._name:
            case "slow":
                sys.stderr.write("started\n")
                sys.stderr.flush()
                await asyncio.sleep(60)
            case "buggy":
                password = "hunter2"
                raise RuntimeError(f"a bug, {len(password)}")
            case "away":
                raise DatabaseUnavailable("no server answers at db1")
        found = tuple(map(mismatch, WICKED_IDS)) if self._name == "wrong" else ()
        nothing = user_id == "nobody"
        return ScanReport(
            scan_id="scan1",
            mode=ScanMode.USER if user_id else ScanMode.FULL,
            consistency=Consistency.SNAPSHOT,
            started_at=datetime(2025, 12, 22, 1, 30, tzinfo=UTC),
            duration_seconds=0.25,
            coverage=Coverage() if nothing else Coverage(12, 5, 3),
            mismatch_count=len(found),
            mismatched_users=len(found),
            by_kind={found[0].kind: len(found)} if found else {},
            mismatches=found[: self._limit],
            incomplete=("trader_balances could not be read.",) if self._name == "blind" else (),
        )

    async def reconcile(self, *, progress: Progress) -> Reconciliation:
        report = await self.check(None, None, progress=progress)
        is_wrong = self._name == "wrong"
        return Reconciliation(
            report,
            unrecorded="the server did not answer in time" if is_wrong else None,
            leader="db7:12:ab" if is_wrong else None,
        )

    async def explain(self, user_id: str, currency: str) -> Explanation:
        if self._name == "away":
            raise CannotLook("no permission to read wallets")
        if self._name == "wrong":
            found = mismatch(user_id)
            return Explanation(found.view, found, ())
        return Explanation(BalanceView(Account.of(user_id, currency), {}), None, ())

    async def init_schema(self) -> SchemaReport:
        reports = [
            IndexReport(index, IndexState.MADE) for index in required_indexes(DEFAULT_MAPPINGS)
        ]
        if self._name == "wrong":
            twice = DuplicateAccount(Account.of("two\nlines", "BTC"), 2)
            reports[0] = IndexReport(reports[0].index, IndexState.BLOCKED, (twice,), 3)
        return SchemaReport("MongoDB 6.0.5", (), tuple(reports))

    async def schema_status(self) -> SchemaReport:
        return await self.init_schema()


def main() -> int:
    name, *argv = sys.argv[1:]

    @contextlib.asynccontextmanager
    async def open_fake(settings: Settings, _logs: Logs) -> AsyncIterator[FakeBackend]:
        yield FakeBackend(name, settings)

    opener = open_naive if name == "naive" else open_fake
    return run(argv, wiring=wiring(opener), environment=os.environ)


if __name__ == "__main__":
    sys.exit(main())
