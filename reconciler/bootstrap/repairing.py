"""Builds the guarded repair, and what its gauges are read from."""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal

from reconciler.bootstrap.frozen import repair_problem
from reconciler.model.change import Rules
from reconciler.model.guards import Caps
from reconciler.model.identity import Account
from reconciler.model.repair import VERIFICATION_OF, RepairSwitch
from reconciler.repairing.observer import RepairObserver
from reconciler.repairing.ports import AuditTrail
from reconciler.repairing.rules import Check, RepairOptions, RepairParts
from reconciler.repairing.service import RepairService
from reconciler.settings import RepairSettings, Settings
from reconciler.storage.repair_facts import MongoRepairFacts
from reconciler.storage.repair_plans import MongoRepairPlans
from reconciler.storage.repair_switch import MongoPauses, MongoRepairSwitch
from reconciler.storage.transactions import Database
from reconciler.surfaces.repair_watching import RepairStanding
from reconciler.sync import BalanceSync


def open_repairs(
    settings: Settings,
    database: Database,
    *,
    sync: BalanceSync,
    audit: AuditTrail,
    check: Check,
    observer: RepairObserver,
    prices_usd: Mapping[str, Decimal] | None = None,
) -> RepairService:
    """Build the repair; nothing is asked of the database yet.

    `check` scans and records. `prices_usd` is looked at anew with each plan.
    """
    mappings, scales = settings.mappings(), settings.currency_scales()
    tolerance = settings.scan.double_tolerance

    def rules_of(account: Account) -> Rules:
        return Rules(mappings, scales.of(account.currency.text), tolerance)

    parts = RepairParts(
        freeze_problem=lambda: repair_problem(settings),
        facts=MongoRepairFacts(database, mappings),
        plans=MongoRepairPlans(database),
        switch=repair_switch(settings, database),
        pauses=MongoPauses(database),
        sync=sync,
        audit=audit,
        check=check,
        rules_of=rules_of,
        observer=observer,
    )
    return RepairService(parts, repair_options(settings, prices_usd=prices_usd))


def repair_options(
    settings: Settings, *, prices_usd: Mapping[str, Decimal] | None = None
) -> RepairOptions:
    """Give the repair its part of the settings."""
    repair = settings.repair
    return RepairOptions(
        caps=_caps(repair),
        approval_threshold_usd=repair.approval_threshold_usd,
        prices_usd=settings.valuation.prices_usd if prices_usd is None else prices_usd,
        plan_ttl_seconds=repair.plan_ttl_seconds,
        pause_seconds=repair.pause_seconds,
        flapping_days=repair.flapping_days,
    )


def repair_standing(
    settings: Settings, database: Database
) -> Callable[[], Awaitable[RepairStanding]]:
    """Give what reads where the repair stands."""
    switch, plans = repair_switch(settings, database), MongoRepairPlans(database)

    async def look() -> RepairStanding:
        seen = await switch.read()
        return RepairStanding(
            is_enabled=seen.is_on,
            awaiting_approval=await plans.awaiting_approval(),
            last_verify_failure=seen.changed_at if _is_by_verification(seen) else None,
        )

    return look


def repair_switch(settings: Settings, database: Database) -> MongoRepairSwitch:
    """Give the switch in the database."""
    return MongoRepairSwitch(database, is_on_at_first=settings.repair.enabled)


def _is_by_verification(switch: RepairSwitch) -> bool:
    return not switch.is_on and (switch.reason or "").startswith(VERIFICATION_OF)


def _caps(repair: RepairSettings) -> Caps:
    return Caps(
        accounts_max=repair.accounts_max,
        account_usd_max=repair.account_usd_max,
        plan_usd_max=repair.plan_usd_max,
        currency_max=repair.currency_max,
        users_percent_max=repair.users_percent_max,
        plans_per_hour_max=repair.plans_per_hour_max,
        source_missing_percent_max=repair.source_missing_percent_max,
        owed_rise_allowed=repair.owed_rise_allowed,
    )
