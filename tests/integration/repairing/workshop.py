"""A repair service on a test's database, and accounts that have drifted."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from bson import Decimal128
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.model.amounts import CurrencyScales
from reconciler.model.change import Rules
from reconciler.model.comparison import DEFAULT_DOUBLE_TOLERANCE
from reconciler.model.guards import Caps
from reconciler.model.identity import Account
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.repair import RepairPlan, RepairResult, TruthPolicy
from reconciler.model.report import ScanReport
from reconciler.model.scan_record import ScanTrigger
from reconciler.repairing.rules import RepairOptions, RepairParts
from reconciler.repairing.service import RepairService
from reconciler.scanning.ports import Selection
from reconciler.storage.repair_facts import MongoRepairFacts
from reconciler.storage.repair_plans import MongoRepairPlans
from reconciler.storage.repair_switch import MongoPauses, MongoRepairSwitch
from reconciler.sync import BalanceSync
from tests.integration.auditing.writing import Book
from tests.integration.records.recorder import Records

Database = AsyncDatabase[dict[str, Any]]
CREDITS_AT_ONCE = 32
PRICES = {"BTC": Decimal(100), "ETH": Decimal(10)}


def options(**changes: Any) -> RepairOptions:
    """Options that are quick, and switched on."""
    quick: dict[str, Any] = {"prices_usd": PRICES, "claim_seconds": 1.0, "settle_seconds": 0.02}
    return RepairOptions(**{**quick, **changes})


def rules_of(account: Account) -> Rules:
    scale = CurrencyScales().of(account.currency.text)
    return Rules(DEFAULT_MAPPINGS, scale, DEFAULT_DOUBLE_TOLERANCE)


@dataclass
class Workshop:
    """The service, what it is made of, and the ways in which tests use it.

    The audit trail's key and its checkpoints are in `folder`.
    """

    database: Database
    folder: Path
    options: RepairOptions = field(default_factory=options)
    parts_changes: dict[str, Any] = field(default_factory=dict)
    is_on: bool = True

    def __post_init__(self) -> None:
        self.sync = BalanceSync(self.database)
        self.book = Book(self.database, self.folder)
        self.trail = self.book.trail
        self.records = Records(self.database)
        parts = {
            "facts": MongoRepairFacts(self.database, DEFAULT_MAPPINGS),
            "plans": MongoRepairPlans(self.database),
            "switch": MongoRepairSwitch(self.database, is_on_at_first=self.is_on),
            "pauses": MongoPauses(self.database),
            "sync": self.sync,
            "audit": self.trail,
            "check": self.scan,
            "rules_of": rules_of,
        }
        self.parts = RepairParts(**{**parts, **self.parts_changes})
        self.service = RepairService(self.parts, self.options)

    async def scan(self, user_id: str | None = None, currency: str | None = None) -> ScanReport:
        """Scan and record, as the daemon does."""
        selection = Selection(user_id, currency)
        recorded = await self.records.recorder.scan(
            selection, trigger=ScanTrigger.COMMAND, token=None
        )
        return recorded.report

    async def drift(
        self,
        user_id: str,
        collection: str = "crypto_balances",
        by: str = "1",
        currency: str = "BTC",
    ) -> None:
        """Change one copy past the library."""
        key = "trader_id" if collection == "trader_balances" else "user_id"
        await self.database[collection].update_one(
            {key: user_id, "currency": currency},
            {"$inc": {"available_balance": Decimal128(by)}},
        )

    async def drifted(self, *users: str, currencies: Sequence[str] = ("BTC",)) -> None:
        """Give each user 5 of each currency, drift one copy, and have it confirmed."""
        accounts = [(user, currency) for user in users for currency in currencies]
        # Not all at once: each has a deadline, and the machine may be busy.
        for first in range(0, len(accounts), CREDITS_AT_ONCE):
            some = accounts[first : first + CREDITS_AT_ONCE]
            await asyncio.gather(*(self.sync.credit(*each, "5", "deposit") for each in some))
        await self.scan()
        await asyncio.gather(*(self.drift(user, currency=each) for user, each in accounts))
        await self.scan()

    async def plan(self, user: str | None = None, **changes: Any) -> RepairPlan:
        asked: dict[str, Any] = {
            "user_id": user,
            "currency": None,
            "policy": TruthPolicy.WALLETS,
            "reason": "the page says so",
            "override_reason": None,
            "actor": "ann",
        }
        return await self.service.plan(**{**asked, **changes})

    async def apply(self, plan: RepairPlan, **changes: Any) -> RepairResult:
        asked = {"digest": plan.digest, "reason": "emergency", "actor": "ann", **changes}
        return await self.service.apply(plan.plan_id, **asked)

    async def trail_kinds(self) -> list[tuple[str, str]]:
        """Kinds and outcomes on the trail, in order."""
        records = await self.database["audit_trail"].find().sort("_id").to_list()
        bodies = [json.loads(each["body"]) for each in records]
        return [(each["kind"], each["outcome"]) for each in bodies]


def without_caps() -> RepairOptions:
    """Options for tests that apply hundreds of plans."""
    return options(caps=Caps(plans_per_hour_max=1_000_000, users_percent_max=100))
