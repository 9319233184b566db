"""Proposes a freeze: what it would be, and the two documents that somebody then signs."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from reconciler.control.approving import FreezeRefused, good_record, moment, replace_file
from reconciler.control.documents import evidence_problem, proposal_of
from reconciler.control.frozen import EVIDENCE_FOLDER, FrozenCode, Place
from reconciler.control.record import (
    Freeze,
    FreezeRecord,
    Signer,
    evidence_path,
    proposal_path,
    sha256_of,
)
from reconciler.control.record_text import sealed
from reconciler.control.units import Difference, differences

TEXT_MAX = 2_000
_NAME = re.compile(r"[!-~]{1,64}")
_NOT_KNOWN_YET = "0" * 64


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: why, what changes, by whom, and other signers or another policy.

    `self_approval` is None where the policy stays as it is.
    """

    reason: str
    changes: str
    proposed_by: str
    new_signers: tuple[Signer, ...] = ()
    gone_signers: tuple[str, ...] = ()
    self_approval: bool | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A freeze that would be proposed if the test plan passes, and what it changes."""

    freeze: Freeze
    differences: Sequence[Difference]


def draft(
    place: Place,
    running: FrozenCode,
    wish: Wish,
    *,
    at: datetime,
    trusted_keys: Collection[str] = (),
) -> Draft:
    """Say what would be proposed, before anything is tried out.

    Args:
        place: the checkout.
        running: the code that will be tried out: this very program.
        wish: what is asked for.
        at: now.
        trusted_keys: as `verify` takes them.

    Raises:
        FreezeRefused: it cannot be proposed. SpoiledRecord, NotFreezable: the record or the code
            cannot be read.
    """
    if not place.is_checkout:
        raise FreezeRefused(
            "an installed package is not changed: propose a freeze from a checkout, with the "
            "reconciler of its own .venv"
        )
    record = good_record(place, trusted_keys=trusted_keys)
    code = place.frozen_code()
    if code.digest != running.digest:
        raise FreezeRefused("the code changed while this program ran: run it again")
    freeze = _drafted(record, code, wish, at=at)
    changed = differences(record.units, code.units)
    last = record.last
    if last is not None and not changed and _rules(freeze) == _rules(last):
        raise FreezeRefused(f"nothing changed since freeze {last.number}: nothing is to be frozen")
    return Draft(freeze, changed)


def propose(place: Place, drafted: Draft, evidence: dict[str, Any]) -> Freeze:
    """Write the proposal and its evidence, for somebody to sign.

    Raises:
        FreezeRefused: the evidence does not prove it, or the code changed meanwhile.
    """
    problem = evidence_problem(evidence, drafted.freeze)
    if problem is not None:
        raise FreezeRefused(f"nothing is proposed: the evidence {problem}")
    if place.frozen_code().digest != drafted.freeze.digest:
        raise FreezeRefused("nothing is proposed: the code changed while it was tried out")
    freeze = replace(drafted.freeze, evidence=sha256_of(evidence))
    folder = place.documents / EVIDENCE_FOLDER
    proposal = proposal_of(freeze, list(map(str, drafted.differences)))
    replace_file(folder / evidence_path(freeze.number), sealed(evidence))
    replace_file(folder / proposal_path(freeze.number), sealed(proposal))
    return replace(freeze, proposal=sha256_of(proposal))


def _drafted(record: FreezeRecord, code: FrozenCode, wish: Wish, *, at: datetime) -> Freeze:
    last = record.last
    policy = last.self_approval if last else False
    return Freeze(
        number=record.next_number,
        previous=record.next_previous,
        digest=code.digest,
        reason=_said("--reason", wish.reason),
        changes=_said("--changes", wish.changes),
        proposed_by=_named(wish.proposed_by),
        proposed_at=moment(at),
        proposal=_NOT_KNOWN_YET,
        evidence=_NOT_KNOWN_YET,
        approved_by="",
        approved_at="",
        self_approval=policy if wish.self_approval is None else wish.self_approval,
        signers=_signers(last.signers if last else (), wish),
    )


def _rules(freeze: Freeze) -> tuple[object, ...]:
    return freeze.signers, freeze.self_approval


def _signers(before: Sequence[Signer], wish: Wish) -> tuple[Signer, ...]:
    names = {each.name for each in before}
    unknown = [name for name in wish.gone_signers if name not in names]
    if unknown:
        raise FreezeRefused(f"{unknown[0]} is no signer: {', '.join(sorted(names)) or 'nobody'} is")
    signers = [each for each in before if each.name not in wish.gone_signers]
    signers += [Signer(_named(each.name), each.public_key) for each in wish.new_signers]
    if not signers:
        raise FreezeRefused(
            "somebody must be able to sign the next freeze: name one with "
            "--add-signer NAME=FILE (`reconciler audit keygen` makes a key)"
        )
    if len({each.name for each in signers}) < len(signers):
        raise FreezeRefused("a name is there twice: remove the signer whose key is replaced")
    if len({each.public_key for each in signers}) < len(signers):
        raise FreezeRefused("a key is there twice: each signer has one of their own")
    return tuple(sorted(signers, key=lambda each: each.name))


def _said(option: str, text: str) -> str:
    """Take a text that fits on a line and says something."""
    said = text.strip()
    if not said or len(said) > TEXT_MAX or not said.isprintable():
        raise FreezeRefused(f"{option} must be one line of 1 to {TEXT_MAX} printable characters")
    return said


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise FreezeRefused(f"{name!r} is no name: 1 to 64 visible ASCII characters, no space")
    return name
