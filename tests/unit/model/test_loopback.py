"""What is this machine alone."""

import pytest

from reconciler.model.loopback import is_loopback, is_loopback_host, why_no_start


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1.2.3", "localhost", "LocalHost", "::1", "::ffff:127.0.0.1"]
)
def test_loopback_needs_no_tokens(host: str) -> None:
    """No other machine can reach it."""
    assert is_loopback(host)
    assert why_no_start(host, has_tokens=False) is None


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "db1", "localhost.evil.example", "127.1", "128.0.0.1"]
)
def test_any_other_address_needs_tokens(host: str) -> None:
    """The reason says what to do; with tokens there is none."""
    why = why_no_start(host, has_tokens=False)

    assert why is not None
    assert "reconciler token new" in why
    assert "127.0.0.1" in why
    assert why_no_start(host, has_tokens=True) is None


@pytest.mark.parametrize(
    "header",
    [
        b"127.0.0.1",
        b"127.0.0.1:8080",
        b"127.8.8.8:1",
        b"localhost",
        b"LOCALHOST:8080",
        b"[::1]",
        b"[::1]:8080",
    ],
)
def test_a_host_header_may_name_this_machine(header: bytes) -> None:
    """With and without a port, as a name, IPv4 or IPv6."""
    assert is_loopback_host([header])


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [b""],
        [b"127.0.0.1", b"127.0.0.1"],
        [b"evil.example"],
        [b"evil.example:8080"],
        [b"localhost.evil.example"],
        [b"127.0.0.1.evil.example"],
        [b"localhost."],
        [b"127.1"],
        [b"0.0.0.0"],
        [b"[::]"],
        [b"::1"],
        [b"[localhost]"],
        [b"[127.0.0.1]"],
        [b"127.0.0.1:"],
        [b"127.0.0.1:http"],
        [b"127.0.0.1:8080\n"],
        [b"user@127.0.0.1"],
        [b"127.0.0.1 evil.example"],
        [b"\xff\xfe"],
    ],
)
def test_any_other_host_header_is_foreign(headers: list[bytes]) -> None:
    """A page whose name was made to resolve to loopback says its own name."""
    assert not is_loopback_host(headers)
