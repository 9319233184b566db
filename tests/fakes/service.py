"""A daemon that says what a test wants, and remembers what it was asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from reconciler.errors import ReconcilerError, TradeNotFound
from reconciler.model.bypassing import BypassingPage, BypassingWrite, WriteOperation
from reconciler.model.comparison import Mismatch, compare
from reconciler.model.copies import (
    NOT_STORED,
    Balance,
    BalanceView,
    Copy,
    stored_nonsense,
    stored_number,
)
from reconciler.model.explanation import Explanation, JournalLine
from reconciler.model.finding import (
    Finding,
    FindingFilter,
    FindingPage,
    FindingState,
)
from reconciler.model.identity import Account, Identifier
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.posting import Delta
from reconciler.model.report import Consistency, Coverage, ScanMode, ScanReport
from reconciler.model.scan_record import ScanPage, ScanRecord, ScanState, ScanTrigger
from reconciler.model.trade import Terms, Trade, TradeStep, advanced, opened
from reconciler.surfaces.ports import Health

NOW = datetime(2025, 12, 22, 1, 30, tzinfo=UTC)
BEGUN = NOW - timedelta(seconds=30)
OBJECT_ID = Identifier("507f1f77bcf86cd799439011", "objectId")


def a_copy(available: str, bson_type: str = "decimal") -> Copy:
    amount = stored_number(bson_type, Decimal(available))
    return Copy("507f", amount, NOT_STORED, amount, "2025-12-22T01:29:00+00:00")


def a_view(user_id: str | Identifier, **copies: tuple[Copy, ...]) -> BalanceView:
    """An account in sync, but for the copies that are given."""
    identifier = user_id if isinstance(user_id, Identifier) else Identifier(user_id)
    same: dict[str, tuple[Copy, ...]] = {
        name: (a_copy("0.001"),) for name in DEFAULT_MAPPINGS.names
    }
    return BalanceView(Account(identifier, Identifier("BTC")), same | copies)


def a_mismatch(user_id: str | Identifier, **copies: tuple[Copy, ...]) -> Mismatch:
    found = compare(a_view(user_id, **copies), DEFAULT_MAPPINGS)
    assert found is not None
    return found


BROKEN = Copy("1", stored_nonsense("string", "many"), NOT_STORED, NOT_STORED)
MISMATCHES = (
    a_mismatch("abc123", crypto_balances=(a_copy("0.0005"),)),
    a_mismatch("two\nlines \ud800", trader_balances=(), wallets=(a_copy("2", "double"),)),
    a_mismatch(OBJECT_ID, internal_balances=(BROKEN,)),
    a_mismatch("twice", wallets=(a_copy("1"), a_copy("2"))),
)


def a_report(*mismatches: Mismatch, incomplete: tuple[str, ...] = ()) -> ScanReport:
    return ScanReport(
        scan_id="scan-1",
        mode=ScanMode.FULL,
        consistency=Consistency.SNAPSHOT,
        started_at=BEGUN,
        duration_seconds=0.25,
        coverage=Coverage(accounts=20, users=5, currencies=12),
        mismatch_count=len(mismatches),
        mismatched_users=len(mismatches),
        by_kind={each.kind: 1 for each in mismatches},
        mismatches=mismatches,
        incomplete=incomplete,
    )


HEALTHY = a_report()
FAILURE = a_report(*MISMATCHES)
INCOMPLETE = a_report(incomplete=("The server did not answer.",))


def a_scan(report: ScanReport | None = HEALTHY, *, sequence: int = 7) -> ScanRecord:
    return ScanRecord(
        scan_id="scan-1",
        sequence=sequence,
        mode=ScanMode.FULL,
        user_id=None,
        currency=None,
        trigger=ScanTrigger.SCHEDULE,
        holder="host-1",
        token=3,
        state=ScanState.FINISHED if report else ScanState.INTERRUPTED,
        started_at=BEGUN,
        ended_at=NOW,
        reason=None if report else "stopped",
        report=report,
    )


def a_finding(mismatch: Mismatch, *, episode: int = 1) -> Finding:
    return Finding(
        key="0" * 32,
        episode=episode,
        state=FindingState.CONFIRMED,
        mismatch=mismatch,
        differences="",
        drift=Decimal("0.0005"),
        first_seen=BEGUN,
        last_seen=NOW,
        confirmed_at=NOW,
        resolved_at=None,
        scan_id="scan-1",
        sequence=7,
    )


A_WRITE_ID = f"1795544558-0000000035-{'0a' * 8}"


def a_bypassing_write(account: Account | None) -> BypassingWrite:
    return BypassingWrite(
        write_id=A_WRITE_ID,
        collection="wallets",
        operation=WriteOperation.UPDATE,
        document_id="6b05d5eeb19712d5f9fe220a",
        account=account,
        time=BEGUN,
        seen_at=NOW,
    )


A_LINE = JournalLine(
    NOW,
    sequence=1,
    kind="credit",
    reason="a deposit",
    op_id="op-1",
    delta=Delta(Decimal("0.001")),
    after=Balance(Decimal("0.001")),
)


@dataclass
class FakeService:
    """The daemon; `error` is raised by whatever reads the database."""

    report: ScanReport = HEALTHY
    last: ScanRecord | None = None
    error: Exception | None = None
    state: Health = field(default_factory=lambda: Health(True, True, False, True))
    asked: list[object] = field(default_factory=list)

    def health(self) -> Health:
        return self.state

    def now(self) -> datetime:
        return NOW

    async def check(self, user_id: str | None, currency: str | None) -> ScanReport:
        self.asked.append((user_id, currency))
        return self.report

    async def last_full(self) -> ScanRecord | None:
        self._look()
        return self.last

    async def explain(self, user_id: str, currency: str) -> Explanation:
        self._look(user_id, currency)
        if user_id == "nobody":
            return Explanation(BalanceView(Account.of(user_id, currency), {}), None, ())
        for mismatch in self.report.mismatches:
            return Explanation(mismatch.view, mismatch, (A_LINE,))
        return Explanation(a_view(user_id), None, (A_LINE,))

    async def findings(
        self, wanted: FindingFilter, *, after: str | None, limit: int
    ) -> FindingPage:
        self._look(wanted, after, limit)
        found = tuple(a_finding(each) for each in self.report.mismatches)
        return FindingPage(found, found[-1].finding_id if found else None)

    async def scans(self, *, before: int | None, limit: int) -> ScanPage:
        self._look(before, limit)
        return ScanPage((a_scan(self.report), a_scan(None, sequence=6)), 6)

    async def bypassing_writes(self, *, before: str | None, limit: int) -> BypassingPage:
        self._look(before, limit)
        return BypassingPage(
            (a_bypassing_write(Account.of("abc", "BTC")), a_bypassing_write(None)), A_WRITE_ID
        )

    def _look(self, *asked: object) -> None:
        self.asked.append(asked)
        if self.error is not None:
            raise self.error


@dataclass
class FakeCredits:
    """Credits that are never made; `totals` is what everybody holds."""

    totals: Mapping[str, Decimal] = field(
        default_factory=lambda: {
            "ETH": Decimal("0.05"),
            "BTC": Decimal("0.00100"),
            "GBP": Decimal("0.00"),
        }
    )
    error: Exception | None = None
    asked: list[tuple[str, str, Decimal, str | None]] = field(default_factory=list)

    async def credit(
        self, user_id: str, currency: str, amount: Decimal, *, op_id: str | None
    ) -> Mapping[str, Decimal]:
        self.asked.append((user_id, currency, amount, op_id))
        if self.error is not None:
            raise self.error
        return self.totals


@dataclass
class FakeEscrow:
    """Trades in memory."""

    error: ReconcilerError | None = None
    trades: dict[str, Trade] = field(default_factory=dict)
    op_ids: list[str | None] = field(default_factory=list)

    async def create_trade(
        self,
        seller_id: str,
        buyer_id: str,
        currency: str,
        amount: Decimal,
        *,
        fee_bps: int = 0,
        op_id: str | None = None,
    ) -> Trade:
        self.op_ids.append(op_id)
        if self.error is not None:
            raise self.error
        trade = opened(
            f"trade-{len(self.trades) + 1}",
            Terms(seller_id, buyer_id, currency, amount, fee_bps),
            fee_account="admin_wallet",
            scale=18,
            op_id=op_id or "made-up",
            at=NOW,
        )
        self.trades[trade.trade_id] = trade
        return trade

    async def release_crypto(self, trade_id: str, *, op_id: str | None = None) -> Trade:
        return self._advance(trade_id, TradeStep.RELEASE)

    async def cancel_trade(self, trade_id: str, *, op_id: str | None = None) -> Trade:
        return self._advance(trade_id, TradeStep.CANCEL)

    def _advance(self, trade_id: str, step: TradeStep) -> Trade:
        if self.error is not None:
            raise self.error
        if trade_id not in self.trades:
            raise TradeNotFound(trade_id)
        self.trades[trade_id] = advanced(self.trades[trade_id], step, op_id="x", at=NOW)
        return self.trades[trade_id]
