"""What a scan goes by: its limits, and how a suspect becomes a mismatch."""

from dataclasses import dataclass, field
from decimal import Decimal

from reconciler.model.comparison import DEFAULT_DOUBLE_TOLERANCE
from reconciler.model.digest import DrillLimit
from reconciler.model.report import Consistency, ScanMethod
from reconciler.model.throttle import DEFAULT_THROTTLE, ThrottleLimits

# When so many suspects are waiting they are looked at again before the scan goes on.
SUSPECTS_MAX = 10_000

# Digests of so many accounts are surely computed while their snapshot lives, five minutes by
# default: a slow server was seen to take one minute.
DIGEST_RANGE_ACCOUNTS = 5_000_000


@dataclass(frozen=True, slots=True)
class DigestOptions:
    """How digests are computed and used.

    `collections_parallel` is of how many collections at a time; `range_accounts` is as of one
    moment; past `drill_limit` every account is read.
    """

    collections_parallel: int = 2
    range_accounts: int = DIGEST_RANGE_ACCOUNTS
    drill_limit: DrillLimit = field(default_factory=DrillLimit)


DEFAULT_DIGEST_OPTIONS = DigestOptions()


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """The settings of a scan.

    `method` is that of scans of all accounts; one user or currency is always read exactly.
    `mismatches_max` cuts the list in the report, never its counts.
    """

    settle_seconds: float = 2.0
    deadline_seconds: float = 300.0
    ranges_parallel: int = 2
    mismatches_max: int = 1_000
    suspects_max: int = SUSPECTS_MAX
    method: ScanMethod = ScanMethod.DIGEST
    digest: DigestOptions = DEFAULT_DIGEST_OPTIONS
    double_tolerance: Decimal = DEFAULT_DOUBLE_TOLERANCE
    throttle: ThrottleLimits = DEFAULT_THROTTLE


@dataclass(frozen=True, slots=True)
class ConfirmationRule:
    """How a suspect is looked at again.

    It is confirmed once it was seen `agreements_min` times in a row with the drift of the time
    before, and dropped once it is in sync. After `rounds_max` looks, one that was never in sync is
    confirmed if `is_confirmed_unsettled`; else nothing can be said of it.
    """

    agreements_min: int
    rounds_max: int
    is_confirmed_unsettled: bool


CONFIRMATION_RULES = {
    # Within a snapshot an account in sync looks in sync, whatever is written meanwhile.
    Consistency.SNAPSHOT: ConfirmationRule(1, 3, is_confirmed_unsettled=True),
    # Plain reads can see half of a posting each time: only what stays the same is wrong.
    Consistency.CONFIRMED_READS: ConfirmationRule(3, 6, is_confirmed_unsettled=False),
}
