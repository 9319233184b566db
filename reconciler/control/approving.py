"""Signs a proposal: what it must stand up to first, and the record with the new freeze."""

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.control.documents import evidence_problem, proposal_problem
from reconciler.control.frozen import EVIDENCE_FOLDER, FrozenCode, Place
from reconciler.control.record import (
    FIELDS,
    Freeze,
    FreezeRecord,
    Signer,
    SpoiledRecord,
    evidence_path,
    proposal_path,
)
from reconciler.control.record_text import record_text, unsealed
from reconciler.control.verifying import Read, document_reader, record_problems, stored_record
from reconciler.errors import ReconcilerError
from reconciler.keys import SigningKey


class FreezeRefused(ReconcilerError):
    """A freeze cannot be proposed or approved as things are; nothing was frozen."""


def approve(
    place: Place, key: SigningKey, *, at: datetime, trusted_keys: Collection[str] = ()
) -> Freeze:
    """Sign the proposal that waits at a place, and write the record with the new freeze.

    Raises:
        FreezeRefused: nothing is proposed, it is about other code, its evidence does not prove
            it, or the key's owner may not sign it.
        SpoiledRecord, NotFreezable: the record or the code cannot be read.
    """
    record = good_record(place, trusted_keys=trusted_keys)
    code = place.frozen_code()
    freeze = approved(record, code, document_reader(place), key, at=at)
    if trusted_keys and freeze.number == 1 and key.public().hex not in trusted_keys:
        raise FreezeRefused("the key is none of freeze.trusted_keys, which sign a first freeze")
    written = FreezeRecord((*record.freezes, freeze), code.units)
    replace_file(place.freeze_path, record_text(written))
    return freeze


def approved(
    record: FreezeRecord, code: FrozenCode, read: Read, key: SigningKey, *, at: datetime
) -> Freeze:
    """Give the signed freeze that follows a record; may raise as `approve`."""
    freeze = proposed(record, read)
    if freeze.digest != code.digest:
        raise FreezeRefused(
            "the code changed since it was proposed: propose it again with "
            "`reconciler freeze propose`"
        )
    signer = _signer(record, freeze, key)
    policy = record.last or freeze
    if signer.name == freeze.proposed_by and not policy.self_approval:
        raise FreezeRefused(
            f"{signer.name} proposed this freeze and cannot approve it: another signer must"
        )
    unsigned = _changed(freeze, approved_by=signer.name, approved_at=moment(at))
    return _changed(unsigned, signature=key.sign(unsigned.signed_text).hex())


def proposed(record: FreezeRecord, read: Read) -> Freeze:
    """Read the proposal that follows a record, with its evidence, as a freeze without signature.

    Raises:
        FreezeRefused: there is none, or its evidence does not prove it.
        SpoiledRecord: it was edited.
    """
    number = record.next_number
    proposal, proposal_digest = _document(read, proposal_path(number))
    evidence, evidence_digest = _document(read, evidence_path(number))
    freeze = _freeze_of(proposal, proposal_digest)
    problem = proposal_problem(proposal, freeze)
    if problem is None and freeze.previous != record.next_previous:
        problem = "does not follow from the last freeze: propose it again"
    if problem is None and freeze.number != number:
        problem = f"has the number {freeze.number}"
    if problem is not None:
        raise FreezeRefused(f"{EVIDENCE_FOLDER}/{proposal_path(number)} {problem}")
    problem = evidence_problem(evidence, freeze)
    if evidence_digest != freeze.evidence:
        problem = "is not the evidence that was proposed"
    if problem is not None:
        raise FreezeRefused(f"{EVIDENCE_FOLDER}/{evidence_path(number)} {problem}")
    return freeze


def good_record(place: Place, *, trusted_keys: Collection[str] = ()) -> FreezeRecord:
    """Read the record that the next freeze follows; an empty one where there is none.

    Raises:
        SpoiledRecord: something is wrong with it.
    """
    if not place.freeze_path.exists():
        return FreezeRecord()
    record = stored_record(place)
    problems = record_problems(record, document_reader(place), trusted_keys=trusted_keys)
    if problems:
        raise SpoiledRecord(f"nothing is frozen on top of a record that is wrong: {problems[0]}")
    return record


def moment(at: datetime) -> str:
    """Write a time as records of freezes do: `2026-11-24T21:15:00Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def replace_file(path: Path, text: str) -> None:
    """Write a file whole, or leave it as it was.

    Raises:
        FreezeRefused: it cannot be written.
    """
    new = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(exist_ok=True)
        new.write_text(text, encoding="utf-8", newline="\n")
        new.replace(path)
    except OSError as error:
        raise FreezeRefused(f"{path} cannot be written: {error.strerror}") from error


def _document(read: Read, name: str) -> tuple[dict[str, Any], str]:
    text = read(name)
    if text is None:
        raise FreezeRefused(
            f"nothing is proposed: there is no {EVIDENCE_FOLDER}/{name}; "
            "run `reconciler freeze propose` first"
        )
    return unsealed(f"{EVIDENCE_FOLDER}/{name}", text)


def _freeze_of(proposal: dict[str, Any], digest: str) -> Freeze:
    try:
        signers = tuple(Signer(**each) for each in proposal["signers"])
        names = set(FIELDS) & set(proposal) - {"signers"}
        fields = {name: proposal[name] for name in names}
        return Freeze(
            **{"approved_by": "", "approved_at": "", **fields},
            signers=signers,
            proposal=digest,
        )
    except (KeyError, TypeError) as error:
        raise FreezeRefused(f"the proposal is none: {error}") from error


def _signer(record: FreezeRecord, freeze: Freeze, key: SigningKey) -> Signer:
    signers = record.signers_of(freeze.number) or freeze.signers
    public = key.public().hex
    for signer in signers:
        if signer.public_key == public:
            return signer
    names = ", ".join(signer.name for signer in signers)
    raise FreezeRefused(f"this key may not sign a freeze: one of {names} must")


def _changed(freeze: Freeze, **fields: str) -> Freeze:
    values = {name: getattr(freeze, name) for name in FIELDS}
    return Freeze(**{**values, **fields})
