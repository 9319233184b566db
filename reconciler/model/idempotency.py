"""What an `Idempotency-Key` stands for: one caller's one request, whatever becomes of it.

Draft of the header: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

_KEY = re.compile(r"[!-~]{1,128}")
_OP_ID_PREFIX = "idempotency-"


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request under a key.

    `id` names the key of this caller on this route, `fingerprint` the content of the request.
    """

    id: str
    fingerprint: str
    principal: str
    route: str

    @property
    def op_id(self) -> str:
        """The name under which the request's posting is applied at most once, for ever."""
        return _OP_ID_PREFIX + self.id


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer of a request that had its effect."""

    status: int
    body: bytes
    media_type: str


class KeyState(StrEnum):
    """What is known of a key when a request comes with it."""

    CLAIMED = "claimed"
    IN_FLIGHT = "in_flight"
    OTHER_REQUEST = "other_request"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """What became of a claim: `attempt` names it, `answer` is there where it was ANSWERED."""

    state: KeyState
    attempt: str
    answer: StoredAnswer | None = None


def is_key(text: str) -> bool:
    """Whether a header's value can be a key: visible ASCII, not too long."""
    return _KEY.fullmatch(text) is not None


def keyed_request(
    *, key: str, principal: str, method: str, path: str, query: bytes, body: bytes
) -> KeyedRequest:
    """Name a request. The content is what was sent, byte for byte: a repetition is exactly that."""
    route = f"{method} {path}"
    return KeyedRequest(
        id=_digest(principal.encode(), route.encode(), key.encode()),
        fingerprint=_digest(route.encode(), query, body),
        principal=principal,
        route=route,
    )


def _digest(*parts: bytes) -> str:
    """Hash parts so that no two divisions of the same bytes are alike."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.hexdigest()
