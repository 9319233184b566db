"""Tokens: whose they are, and why not."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.access import LOOPBACK, Denial, Principal, Scope, Token, digest_of, identify

NOW = datetime(2025, 12, 22, 1, 30, tzinfo=UTC)
ONCALL = Principal("oncall", frozenset({Scope.CHECK}))
OLD = Token(ONCALL, digest_of(b"old"), NOW + timedelta(seconds=1))
NEW = Token(ONCALL, digest_of(b"new"), NOW + timedelta(days=90))
GONE = Token(Principal("gone", frozenset(Scope)), digest_of(b"gone"), NOW)
TOKENS = (OLD, NEW, GONE)


@pytest.mark.parametrize("header", [b"Bearer old", b"bearer new", b"BEARER   new  "])
def test_two_tokens_of_one_name_are_one_caller(header: bytes) -> None:
    """While a new token replaces an old one, both get in, under one name."""
    assert identify([header], TOKENS, NOW) == ONCALL


@pytest.mark.parametrize(
    "headers,reason",
    [
        ([], Denial.TOKEN_MISSING),
        ([b""], Denial.TOKEN_MALFORMED),
        ([b"Bearer"], Denial.TOKEN_MALFORMED),
        ([b"Bearer "], Denial.TOKEN_MALFORMED),
        ([b"Bearer old new"], Denial.TOKEN_MALFORMED),
        ([b"Bearer old", b"Bearer old"], Denial.TOKEN_MALFORMED),
        ([b"Basic b2xkOm9sZA=="], Denial.TOKEN_MALFORMED),
        ([b"Bearer \xff\xfe\x00"], Denial.TOKEN_MALFORMED),
        ([b"Bearer " + "é".encode()], Denial.TOKEN_MALFORMED),
        ([b"Bearer " + b"a" * 513], Denial.TOKEN_MALFORMED),
        ([b"Bearer old\n"], Denial.TOKEN_MALFORMED),
        ([b"Bearer Old"], Denial.TOKEN_UNKNOWN),
        ([b"Bearer " + digest_of(b"old").hex().encode()], Denial.TOKEN_UNKNOWN),
        ([b"Bearer gone"], Denial.TOKEN_EXPIRED),
    ],
)
def test_whatever_is_no_live_token_is_denied(headers: list[bytes], reason: Denial) -> None:
    """No header makes it fail, and each has its reason."""
    assert identify(headers, TOKENS, NOW) is reason


def test_a_token_ends_at_its_moment() -> None:
    """It is alive until it expires, and not at that moment."""
    assert identify([b"Bearer old"], TOKENS, NOW) == ONCALL
    assert identify([b"Bearer old"], TOKENS, OLD.expires) is Denial.TOKEN_EXPIRED


def test_nobody_approves_on_loopback() -> None:
    """Without tokens every scope is granted but the one that takes a second person."""
    assert {scope for scope in Scope if not LOOPBACK.may(scope)} == {Scope.REPAIR_APPROVE}
