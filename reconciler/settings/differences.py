"""Which settings differ between two sets, and which of them a running daemon can take."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from reconciler.settings.sections import Settings

# Keys, or tables of keys, that a daemon takes while it runs.
RELOADABLE = (
    "scan.interval_seconds",
    "scan.cron",
    "scan.jitter_seconds",
    "scan.misfire_grace_seconds",
    "scan.settle_seconds",
    "scan.double_tolerance",
    "scan.method",
    "scan.digests_parallel",
    "scan.ranges_parallel",
    "scan.deadline_seconds",
    "scan.mismatches_max",
    "scan.throttle_lag_seconds_max",
    "scan.throttle_queue_max",
    "scan.throttle_wait_seconds_max",
    "repair.accounts_max",
    "repair.account_usd_max",
    "repair.plan_usd_max",
    "repair.currency_max",
    "repair.users_percent_max",
    "repair.plans_per_hour_max",
    "repair.source_missing_percent_max",
    "repair.owed_rise_allowed",
    "repair.flapping_days",
    "repair.approval_threshold_usd",
    "repair.plan_ttl_seconds",
    "repair.pause_seconds",
    "valuation.prices_usd",
    "api.tokens",
    "api.denials_per_minute_max",
    "log.level",
)


@dataclass(frozen=True, slots=True)
class Differences:
    """The dotted keys that differ; their values may be secrets and are not here."""

    taken: tuple[str, ...]
    needing_restart: tuple[str, ...]


def differences(running: Settings, wanted: Settings) -> Differences:
    """Compare two sets of settings."""
    keys = list(_different(running, wanted))
    return Differences(
        tuple(key for key in keys if key in RELOADABLE),
        tuple(key for key in keys if key not in RELOADABLE),
    )


def _different(one: BaseModel, other: BaseModel, prefix: str = "") -> Iterator[str]:
    for name in type(one).model_fields:
        left, right = getattr(one, name), getattr(other, name)
        if isinstance(left, BaseModel) and isinstance(right, BaseModel):
            yield from _different(left, right, f"{prefix}{name}.")
        elif left != right:
            yield f"{prefix}{name}"
