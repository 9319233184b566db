"""A mismatch's life in the database: suspect, confirmed, resolved. Pure rules, no clock."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from reconciler.model.amounts import WIDE, ZERO
from reconciler.model.comparison import Mismatch, MismatchKind
from reconciler.model.copies import BalanceView, Copy
from reconciler.model.identity import Account
from reconciler.model.mapping import Mappings

_KEY_DIGITS = 32


class FindingState(StrEnum):
    """Where a finding is in its life: seen once, seen again in a later snapshot, or gone."""

    SUSPECT = "suspect"
    CONFIRMED = "confirmed"
    RESOLVED = "resolved"


class Change(StrEnum):
    """What happened to a finding: what is logged and counted."""

    DETECTED = "detected"
    CONFIRMED = "confirmed"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one look saw wrong.

    `differences` describes how the copies differ from each other, whatever they hold: the same text
    means the same drift. `is_confirmed` says that a later snapshot of the same scan agreed.
    """

    mismatch: Mismatch
    differences: str
    is_confirmed: bool

    @property
    def key(self) -> str:
        """What it is about: 32 hex digits, the same in every scan."""
        return finding_key(self.mismatch)


@dataclass(frozen=True, slots=True)
class ScanStamp:
    """The scan in whose name findings change.

    Scans are numbered in the order in which they began, so that an older one never overrules what a
    younger one saw. `at` is when the change is written.
    """

    scan_id: str
    sequence: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """One stretch of time in which an account was wrong, as far as it is known.

    `mismatch` is what was seen last. `drift` is how far the farthest copy is from the source of
    truth, in the currency's unit; None where that cannot be said. `sequence` is the number of the
    scan that saw it last. `confirmed_at` and `resolved_at` are None until then.
    """

    key: str
    episode: int
    state: FindingState
    mismatch: Mismatch
    differences: str
    drift: Decimal | None
    first_seen: datetime
    last_seen: datetime
    confirmed_at: datetime | None
    resolved_at: datetime | None
    scan_id: str
    sequence: int

    @property
    def finding_id(self) -> str:
        """Its name: what it is about, and which stretch of time it is."""
        return f"{self.key}-{self.episode:06d}"

    @property
    def account(self) -> Account:
        """The account that is wrong."""
        return self.mismatch.account

    @property
    def is_open(self) -> bool:
        """Whether it has not been resolved."""
        return self.state is not FindingState.RESOLVED


@dataclass(frozen=True, slots=True)
class Transition:
    """What becomes of a finding, and the changes to tell; none if it was only seen again."""

    finding: Finding
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Which findings are asked for; None asks for all."""

    state: FindingState | None = None
    kind: MismatchKind | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class FindingPage:
    """Some findings, in the order of their ids, and the id to go on after; None: that is all."""

    findings: tuple[Finding, ...]
    after: str | None


def finding_key(mismatch: Mismatch) -> str:
    """Name what a mismatch is about: an account, or a document that belongs to none."""
    parts = _parts_of(mismatch.account)
    if mismatch.kind is MismatchKind.MALFORMED and set(mismatch.differs) <= set(
        mismatch.view.copies
    ):
        # A document without a sound identity: it is only what and where it is.
        parts += [
            f"{name}:{copy.document_id}"
            for name, copies in sorted(mismatch.view.copies.items())
            for copy in copies
        ]
    return _digest(parts)


def account_key(account: Account) -> str:
    """Name what each finding of an account is about, whatever was wrong with it."""
    return _digest(_parts_of(account))


def sighted(
    last: Finding | None, sighting: Sighting, stamp: ScanStamp, mappings: Mappings
) -> Transition | None:
    """Say what becomes of a finding, or of none, when its account is seen wrong.

    A suspect is confirmed when a later snapshot shows the same differences between the copies, be
    it in the same scan or in another one; other differences begin it anew, other amounts alone do
    not. What is confirmed stays so until it is seen in sync: that it is wrong in another way now is
    no recovery. None: a younger scan has seen more.

    `last` is the latest finding of the same key, open or resolved.
    """
    if last is not None and last.sequence > stamp.sequence:
        return None
    seen = _fresh(last, sighting, stamp, mappings)
    if last is None or not last.is_open:
        changes = [Change.DETECTED]
        if sighting.is_confirmed:
            changes.append(Change.CONFIRMED)
        return Transition(seen, tuple(changes))
    if last.state is FindingState.CONFIRMED:
        kept = replace(
            seen,
            state=FindingState.CONFIRMED,
            confirmed_at=last.confirmed_at,
            first_seen=last.first_seen,
        )
        return Transition(kept, ())
    is_again = sighting.differences == last.differences and stamp.sequence > last.sequence
    is_confirmed = sighting.is_confirmed or is_again
    kept = replace(
        seen,
        first_seen=last.first_seen,
        state=FindingState.CONFIRMED if is_confirmed else FindingState.SUSPECT,
        confirmed_at=stamp.at if is_confirmed else None,
    )
    return Transition(kept, (Change.CONFIRMED,) if is_confirmed else ())


def in_sync(last: Finding, stamp: ScanStamp) -> Transition | None:
    """Say what becomes of a finding whose account was seen in sync; None if nothing does."""
    if not last.is_open or last.sequence > stamp.sequence:
        return None
    gone = replace(
        last,
        state=FindingState.RESOLVED,
        resolved_at=stamp.at,
        scan_id=stamp.scan_id,
        sequence=stamp.sequence,
    )
    return Transition(gone, (Change.RESOLVED,))


def drift_amount(view: BalanceView, mappings: Mappings) -> Decimal | None:
    """Measure how far the farthest copy is from the source of truth's, available and locked added.

    A missing copy counts as zeros. None where a copy is malformed or doubled.
    """
    amounts: dict[str, tuple[Decimal, Decimal]] = {}
    for name in mappings.names:
        found = _amounts(view.copies.get(name, ()))
        if found is None:
            return None
        amounts[name] = found
    truth = amounts[mappings.source_of_truth]
    return max(
        WIDE.add(
            WIDE.subtract(available, truth[0]).copy_abs(),
            WIDE.subtract(locked, truth[1]).copy_abs(),
        )
        for available, locked in amounts.values()
    )


def _amounts(copies: Sequence[Copy]) -> tuple[Decimal, Decimal] | None:
    if not copies:
        return ZERO, ZERO
    copy = copies[0]
    if len(copies) > 1 or copy.available_amount is None or copy.locked_amount is None:
        return None
    return copy.available_amount, copy.locked_amount


def _parts_of(account: Account) -> list[str]:
    return [
        account.user_id.bson_type,
        account.user_id.text,
        account.currency.bson_type,
        account.currency.text,
    ]


def _digest(parts: Sequence[str]) -> str:
    text = json.dumps(parts, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:_KEY_DIGITS]


def _fresh(
    last: Finding | None, sighting: Sighting, stamp: ScanStamp, mappings: Mappings
) -> Finding:
    is_another = last is None or not last.is_open
    return Finding(
        key=sighting.key,
        episode=(last.episode if last else 0) + is_another,
        state=FindingState.CONFIRMED if sighting.is_confirmed else FindingState.SUSPECT,
        mismatch=sighting.mismatch,
        differences=sighting.differences,
        drift=drift_amount(sighting.mismatch.view, mappings),
        first_seen=stamp.at,
        last_seen=stamp.at,
        confirmed_at=stamp.at if sighting.is_confirmed else None,
        resolved_at=None,
        scan_id=stamp.scan_id,
        sequence=stamp.sequence,
    )
