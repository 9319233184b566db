"""When a server is too busy for a scan to read on: limits, what was observed, and the decision."""

from dataclasses import dataclass
from enum import StrEnum


class ThrottleReason(StrEnum):
    """What a server is busy with; the values are those of the metric's label."""

    LAG = "lag"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class ThrottleLimits:
    """Above which a scan waits, and how long one scan waits in all; a limit of 0 is none.

    A quiet primary writes a no-op every ten seconds, which for a moment looks like a lag of ten: a
    limit below that makes a scan pause for nothing now and then, half a second each time.

    `lag_seconds_max` is for the member that lags most, `queue_max` for operations that wait in the
    server for their turn.
    """

    lag_seconds_max: float = 15
    queue_max: int = 100
    wait_seconds_max: float = 300

    @property
    def is_off(self) -> bool:
        """Whether nothing makes a scan wait."""
        return not self.lag_seconds_max and not self.queue_max


DEFAULT_THROTTLE = ThrottleLimits()


@dataclass(frozen=True, slots=True)
class ServerLoad:
    """How busy a server is; None is not known, or does not exist there.

    `unknown` holds a sentence for each thing that could not be asked.
    """

    lag_seconds: float | None = None
    queued: int | None = None
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Busy:
    """Why a scan waits."""

    reason: ThrottleReason
    observed: float
    limit: float

    def __str__(self) -> str:
        if self.reason is ThrottleReason.LAG:
            what = f"replication lags by {self.observed:g} seconds"
            return f"{what}, above scan.throttle_lag_seconds_max ({self.limit:g})"
        return f"{self.observed:g} operations queue, above scan.throttle_queue_max ({self.limit:g})"


def busy(load: ServerLoad, limits: ThrottleLimits) -> Busy | None:
    """Say why a scan must wait, if it must; at a limit it need not. What is not known is no reason.

    A lag comes first: waiting for it protects data, waiting for a queue protects speed.
    """
    observed = (
        (ThrottleReason.LAG, load.lag_seconds, limits.lag_seconds_max),
        (ThrottleReason.QUEUE, load.queued, limits.queue_max),
    )
    for reason, value, limit in observed:
        if limit and value is not None and value > limit:
            return Busy(reason, value, limit)
    return None
