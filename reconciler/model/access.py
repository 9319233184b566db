"""Who may do what: the scopes of a caller, and how a token that was presented is judged."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# What Authorization holds: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
_BEARER = re.compile(rb"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE)
TOKEN_BYTES_MAX = 512


class Scope(StrEnum):
    """What a token allows; the values are those of settings and of `reconciler token new`."""

    CHECK = "check"
    TEST = "test"
    ESCROW = "escrow"
    REPAIR_PROPOSE = "repair:propose"
    REPAIR_APPROVE = "repair:approve"
    AUDIT = "audit"


class Denial(StrEnum):
    """Why a request was denied; the values are the metric's label and the log's word."""

    TOKEN_MISSING = "token_missing"
    TOKEN_MALFORMED = "token_malformed"
    TOKEN_UNKNOWN = "token_unknown"
    TOKEN_EXPIRED = "token_expired"
    SCOPE_MISSING = "scope_missing"
    FOREIGN_HOST = "foreign_host"
    FOREIGN_ORIGIN = "foreign_origin"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller that is known: its name in records, and what it may do."""

    name: str
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Whether the scope is among its own."""
        return scope in self.scopes


# Who calls on loopback where there are no tokens: a person on the machine. Approving takes a second
# person, and nobody can tell two of them apart there.
LOOPBACK = Principal("loopback", frozenset(Scope) - {Scope.REPAIR_APPROVE})


@dataclass(frozen=True, slots=True)
class Token:
    """A token that is known, by the SHA-256 of its bytes; whose it is, and until when it lives."""

    principal: Principal
    digest: bytes
    expires: datetime


def identify(
    authorization: Sequence[bytes], tokens: Sequence[Token], now: datetime
) -> Principal | Denial:
    """Say whose token the Authorization headers of a request hold, or why that cannot be said.

    Every digest is compared, in constant time and on bytes: how long it takes tells nothing of how
    near a guess was, and no text that a caller sends can make a comparison fail.
    """
    if not authorization:
        return Denial.TOKEN_MISSING
    found = _BEARER.fullmatch(authorization[0]) if len(authorization) == 1 else None
    if found is None or len(found[1]) > TOKEN_BYTES_MAX:
        return Denial.TOKEN_MALFORMED
    presented = digest_of(found[1])
    matching = [token for token in tokens if hmac.compare_digest(token.digest, presented)]
    if not matching:
        return Denial.TOKEN_UNKNOWN
    alive = [token for token in matching if now < token.expires]
    return alive[0].principal if alive else Denial.TOKEN_EXPIRED


def digest_of(token: bytes) -> bytes:
    """Give what is kept of a token. It has 256 random bits: a plain hash cannot be guessed back."""
    return hashlib.sha256(token).digest()
