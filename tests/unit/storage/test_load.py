"""What a server's answers say of how busy it is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.storage.load import largest_lag_seconds, majority_lag_seconds, queued

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
NAMES = {1: "PRIMARY", 2: "SECONDARY", 3: "RECOVERING", 7: "ARBITER", 8: "(not reachable/healthy)"}


def member(name: str, state: int, behind: float = 0, health: int = 1) -> dict[str, Any]:
    return {
        "name": name,
        "state": state,
        "stateStr": NAMES[state],
        "health": health,
        "optimeDate": NOW - timedelta(seconds=behind),
    }


def lag(*members: dict[str, Any], **delays: int) -> float | None:
    config = [{"host": each["name"], "secondaryDelaySecs": 0} for each in members]
    for each in config:
        each["secondaryDelaySecs"] = delays.get(str(each["host"]), 0)
    return largest_lag_seconds({"members": list(members)}, {"config": {"members": config}})


def test_the_member_that_lags_most_counts() -> None:
    """Behind the newest write that any of them has."""
    assert lag(member("a", 1), member("b", 2, 3), member("c", 2, 7.5)) == 7.5


def test_a_delay_is_no_lag() -> None:
    """A member that is delayed on purpose lags by what it is behind that."""
    members = member("a", 1), member("b", 2, 1), member("c", 2, 3605)

    assert lag(*members, c=3600) == 5
    assert lag(member("a", 1), member("c", 2, 3590), c=3600) == 0


@pytest.mark.parametrize("state, health", [(8, 0), (2, 0), (3, 1), (7, 1)])
def test_who_is_away_does_not_lag(state: int, health: int) -> None:
    """Waiting for a member that is down, resyncs or holds no data would not bring it back."""
    away = member("c", state, 10_000, health)

    assert lag(member("a", 1), member("b", 2, 1), away) == 1
    assert lag(member("a", 1), away) is None


def test_the_lag_of_a_majority() -> None:
    """From `hello`, as far as it says anything; clocks that go back make no lag below zero."""
    last = {"lastWriteDate": NOW, "majorityWriteDate": NOW - timedelta(seconds=4)}

    assert majority_lag_seconds({"lastWrite": last}) == 4
    assert majority_lag_seconds({"lastWrite": last | {"majorityWriteDate": LATER}}) == 0
    assert majority_lag_seconds({"lastWrite": {"lastWriteDate": NOW}}) is None
    assert majority_lag_seconds({}) is None


def test_the_queue() -> None:
    """All who wait; a server that does not say so has no known queue, which is not an empty one."""
    assert queued({"globalLock": {"currentQueue": {"total": 7, "readers": 3}}}) == 7
    assert queued({"globalLock": {}}) is None
    assert queued({}) is None
