"""What is this machine alone: addresses that no other one can reach, and names for them.

A name other than `localhost` is none of them, whatever it resolves to: a page in a browser can have
its own name resolve to 127.0.0.1 (DNS rebinding), and then says that name in `Host`.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address

_NAME = "localhost"
_HOST = re.compile(rb"(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::[0-9]{1,5})?", re.IGNORECASE)


def is_loopback(host: str) -> bool:
    """Whether an address or a name to listen on is this machine alone."""
    if host.lower() == _NAME:
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def is_loopback_host(headers: Sequence[bytes]) -> bool:
    """Whether the `Host` headers of a request name this machine, with or without a port."""
    found = _HOST.fullmatch(headers[0]) if len(headers) == 1 else None
    if found is None:
        return False
    name = found[1].decode("ascii")
    if name.startswith("["):
        return ":" in name and is_loopback(name[1:-1])
    return is_loopback(name)


def why_no_start(host: str, *, has_tokens: bool) -> str | None:
    """Say why a service must not listen there, and what to do; None if it may."""
    if has_tokens or is_loopback(host):
        return None
    return (
        "without tokens whoever reaches the service may do almost everything, so it listens on "
        "this machine alone (127.0.0.1, ::1 or localhost). Make a token with `reconciler token "
        "new` and add what it prints to the settings, or listen on 127.0.0.1"
    )
