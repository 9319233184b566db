"""The record of freezes as values: who froze what, chained and signed. Nothing is read here."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import ReconcilerError
from reconciler.model.audit import canonical

# What the first freeze follows.
NOTHING_BEFORE = "0" * 64

_DOMAIN = "reconciler-freeze-1"


class SpoiledRecord(ReconcilerError):
    """The record of freezes, or a document of it, is not as it was written."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody who may sign a freeze: a name, and an Ed25519 key as 64 hex digits."""

    name: str
    public_key: str


@dataclass(frozen=True, slots=True)
class Freeze:
    """One freeze of the code; times are texts in UTC, digests and the signature hex digits.

    `previous` is the digest of the freeze before. `signers` may sign the next one, and the first
    one itself; `self_approval` says whether they may approve what they propose themselves.
    """

    number: int
    previous: str
    digest: str
    reason: str
    changes: str
    proposed_by: str
    proposed_at: str
    proposal: str
    evidence: str
    approved_by: str
    approved_at: str
    self_approval: bool
    signers: tuple[Signer, ...]
    signature: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """Everything but the signature, as plain values."""
        fields = {name: getattr(self, name) for name in FIELDS if name != "signature"}
        signers = [{"name": each.name, "public_key": each.public_key} for each in self.signers]
        return {**fields, "signers": signers}

    @property
    def signed_text(self) -> str:
        """What the signature is over."""
        return canonical({"domain": _DOMAIN, **self.body})

    @property
    def own_digest(self) -> str:
        """The digest that the next freeze follows; the signature is part of it."""
        return sha256_of({**self.body, "signature": self.signature})

    @property
    def proposal_path(self) -> str:
        """Where the proposal is, below the folder of freezes."""
        return proposal_path(self.number)

    @property
    def evidence_path(self) -> str:
        """Where the evidence is, below the folder of freezes."""
        return evidence_path(self.number)


FIELDS = tuple(Freeze.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class FreezeRecord:
    """All freezes in their order, and the pieces of what the last one froze, with their digests."""

    freezes: tuple[Freeze, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)

    @property
    def last(self) -> Freeze | None:
        """The freeze that holds; None if nothing was frozen yet."""
        return self.freezes[-1] if self.freezes else None

    @property
    def next_number(self) -> int:
        """The number of the next freeze."""
        return len(self.freezes) + 1

    @property
    def next_previous(self) -> str:
        """What the next freeze follows."""
        return self.last.own_digest if self.last else NOTHING_BEFORE

    def signers_of(self, number: int) -> tuple[Signer, ...]:
        """List who may sign the freeze of a number: for the first one, whom it names itself."""
        if not self.freezes:
            return ()
        return self.freezes[max(number - 2, 0)].signers


def proposal_path(number: int) -> str:
    """Give where the proposal of a freeze is, below the folder of freezes."""
    return f"{number:04}-proposal.json"


def evidence_path(number: int) -> str:
    """Give where the evidence of a freeze is, below the folder of freezes."""
    return f"{number:04}-evidence.json"


def sha256_of(value: object) -> str:
    """Give the digest of a plain value, as 64 hex digits."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()
