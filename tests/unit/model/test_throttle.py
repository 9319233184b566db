"""When a server is too busy for a scan."""

import pytest

from reconciler.model.throttle import (
    Busy,
    ServerLoad,
    ThrottleLimits,
    ThrottleReason,
    busy,
)

LIMITS = ThrottleLimits(lag_seconds_max=10, queue_max=100, wait_seconds_max=60)


@pytest.mark.parametrize(
    "load, expected",
    [
        (ServerLoad(), None),
        (ServerLoad(lag_seconds=10, queued=100), None),
        (ServerLoad(lag_seconds=10.1), Busy(ThrottleReason.LAG, 10.1, 10)),
        (ServerLoad(lag_seconds=0, queued=101), Busy(ThrottleReason.QUEUE, 101, 100)),
        (ServerLoad(lag_seconds=11, queued=101), Busy(ThrottleReason.LAG, 11, 10)),
        (ServerLoad(queued=101, unknown=("w",)), Busy(ThrottleReason.QUEUE, 101, 100)),
    ],
)
def test_a_server_is_busy_above_a_limit(load: ServerLoad, expected: Busy | None) -> None:
    """At a limit it is not; what is not known is no reason to wait; lag comes first."""
    assert busy(load, LIMITS) == expected


@pytest.mark.parametrize(
    "limits, expected",
    [
        (ThrottleLimits(lag_seconds_max=0, queue_max=100), Busy(ThrottleReason.QUEUE, 999, 100)),
        (ThrottleLimits(lag_seconds_max=10, queue_max=0), Busy(ThrottleReason.LAG, 999, 10)),
        (ThrottleLimits(lag_seconds_max=0, queue_max=0), None),
    ],
)
def test_a_limit_of_zero_is_off(limits: ThrottleLimits, expected: Busy | None) -> None:
    """Each can be switched off by itself."""
    assert busy(ServerLoad(lag_seconds=999, queued=999), limits) == expected
    assert limits.is_off == (expected is None)


def test_the_reason_names_the_setting() -> None:
    """Whoever reads it knows what was observed and what to set."""
    assert str(Busy(ThrottleReason.LAG, 14.5, 10)) == (
        "replication lags by 14.5 seconds, above scan.throttle_lag_seconds_max (10)"
    )
    assert str(Busy(ThrottleReason.QUEUE, 101, 100)) == (
        "101 operations queue, above scan.throttle_queue_max (100)"
    )
