"""What the watch goes by: its limits and pauses."""

from dataclasses import dataclass
from decimal import Decimal

from reconciler.model.comparison import DEFAULT_DOUBLE_TOLERANCE

# After the first look a mismatch is looked at again after this share of `settle_seconds`: by then
# nobody has touched the account for so much longer than that.
CONFIRM_SHARE = 0.3
# So many accounts are read in one snapshot.
CHECKED_MAX = 500
# Accounts are looked at so often at most: many in one look cost least.
ROUND_SECONDS = 0.2
# While accounts wait, what is new is read so often: many changes in one answer cost least.
TICK_SECONDS = 0.1
# While nothing waits, the server is asked to hold its answer for so long.
IDLE_SECONDS = 0.5
# The position is written down so often.
STORE_SECONDS = 1.0
# What was deleted, or moved to another account, without being known asks for a full scan; at most
# one in so long.
UNKNOWN_SCAN_SECONDS = 60.0
# A stream that failed is opened again after a pause that grows from the first to the second.
PAUSE_SECONDS = 0.2
PAUSE_SECONDS_MAX = 5.0
# How often is looked whether this daemon leads now.
LOOK_SECONDS = 0.1
# A server that cannot be watched is asked again so often, in case that it was replaced.
UNSUPPORTED_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """The settings of the watch."""

    settle_seconds: float = 0.5
    max_wait_seconds: float = 1.0
    pending_max: int = 10_000
    mismatches_max: int = 100
    double_tolerance: Decimal = DEFAULT_DOUBLE_TOLERANCE
