"""Counts what was denied to each address, so that whoever goes on is told to wait.

A bucket for each address: a denial takes a mark out of it, and marks come back evenly over a
minute. The number of addresses is bounded: the one that was denied least recently is forgotten.
"""

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

ADDRESSES_MAX = 10_000
MINUTE_SECONDS = 60.0
# Whoever has one address of IPv6 has as many as they like, in a network of this size.
_IPV6_PREFIX = 64


class DenialLimit:
    """Says for each denial whether its address has had too many of them.

    Args:
        per_minute_max: how many an address may have in a minute.
        monotonic: a clock in seconds.
        addresses_max: how many addresses are remembered.
    """

    def __init__(
        self,
        per_minute_max: int,
        *,
        monotonic: Callable[[], float],
        addresses_max: int = ADDRESSES_MAX,
    ) -> None:
        self._per_minute_max = per_minute_max
        self._monotonic = monotonic
        self._addresses_max = addresses_max
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def deny(self, address: str | None) -> float | None:
        """Count a denial; give the seconds to wait if there were too many, else None."""
        key, now = _network_of(address), self._monotonic()
        per_second = self._per_minute_max / MINUTE_SECONDS
        left, since = self._left.pop(key, (float(self._per_minute_max), now))
        left = min(left + (now - since) * per_second, float(self._per_minute_max))
        is_too_many = left < 1.0
        self._left[key] = (left if is_too_many else left - 1.0, now)
        if len(self._left) > self._addresses_max:
            self._left.popitem(last=False)
        return (1.0 - left) / per_second if is_too_many else None

    def set_limit(self, per_minute_max: int) -> None:
        """Take another limit from now on."""
        self._per_minute_max = per_minute_max

    def __len__(self) -> int:
        return len(self._left)


def _network_of(address: str | None) -> str:
    try:
        known = ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(known, IPv6Address) and known.ipv4_mapped is None:
        return str(ip_network((known, _IPV6_PREFIX), strict=False))
    return str(known)
