"""What the surfaces ask of the running system, and the values that come back.

`bootstrap` gives them objects that do this; no surface knows a database.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from reconciler.auditing.proving import Proof
from reconciler.model.audit import AuditRecord
from reconciler.model.bypassing import BypassingPage
from reconciler.model.explanation import Explanation, JournalLine
from reconciler.model.finding import FindingFilter, FindingPage
from reconciler.model.gate import Checklist
from reconciler.model.idempotency import KeyClaim, KeyedRequest, StoredAnswer
from reconciler.model.identity import Account
from reconciler.model.mapping import Mappings
from reconciler.model.repair import RepairPlan, RepairResult, RepairSwitch, TruthPolicy
from reconciler.model.report import ScanReport, Verdict
from reconciler.model.roles import Role
from reconciler.model.scan_record import ScanPage, ScanRecord
from reconciler.model.schema import DuplicateAccount, IndexReport, IndexState, SchemaReport
from reconciler.model.trade import Trade
from reconciler.settings import Differences, Settings
from reconciler.surfaces.guarding_port import Guarding
from reconciler.surfaces.health import Health

__all__ = [
    "AuditReading",
    "Backend",
    "Credits",
    "DuplicateAccount",
    "Escrow",
    "Explanation",
    "Health",
    "IndexReport",
    "IndexState",
    "JournalLine",
    "Progress",
    "Reconciliation",
    "Repairs",
    "Role",
    "RunningDaemon",
    "SchemaReport",
    "Service",
    "Stage",
]

# Called with the accounts looked at so far and the estimated total.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A scan that was written down; `unrecorded` says why not, `leader` who holds the lease."""

    report: ScanReport
    unrecorded: str | None
    leader: str | None


class Backend(Guarding, Protocol):
    """The running system, as the commands see it."""

    @property
    def repairs(self) -> "Repairs":
        """The guarded repair."""

    async def check(
        self, user_id: str | None, currency: str | None, *, progress: Progress
    ) -> ScanReport:
        """Compare the copies of all accounts, or of those of one user or currency or both.

        Raises:
            DatabaseUnavailable: there is no server to ask.
        """

    async def reconcile(self, *, progress: Progress) -> Reconciliation:
        """Compare all accounts as the daemon does: the scan and its findings are written down.

        Raises:
            Fenced: another process took the lease over before the scan began.
        """

    async def explain(self, user_id: str, currency: str) -> Explanation:
        """Show one account as of one moment.

        Raises:
            DatabaseUnavailable, CannotLook: it could not be read.
        """

    async def init_schema(self) -> SchemaReport:
        """Make what is missing; safe to repeat.

        Raises:
            DatabaseUnavailable, CannotLook: it could not be done.
        """

    async def schema_status(self) -> SchemaReport:
        """Say what is there.

        Raises:
            DatabaseUnavailable, CannotLook: it could not be read.
        """

    @property
    def audit(self) -> "AuditReading":
        """The audit trail."""

    async def checklist(self) -> Checklist:
        """Judge for the gate what is there beside the balances: schema, plans, findings.

        What cannot be looked at is unknown; it raises nothing.
        """


class AuditReading(Protocol):
    """The audit trail, as the commands read it."""

    async def verify(self, checkpoints: Path | None, public_key: Path | None) -> Proof:
        """Prove the whole trail, against signed checkpoints where there are any.

        Raises:
            InvalidSettings, UnusableKey, CheckpointFailed: checkpoints cannot be read or proven.
            ReadInterrupted, CannotLook: the trail could not be read.
        """

    def records(self) -> AsyncIterator[AuditRecord]:
        """Read all records in their order; may raise as `verify`."""


class Stage(Protocol):
    """A small exchange on a server of its own, for the demo."""

    @property
    def uri(self) -> str:
        """The connection string of the server."""

    @property
    def database(self) -> str:
        """The database of the exchange."""

    @property
    def settings(self) -> Settings:
        """The settings of a daemon on it."""

    @property
    def mappings(self) -> Mappings:
        """The collections of the exchange."""

    @property
    def backend(self) -> Backend:
        """The running system on that server."""

    @property
    def drifted(self) -> Sequence[Account]:
        """The accounts that `bypass` drifts."""

    async def seed(self) -> int:
        """Write the balances that years of old code left; give the number of accounts."""

    async def make_postings(self) -> int:
        """Make an ordinary day's postings through the sync library; give their number."""

    async def bypass(self) -> Sequence[str]:
        """Write past the library as old call sites do; say what was written, a clause each."""


