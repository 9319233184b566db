"""The limit of denials: exact, fair in time, bounded in memory."""

import pytest

from reconciler.surfaces.http.denials import DenialLimit


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_past_the_limit_an_address_has_to_wait(clock: Clock) -> None:
    """As many as may be in a minute get through; one more says how long to wait."""
    limit = DenialLimit(30, monotonic=clock)

    assert [limit.deny("192.0.2.1") for _ in range(30)] == [None] * 30
    assert limit.deny("192.0.2.1") == pytest.approx(2.0)
    assert limit.deny("192.0.2.2") is None


def test_after_the_wait_there_is_one_more(clock: Clock) -> None:
    """Marks come back evenly, and being told to wait costs none."""
    limit = DenialLimit(30, monotonic=clock)
    for _ in range(40):
        limit.deny("192.0.2.1")

    clock.seconds += 2.001

    assert limit.deny("192.0.2.1") is None
    assert limit.deny("192.0.2.1") is not None
    clock.seconds += 3_600
    assert [limit.deny("192.0.2.1") for _ in range(31)].count(None) == 30


def test_memory_is_bounded(clock: Clock) -> None:
    """Of too many addresses the one that was denied least recently is forgotten."""
    limit = DenialLimit(1, monotonic=clock, addresses_max=3)
    for last in (1, 2, 3, 1, 4):
        limit.deny(f"192.0.2.{last}")

    assert len(limit) == 3
    assert limit.deny("192.0.2.1") is not None
    assert limit.deny("192.0.2.2") is None


def test_a_network_of_ipv6_is_one_address(clock: Clock) -> None:
    """Whoever has one has 2^64 of them; another network is another one."""
    limit = DenialLimit(1, monotonic=clock)

    assert limit.deny("2001:db8::1") is None
    assert limit.deny("2001:db8::2:3") is not None
    assert limit.deny("2001:db8:0:1::1") is None


@pytest.mark.parametrize("address", [None, "", "testclient"])
def test_no_address_is_one_too(clock: Clock, address: str | None) -> None:
    """A caller without an address that can be read is limited all the same."""
    limit = DenialLimit(1, monotonic=clock)

    assert limit.deny(address) is None
    assert limit.deny(address) is not None
