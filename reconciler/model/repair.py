"""A plan to put drifted accounts right: exact, shown, approved, used once. Values, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from reconciler.model.copies import Balance, BalanceView
from reconciler.model.identity import Account
from reconciler.model.report import ScanReport

# How the reason begins with which a repair that did not help switches repairs off.
VERIFICATION_OF = "verification of plan"


class TruthPolicy(StrEnum):
    """The rule that says what the right balance is."""

    WALLETS = "wallets"
    JOURNAL = "journal"
    MAJORITY = "majority"


class Guard(StrEnum):
    """What can say no to a repair, in the order in which they are asked."""

    SCOPE = "scope"
    KILL_SWITCH = "kill_switch"
    FREEZE = "freeze"
    SERVER_HEALTH = "server_health"
    CONFIRMATION = "confirmation"
    CAPS = "caps"
    SOURCE_SHRUNKEN = "source_shrunken"
    OWED_RISES = "owed_rises"
    FLAPPING = "flapping"
    AUDIT = "audit"


class PlanState(StrEnum):
    """Where a plan is in its life; `expired` is judged when it is looked at."""

    PLANNED = "planned"
    APPROVED = "approved"
    APPLYING = "applying"
    APPLIED = "applied"
    EXPIRED = "expired"


class StepOutcome(StrEnum):
    """What became of one account's part of a plan."""

    PLANNED = "planned"
    REFUSED = "refused"
    APPLIED = "applied"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class GuardRefusal:
    """Which guard said no, why, and what a person does about it."""

    guard: Guard
    reason: str


@dataclass(frozen=True, slots=True)
class RepairStep:
    """What is planned for one account, or why nothing is.

    `before` holds all copies as they were seen; `after` is the balance for all of them, None where
    `refusal` says what a person should do instead. `alternatives` is what each policy would have
    chosen, None where it cannot say. `owed_change` is by how much the exchange owes more (or less)
    in the account's currency.
    """

    before: BalanceView
    after: Balance | None
    policy: TruthPolicy
    alternatives: Mapping[TruthPolicy, Balance | None]
    owed_change: Decimal
    finding_id: str | None
    outcome: StepOutcome
    refusal: str | None = None
    audit_sequence: int | None = None

    @property
    def account(self) -> Account:
        """Whose balance it is."""
        return self.before.account


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """A proposed repair; `digest` is the SHA-256 of its canonical form, 64 hex digits.

    `value_usd` is what its absolute changes are worth, None where a currency has no price.
    `reverts` names the plan that this one takes back; `mapping` is the fingerprint of the
    collections' mapping by which it was made, None without any step.
    """

    plan_id: str
    digest: str
    policy: TruthPolicy
    reason: str
    override_reason: str | None
    planned_by: str
    planned_at: datetime
    expires_at: datetime
    steps: tuple[RepairStep, ...]
    owed_change: Mapping[str, Decimal]
    value_usd: Decimal | None
    needs_approval: bool
    state: PlanState
    approved_by: str | None = None
    approved_at: datetime | None = None
    applied_by: str | None = None
    reverts: str | None = None
    mapping: str | None = None


@dataclass(frozen=True, slots=True)
class RepairResult:
    """What came of applying a plan; `check` is a scan of the accounts from a later snapshot."""

    plan: RepairPlan
    applied: bool
    is_verified: bool
    check: ScanReport | None


@dataclass(frozen=True, slots=True)
class RepairSwitch:
    """The switch in the database: while it is off, no daemon and no command repairs anything."""

    is_on: bool
    changed_by: str | None
    changed_at: datetime | None
    reason: str | None