class RunningDaemon(Protocol):
    """The daemon as the command line has it."""

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, and stop within ten seconds.

        Raises:
            InvalidSettings: the address cannot be listened on. ServingEnded: it is served no more.
        """

    async def url(self) -> str:
        """Wait until it listens, and give the address for people and for curl."""

    async def verdict(self) -> Verdict:
        """Wait until a scan looked everywhere, and give what is known then."""

    def reload(self, settings: Settings) -> Differences:
        """Take what may change at run time from other settings; give what did, and what may not.

        Raises:
            InvalidSettings: they cannot be used; nothing was changed.
        """


class Service(Protocol):
    """The running daemon, as the HTTP API sees it.

    What reads the database may raise `ReadInterrupted`, `CannotLook`, `SnapshotTooOld` or
    `DatabaseUnavailable`.
    """

    def health(self) -> Health:
        """Say whether it can do its work, as it was known a moment ago."""

    def now(self) -> datetime:
        """Give the time of day."""

    async def check(self, user_id: str | None, currency: str | None) -> ScanReport:
        """Scan now; callers of the same scan at the same time share one.

        Never raises for what the database does: a scan that could not look is `incomplete`.
        """

    async def last_full(self) -> ScanRecord | None:
        """Give the last full scan that ended with a report."""

    async def explain(self, user_id: str, currency: str) -> Explanation:
        """Show one account as of one moment."""

    async def findings(
        self, wanted: FindingFilter, *, after: str | None, limit: int
    ) -> FindingPage:
        """List findings in the order of their ids, those after an id."""

    async def scans(self, *, before: int | None, limit: int) -> ScanPage:
        """List scans, the youngest first, those numbered below `before`."""

    async def bypassing_writes(self, *, before: str | None, limit: int) -> BypassingPage:
        """List writes past the library, the youngest first, those whose id is below `before`."""


class Credits(Protocol):
    """Gives money away, for trying the system out."""

    async def credit(
        self, user_id: str, currency: str, amount: Decimal, *, op_id: str | None
    ) -> Mapping[str, Decimal]:
        """Credit an account; give the totals that the user then holds, by currency.

        Raises:
            PostingRefused: nothing was written. OutcomeUnknown: it is not known whether it was.
            CannotLook: it was, but what the user holds could not be read.
        """


class Escrow(Protocol):
    """Keeps trades; each step is one posting.

    Each method raises `PostingRefused` when nothing was written, `OutcomeUnknown` when that is not
    known, and `ReadInterrupted` or `CannotLook` when the trade could not be read.
    """

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
        """Set the seller's amount aside for a buyer."""

    async def release_crypto(self, trade_id: str, *, op_id: str | None = None) -> Trade:
        """Move the amount to the buyer, less the fee; a trade that is released stays as it is."""

    async def cancel_trade(self, trade_id: str, *, op_id: str | None = None) -> Trade:
        """Give the amount back to the seller; a trade that is cancelled stays as it is."""


class IdempotencyKeys(Protocol):
    """Where the keys of requests are kept, for all daemons of one database.

    Each method may raise `ReadInterrupted` or `CannotLook`.
    """

    async def claim(self, request: KeyedRequest, *, busy_seconds: float) -> KeyClaim:
        """Take a key for a request, so that nobody else works on it for so many seconds."""

    async def keep(self, request: KeyedRequest, claim: KeyClaim, answer: StoredAnswer) -> None:
        """Store the answer of a request that had its effect."""

    async def let_go(self, request: KeyedRequest, claim: KeyClaim) -> None:
        """Let the same request, and no other one, be tried again at once."""


class Repairs(Protocol):
    """The guarded repair, as HTTP and the command line see it.

    `actor` names the principal that asks. Methods that change something raise `RepairRefused`
    (which guard, why, what to do), `PlanNotFound`, `PlanStale` (used, expired, or with another
    digest), `SelfApproval`, and what a database raises; nothing was written then.
    """

    async def plan(
        self,
        *,
        user_id: str | None,
        currency: str | None,
        policy: TruthPolicy,
        reason: str,
        override_reason: str | None,
        actor: str,
        applies_at_once: bool = False,
    ) -> RepairPlan:
        """Plan the repair of confirmed findings, of one user or all, and store the plan.

        Whoever `applies_at_once` has postings on the accounts wait for it a moment longer.
        """

    async def plan_revert(self, plan_id: str, *, reason: str, actor: str) -> RepairPlan:
        """Plan what takes an applied plan back."""

    async def show(self, plan_id: str) -> RepairPlan:
        """Give a plan as it is now."""

    async def approve(self, plan_id: str, *, digest: str, actor: str) -> RepairPlan:
        """Approve exactly this digest; never by who planned it or will apply it."""

    async def apply(self, plan_id: str, *, digest: str, reason: str, actor: str) -> RepairResult:
        """Carry a plan out, or go on where it was stopped; then look at the accounts again."""

    async def switch(self) -> RepairSwitch:
        """Say whether repairs are switched on in the database."""

    async def set_switch(self, *, is_on: bool, reason: str, actor: str) -> RepairSwitch:
        """Switch repairs on or off for every daemon at once; that is audited."""
