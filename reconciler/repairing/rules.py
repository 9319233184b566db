"""What the repair is built with: its limits, and all that it needs of others."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from decimal import Decimal

from reconciler.model.change import Rules
from reconciler.model.guards import Caps
from reconciler.model.identity import Account
from reconciler.model.report import ScanReport
from reconciler.repairing.observer import RepairObserver, UnobservedRepairs
from reconciler.repairing.ports import AuditTrail
from reconciler.repairing.stores import Pauses, PlanStore, RepairFacts, Replacing, SwitchStore

# Scans a user, or everybody with None, and records what it saw.
Check = Callable[[str | None, str | None], Awaitable[ScanReport]]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class RepairOptions:
    """The limits; what is changed holds for what begins afterwards.

    A step holds the plan for `claim_seconds`, so that whoever applies it and dies can be followed
    after that time.
    """

    caps: Caps = field(default_factory=Caps)
    approval_threshold_usd: Decimal = Decimal(1000)
    prices_usd: Mapping[str, Decimal] = field(default_factory=dict)
    plan_ttl_seconds: float = 600.0
    pause_seconds: float = 2.0
    settle_seconds: float = 0.1
    claim_seconds: float = 30.0
    flapping_days: int = 30

    def take(self, others: "RepairOptions") -> None:
        """Have other limits from now on; all who hold these see them."""
        for each in fields(self):
            setattr(self, each.name, getattr(others, each.name))


@dataclass(frozen=True, slots=True)
class RepairParts:
    """What does the work."""

    facts: RepairFacts
    plans: PlanStore
    switch: SwitchStore
    pauses: Pauses
    sync: Replacing
    audit: AuditTrail
    check: Check
    rules_of: Callable[[Account], Rules]
    freeze_problem: Callable[[], str | None] = lambda: None
    may_repair: Callable[[str], bool] = lambda _actor: True
    observer: RepairObserver = field(default_factory=UnobservedRepairs)
    now: Callable[[], datetime] = _now
    new_id: Callable[[], str] = lambda: uuid.uuid4().hex
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
