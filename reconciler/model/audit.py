"""The audit trail as values: events, records chained by their hashes, and the proof of a chain.

Everything here is pure; who stores records and who signs checkpoints is named elsewhere.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from reconciler.model.faults import ReconcilerError

GENESIS_HASH = "0" * 64
# Whose event it is when it is nobody's in particular.
EVERYBODY = "all"
BODY_BYTES_MAX = 1_000_000

_DOMAIN = "reconciler-audit-1"


class AuditKind(StrEnum):
    """What happened; the text is also the metric's label and what `audit show --kind` takes."""

    INTEGRITY_CHECK = "INTEGRITY_CHECK"
    REPAIR_PLAN = "REPAIR_PLAN"
    REPAIR_APPROVAL = "REPAIR_APPROVAL"
    REPAIR_REFUSAL = "REPAIR_REFUSAL"
    REPAIR_STEP = "REPAIR_STEP"
    REPAIR_VERIFICATION = "REPAIR_VERIFICATION"
    REPAIR_SWITCH = "REPAIR_SWITCH"
    TOKEN = "TOKEN"
    FREEZE = "FREEZE"


class InvalidAuditEvent(ReconcilerError):
    """An event cannot be written down exactly: a float, an object of ours, or too long."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """What is to be written down.

    `outcome` is a word of its kind (`PASSED`, `applied`, a guard's name …), `actor` who did it,
    `user` whose balances it is about. `details` may hold texts, whole numbers, booleans, None,
    decimals and times (both become texts), and lists and mappings of them; never a float.
    """

    kind: AuditKind
    outcome: str
    at: datetime
    actor: str
    user: str = EVERYBODY
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One link of the chain; hashes are 64 hex digits, sequences begin at 1 and have no gap."""

    log_id: str
    sequence: int
    previous_hash: str
    body: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditHead:
    """Where the trail ends: its size is the last record's sequence. Empty: 0, `GENESIS_HASH`."""

    log_id: str
    size: int
    hash: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A head as it was signed at a time; `signature` is Ed25519's, base64, over its text."""

    log_id: str
    size: int
    hash: str
    signed_at: datetime
    why: str
    signature: str = ""

    @property
    def signed_text(self) -> str:
        """What the signature is over."""
        return canonical(
            {
                "domain": f"{_DOMAIN}-checkpoint",
                "log_id": self.log_id,
                "size": self.size,
                "hash": self.hash,
                "signed_at": self.signed_at,
                "why": self.why,
            }
        )

    @property
    def head(self) -> AuditHead:
        """The head that was signed."""
        return AuditHead(self.log_id, self.size, self.hash)


@dataclass(frozen=True, slots=True)
class ChainProblem:
    """The first thing that is wrong with a trail, and the sequence of the record it is about."""

    sequence: int
    problem: str


def canonical(value: object) -> str:
    """Give the one JSON text of a value: keys sorted, no spaces, ASCII, amounts and times as texts.

    Raises:
        InvalidAuditEvent: the value holds a float or something JSON does not know.
    """
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


def body_of(event: AuditEvent) -> str:
    """Give the body of an event's record.

    Raises:
        InvalidAuditEvent: it cannot be written down exactly, or is longer than `BODY_BYTES_MAX`.
    """
    body = canonical(
        {
            "kind": event.kind.value,
            "outcome": event.outcome,
            "at": event.at,
            "actor": event.actor,
            "user": event.user,
            "details": event.details,
        }
    )
    if len(body) > BODY_BYTES_MAX:
        raise InvalidAuditEvent(f"an audit event is longer than {BODY_BYTES_MAX} bytes")
    return body


def hash_of(*, log_id: str, previous_hash: str, sequence: int, body: str) -> str:
    """Give a record's hash: SHA-256 over log id, previous hash, sequence and the body's digest."""
    digest = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
    text = "\n".join((_DOMAIN, log_id, previous_hash, str(sequence), digest))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def next_record(head: AuditHead, body: str) -> AuditRecord:
    """Make the record that follows the head."""
    sequence = head.size + 1
    digest = hash_of(log_id=head.log_id, previous_hash=head.hash, sequence=sequence, body=body)
    return AuditRecord(head.log_id, sequence, head.hash, body, digest)


def head_after(record: AuditRecord) -> AuditHead:
    """Give the head of a trail that ends with this record."""
    return AuditHead(record.log_id, record.sequence, record.hash)


class ChainProof:
    """Follows a chain record by record and holds it against checkpoints; stops at the first fault.

    Memory does not grow with the trail. Feed records in the order of their sequences, checkpoints
    in the order of their sizes before the records that reach them.

    Args:
        start: where the proof begins: the empty trail, or a head that was proven before.
    """

    def __init__(self, start: AuditHead) -> None:
        self._head = start

    @property
    def head(self) -> AuditHead:
        """The head of what is proven so far."""
        return self._head

    def take(self, record: AuditRecord) -> ChainProblem | None:
        """Prove one more record, or say what is wrong with it."""
        expected = self._head.size + 1
        if record.sequence != expected:
            gone = "is missing" if record.sequence > expected else "is there twice"
            sequence = min(expected, record.sequence)
            return ChainProblem(sequence, f"record {sequence} {gone}")
        if record.previous_hash != self._head.hash:
            return ChainProblem(expected, "it does not follow from the record before it")
        right = hash_of(
            log_id=self._head.log_id,
            previous_hash=record.previous_hash,
            sequence=record.sequence,
            body=record.body,
        )
        if record.hash != right:
            return ChainProblem(expected, "its hash is not the hash of what it holds")
        self._head = AuditHead(self._head.log_id, record.sequence, record.hash)
        return None

    def finish(self, stored: AuditHead) -> ChainProblem | None:
        """Hold the end of the chain against the head that is stored beside it."""
        if stored.size > self._head.size:
            return ChainProblem(
                self._head.size + 1, f"the head says {stored.size} records: the last are missing"
            )
        if stored.size < self._head.size:
            return ChainProblem(
                stored.size + 1, f"the head says {stored.size} records: this one was put in"
            )
        if stored != self._head:
            return ChainProblem(max(stored.size, 1), "the head has another hash or log id")
        return None


def contradiction(earlier: Sequence[AuditHead], head: AuditHead) -> str | None:
    """Say why a head cannot be the same trail as the heads signed earlier, if it cannot."""
    for each in earlier:
        if each.log_id != head.log_id:
            return f"another trail (log id {each.log_id}) was signed before, not {head.log_id}"
        if each.size > head.size:
            return f"a trail of {each.size} records was signed before; it has {head.size} now"
        if each.size == head.size and each.hash != head.hash:
            return f"another hash was signed before for a trail of {head.size} records"
    return None


def _plain(value: object) -> object:
    if isinstance(value, StrEnum):
        return value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, Mapping):
        return {_key(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    raise InvalidAuditEvent(
        f"an audit event cannot hold {type(value).__name__}: give texts, whole numbers, booleans, "
        "decimals or times"
    )


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise InvalidAuditEvent(f"the keys of an audit event are texts, not {type(key).__name__}")
    return key.value if isinstance(key, StrEnum) else key


def _moment(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise InvalidAuditEvent("an audit event cannot hold a time without its zone")
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")
