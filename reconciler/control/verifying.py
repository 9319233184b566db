"""Holds the code against its freeze, and the record of freezes against its signatures."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.control.documents import evidence_problem, proposal_problem
from reconciler.control.frozen import EVIDENCE_FOLDER, FREEZE_FILE, FrozenCode, Place
from reconciler.control.imports import NotFreezable
from reconciler.control.record import NOTHING_BEFORE, Freeze, FreezeRecord, Signer, SpoiledRecord
from reconciler.control.record_text import read_record, unsealed
from reconciler.control.units import Difference, differences, digest_of
from reconciler.errors import ReconcilerError
from reconciler.keys import UnusableKey, public_key_of

CODE_STEP = (
    "Take the change of the code back, or deploy what was frozen. Frozen code changes only by an "
    "approved freeze: in a checkout run `reconciler freeze propose --reason WHY --changes WHAT`, "
    "have one of the signers run `reconciler freeze approve --key FILE`, and commit freeze.toml "
    "and freezes/ (docs/freeze.md)."
)
RECORD_STEP = (
    "Put freeze.toml and freezes/ back as they were approved, in a checkout with `git checkout "
    "HEAD -- freeze.toml freezes`: nothing is frozen on top of a record that is wrong. Another "
    "root of trust, or a record of your own: docs/freeze.md, Keys."
)
NEVER_FROZEN = "there is no freeze.toml: the code was never frozen"

Document = dict[str, Any]
# Gives the text of a document of the record by its name, None where there is none.
Read = Callable[[str], str | None]


class FreezeBroken(ReconcilerError):
    """The code is not what was frozen, and the settings say that it must be."""


@dataclass(frozen=True, slots=True)
class FreezeReport:
    """Whether the code is what was frozen, and the record of freezes what was signed.

    `differences` names the pieces of the code that are not as they were frozen; `record_problems`
    says what is wrong with the record, and `code_problem` why the code could not be looked at.
    """

    record: FreezeRecord
    current: FrozenCode | None
    differences: Sequence[Difference] = ()
    record_problems: Sequence[str] = ()
    code_problem: str | None = None

    @property
    def is_valid(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.problems

    @property
    def problems(self) -> list[str]:
        """Everything that was found wrong, a sentence each."""
        code = [] if self.code_problem is None else [self.code_problem]
        return [*self.record_problems, *code, *map(str, self.differences)]

    @property
    def what_to_do(self) -> str | None:
        """What puts right what was found wrong; None if nothing was."""
        is_other_code = bool(self.differences) or self.code_problem is not None
        steps = ((self.record_problems, RECORD_STEP), (is_other_code, CODE_STEP))
        return " ".join(step for is_needed, step in steps if is_needed) or None


def verify(place: Place, *, trusted_keys: Collection[str] = ()) -> FreezeReport:
    """Hold the code at a place against its freeze, and the whole record against its signatures.

    Args:
        place: where the code and the record are.
        trusted_keys: keys, as 64 hex digits, of which one must have signed the first freeze.
            Without them it is believed.
    """
    current, code_problem = None, None
    try:
        current = place.frozen_code()
    except NotFreezable as error:
        code_problem = str(error)
    try:
        record = stored_record(place)
    except SpoiledRecord as error:
        return FreezeReport(
            FreezeRecord(), current, record_problems=[str(error)], code_problem=code_problem
        )
    problems = record_problems(record, document_reader(place), trusted_keys=trusted_keys)
    changed = [] if current is None else differences(record.units, current.units)
    return FreezeReport(record, current, changed, problems, code_problem)


def stored_record(place: Place) -> FreezeRecord:
    """Read the record at a place.

    Raises:
        SpoiledRecord: there is none, or it is not as it was written.
    """
    text = _text_of(place.freeze_path, FREEZE_FILE)
    if text is None:
        raise SpoiledRecord(NEVER_FROZEN)
    return read_record(text)


def document_reader(place: Place) -> Read:
    """Give what reads the documents of the record at a place."""

    def read(name: str) -> str | None:
        return _text_of(place.documents / EVIDENCE_FOLDER / name, f"{EVIDENCE_FOLDER}/{name}")

    return read


def record_problems(
    record: FreezeRecord, read: Read, *, trusted_keys: Collection[str] = ()
) -> list[str]:
    """Say everything that is wrong with a record: its chain, signatures, documents and pieces."""
    return list(_problems(record, read, trusted_keys))


def _problems(record: FreezeRecord, read: Read, trusted_keys: Collection[str]) -> Iterator[str]:
    if not record.freezes:
        yield "freeze.toml holds no freeze"
        return
    previous = NOTHING_BEFORE
    for position, freeze in enumerate(record.freezes, start=1):
        for problem in (
            _chain_problem(freeze, position, previous),
            _signature_problem(freeze, record.signers_of(position)),
            _policy_problem(freeze, record.freezes[max(position - 2, 0)]),
            *_document_problems(freeze, read),
        ):
            if problem is not None:
                yield f"freeze {position}: {problem}"
        previous = freeze.own_digest
    if digest_of(record.units) != record.freezes[-1].digest:
        yield (
            f"freeze {len(record.freezes)}: the list [units] in freeze.toml was changed after it "
            "was signed"
        )
    if trusted_keys and _root_key(record) not in trusted_keys:
        yield "freeze 1: none of freeze.trusted_keys signed it"


def _chain_problem(freeze: Freeze, position: int, previous: str) -> str | None:
    if freeze.number != position:
        return f"it has the number {freeze.number}: one is missing, or was put in"
    if freeze.previous != previous:
        return "it does not follow from the freeze before it, which was changed or exchanged"
    return None


def _signature_problem(freeze: Freeze, signers: Sequence[Signer]) -> str | None:
    key = next((each.public_key for each in signers if each.name == freeze.approved_by), None)
    if key is None:
        return f"{freeze.approved_by} is none of those who might sign it"
    if not _has_signed(key, freeze):
        return (
            f"it was changed after {freeze.approved_by} signed it, or signed by somebody else: "
            "its signature is wrong"
        )
    return None


def _policy_problem(freeze: Freeze, policy: Freeze) -> str | None:
    if freeze.proposed_by != freeze.approved_by or policy.self_approval:
        return None
    return f"{freeze.approved_by} proposed it and approved it, which the policy does not allow"


def _has_signed(key: str, freeze: Freeze) -> bool:
    try:
        return public_key_of(key).has_signed(freeze.signed_text, bytes.fromhex(freeze.signature))
    except (UnusableKey, ValueError):
        return False


def _document_problems(freeze: Freeze, read: Read) -> Iterator[str]:
    checks: Sequence[tuple[str, str, Callable[[Document, Freeze], str | None]]] = (
        (freeze.proposal_path, freeze.proposal, proposal_problem),
        (freeze.evidence_path, freeze.evidence, evidence_problem),
    )
    for name, digest, problem_of in checks:
        path = f"{EVIDENCE_FOLDER}/{name}"
        try:
            text = read(name)
            if text is None:
                yield f"{path} is missing"
                continue
            document, found = unsealed(path, text)
        except SpoiledRecord as error:
            yield str(error)
            continue
        problem = problem_of(document, freeze) if found == digest else "is not what was signed"
        if problem is not None:
            yield f"{path} {problem}"


def _root_key(record: FreezeRecord) -> str | None:
    first = record.freezes[0]
    keys: Mapping[str, str] = {each.name: each.public_key for each in first.signers}
    return keys.get(first.approved_by)


def _text_of(path: Path, name: str) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SpoiledRecord(f"{name} cannot be read: {error}") from error
