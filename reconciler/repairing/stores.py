"""What the repair needs of the database and of the sync library, beside the audit trail.

Each method may raise `ReadInterrupted`, `CannotLook`, `SnapshotTooOld` or `DatabaseUnavailable`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from reconciler.model.copies import Balance, BalanceView
from reconciler.model.finding import Finding
from reconciler.model.identity import Account
from reconciler.model.planning import AccountFacts
from reconciler.model.repair import RepairPlan, RepairSwitch, StepOutcome
from reconciler.repairing.ports import Insertion

# Writes of its own in somebody's transaction; what it gets is the session.
Within = Callable[[Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SourceState:
    """How many documents the source of truth has, and what the last complete full scan saw.

    `accounts_known` and `users_known` are None if no full scan has looked everywhere yet.
    """

    documents: int
    accounts_known: int | None
    users_known: int | None


class RepairFacts(Protocol):
    """Everything that a plan is decided on."""

    async def open_findings(
        self, user_id: str | None, currency: str | None, *, limit: int
    ) -> Sequence[Finding]:
        """List findings that are not resolved, those that are confirmed first."""

    async def confirmed(self, finding_ids: Sequence[str]) -> frozenset[str]:
        """Give those of the findings that two snapshots have confirmed."""

    async def accounts(self, accounts: Sequence[Account]) -> Mapping[Account, AccountFacts]:
        """Read copies, journal and open trades of accounts, all from one new snapshot."""

    async def source(self) -> SourceState:
        """Count the source of truth, and say what it was."""

    async def server_problem(self) -> str | None:
        """Say why the server is not healthy: no primary, or no majority that takes writes."""


class PlanStore(Protocol):
    """Where plans are kept, each used once. `audited` is written in the same transaction."""

    async def add(self, plan: RepairPlan, audited: Insertion) -> None:
        """Store a new plan."""

    async def find(self, plan_id: str) -> RepairPlan | None:
        """Give a plan as it is now.

        Raises:
            PlanStale: what is stored is not what its digest says.
        """

    async def approve(self, plan_id: str, *, digest: str, actor: str, audited: Insertion) -> bool:
        """Approve a plan that waits and that somebody else planned; False if there is none."""

    async def claim(
        self,
        plan_id: str,
        *,
        digest: str,
        actor: str,
        applier: str,
        seconds: float,
        begun_max: int,
        since: datetime,
    ) -> bool:
        """Take a plan for applying: one that may be, or whose applier has said nothing for long.

        No more than `begun_max` plans begin to be applied since that time, however many are claimed
        at once; one that had begun before goes on.
        """

    def outcome(
        self,
        plan_id: str,
        number: int,
        outcome: StepOutcome,
        *,
        applier: str,
        seconds: float,
        audited: Insertion,
    ) -> Within:
        """Give the write of a step's outcome and of its record; it holds the claim for longer.

        It raises `PlanStale` if the claim has gone to somebody else.
        """

    async def record(self, write: Within) -> None:
        """Do such a write in a transaction of its own."""

    async def finish(self, plan_id: str, *, applier: str, audited: Insertion) -> bool:
        """End a plan that was carried out; False if the claim has gone to somebody else."""

    async def begun_since(self, since: datetime, *, but: str | None) -> int:
        """Count the plans whose application began since a time, without one of them."""


class SwitchStore(Protocol):
    """The switch in the database."""

    async def read(self) -> RepairSwitch:
        """Give it as it is."""

    async def write(self, switch: RepairSwitch, audited: Insertion) -> None:
        """Set it, for every daemon at once."""


class Pauses(Protocol):
    """Keeps postings off accounts for a short time, by the server's clock."""

    async def begin(self, accounts: Sequence[Account], *, seconds: float) -> None:
        """Have postings on the accounts wait; it ends by itself."""

    async def end(self, accounts: Sequence[Account]) -> None:
        """Let them go on."""


class Replacing(Protocol):
    """The one thing that sets balances: the sync library's compare-and-set."""

    async def replace(
        self,
        before: BalanceView,
        after: Balance,
        *,
        reason: str,
        op_id: str,
        within: Within | None = None,
    ) -> object:
        """Set all copies of one account to `after`, if they still are exactly `before`.

        Raises:
            StaleBefore: a copy differs from `before`. PostingRefused: nothing was written.
            OutcomeUnknown: it is not known; the same call again is safe.
        """
