"""The record of freezes: every changed character of it is found, and said where."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.control.approving import FreezeRefused, approve
from reconciler.control.frozen import place_of
from reconciler.control.proposing import Wish, draft, propose
from reconciler.control.record import Freeze, Signer, SpoiledRecord
from reconciler.control.record_text import read_record, record_text, sealed, unsealed
from reconciler.control.verifying import (
    CODE_STEP,
    NEVER_FROZEN,
    RECORD_STEP,
    record_problems,
    verify,
)
from tests.unit.control.repository import NOW, Repository, evidence, new_key, new_repository

Files = dict[str, str]


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A real signed set: two freezes, the second signed by the deputy."""
    repository = new_repository(tmp_path_factory.mktemp("signed"))
    repository.bootstrap()
    repository.change("reconciler/sync/post.py", "+ 1", "+ 2")
    repository.propose()
    approve(repository.place, repository.deputy, at=NOW)
    return dict(repository.files())


def problems_of(files: Files) -> list[str]:
    try:
        record = read_record(files["freeze.toml"])
    except SpoiledRecord as error:
        return [str(error)]
    return record_problems(record, lambda name: files.get(f"freezes/{name}"))


def other(character: str, position: int) -> str:
    """A character of the same class or, every other time, of another one."""
    is_same_class = position % 2 == 0
    if character.isdigit():
        return str((int(character) + 1) % 10) if is_same_class else "a"
    if character in "abcdef":
        return chr(ord("a") + (ord(character) - ord("a") + 1) % 6) if is_same_class else "7"
    return "x" if character == " " else " "


# Of lines that are much alike every so many characters, once the first part is over. The steps are
# primes, so that each column has its turn.
WHOLE = 400


@pytest.mark.parametrize(
    "path,step",
    [
        ("freeze.toml", 3),
        ("freezes/0001-proposal.json", 7),
        ("freezes/0001-evidence.json", 53),
        ("freezes/0002-proposal.json", 5),
        ("freezes/0002-evidence.json", 47),
    ],
)
def test_no_character_can_be_changed(signed: Files, path: str, step: int) -> None:
    """Of the history, the keys, the signatures, the proposals and the evidence; and it is named."""
    text = signed[path]
    assert problems_of(signed) == []
    end = min(WHOLE, len(text))
    unnoticed, unnamed = [], []
    for position in (*range(end), *range(end, len(text), step)):
        changed = other(text[position], position)
        found = problems_of({**signed, path: text[:position] + changed + text[position + 1 :]})
        if not found:
            unnoticed.append((position, changed))
        elif not any(path in each or "freeze " in each for each in found):
            unnamed.append(found)

    assert unnoticed == []
    assert unnamed == []


@pytest.mark.parametrize("name", ["freeze.toml", "freezes/0001-evidence.json"])
def test_nothing_can_be_added_or_taken_away(signed: Files, name: str) -> None:
    """A line more, a line less, twice the same, nothing at all: all are found."""
    text = signed[name]
    lines = text.splitlines(keepends=True)
    for spoiled in (
        "",
        text + "\n",
        text + "# x\n",
        "".join(lines[1:]),
        "".join(lines[:-1]),
        "".join([*lines[:4], lines[3], *lines[4:]]),
        text.replace("\n", "\n\n", 1),
    ):
        assert problems_of({**signed, name: spoiled}) != []


def test_line_ends_of_another_system_are_no_change(signed: Files) -> None:
    """Git may check them out that way."""
    assert problems_of({key: text.replace("\n", "\r\n") for key, text in signed.items()}) == []


def test_a_document_that_is_gone_is_missed(signed: Files) -> None:
    """Each of the four, also of an old freeze."""
    for name in signed:
        if name != "freeze.toml":
            left = {key: text for key, text in signed.items() if key != name}

            assert any(f"{name} is missing" in each for each in problems_of(left))


def test_a_document_of_another_freeze_does_not_do(signed: Files) -> None:
    """Good evidence, properly sealed, but of something else."""
    moved = {**signed, "freezes/0002-evidence.json": signed["freezes/0001-evidence.json"]}

    assert any("0002-evidence.json is not what was signed" in each for each in problems_of(moved))


Forgery = Callable[[Freeze, Freeze], Sequence[Freeze]]


@pytest.mark.parametrize(
    "forge,said",
    [
        (lambda _a, b: [b], "has the number 2"),
        (lambda a, _b: [a], "[units]"),
        (lambda a, b: [b, a], "has the number"),
        (lambda a, b: [a, b, b], "freeze 3"),
        (lambda a, b: [replace(a, reason="x"), b], "freeze 1"),
        (lambda a, b: [a, replace(b, digest="0" * 64)], "freeze 2"),
        (lambda a, b: [a, replace(b, signers=())], "freeze 2"),
        (lambda a, b: [a, replace(b, approved_by="lead")], "freeze 2"),
        (lambda a, b: [a, replace(b, proposal=a.proposal, evidence=a.evidence)], "freeze 2"),
    ],
)
def test_a_record_that_is_written_anew_does_not_hold(
    signed: Files, forge: Forgery, said: str
) -> None:
    """Well-formed, and yet cut, reordered, or changed in one value."""
    record = read_record(signed["freeze.toml"])
    forged = replace(record, freezes=tuple(forge(*record.freezes)))

    assert any(said in each for each in problems_of({**signed, "freeze.toml": record_text(forged)}))


def test_another_signature_over_good_documents_does_not_do(frozen: Repository) -> None:
    """A stranger who signs under the lead's name is found out."""
    record = read_record(frozen.files()["freeze.toml"])
    first = record.freezes[0]
    forged = replace(first, signature=new_key().sign(first.signed_text).hex())
    frozen.write("freeze.toml", record_text(replace(record, freezes=(forged,))))

    assert any("signature is wrong" in each for each in verify(frozen.place).problems)


def test_a_changed_piece_is_named(frozen: Repository) -> None:
    """What was changed, added and removed, each by its name; put back, all is well."""
    assert verify(frozen.place).problems == []
    frozen.change("reconciler/model/amounts.py", "x + 1", "x - 1")
    frozen.change("reconciler/errors.py", "Refused", "Denied")
    frozen.change("docs/PAYMENT_SYNC_SPEC.md", "Everything", "Nothing")
    report = verify(frozen.place)

    assert not report.is_valid
    assert report.problems == [
        "docs/PAYMENT_SYNC_SPEC.md changed",
        "reconciler/errors.py: Denied (class body) added",
        "reconciler/errors.py: Refused (class body) removed",
        "reconciler/errors.py: module body changed",
        "reconciler/model/amounts.py: rounded changed",
    ]


def test_layout_and_the_number_of_a_release_are_no_change(frozen: Repository) -> None:
    """Comments, docstrings, white space in the specification, `__version__`."""
    frozen.change("reconciler/__init__.py", "1.0", "2.0")
    post = "reconciler/sync/post.py"
    frozen.change(post, "        if amount", "        # Why.\n        if amount")
    frozen.change("docs/PAYMENT_SYNC_SPEC.md", "Everything.\n", "Everything.  \r\n\n")
    assert verify(frozen.place).problems == []

    frozen.change(post, "        # Why.", "        from reconciler import __version__")
    changed = verify(frozen.place).problems

    assert "reconciler/__init__.py: module body changed" in changed


def test_code_that_cannot_be_read_is_a_problem(frozen: Repository) -> None:
    """It is said, and nothing is said to be removed."""
    frozen.change("reconciler/sync/post.py", "class", "klass")
    report = verify(frozen.place)

    assert report.problems == [report.code_problem]
    assert "reconciler/sync/post.py cannot be parsed" in str(report.code_problem)


def test_the_way_out_is_that_of_what_is_wrong(frozen: Repository) -> None:
    """Changed code can be frozen again; a changed record must be put back first."""
    stranger = [new_key().public().hex]
    right = verify(frozen.place).what_to_do
    record = verify(frozen.place, trusted_keys=stranger).what_to_do
    frozen.change("reconciler/sync/post.py", "+ 1", "+ 2")
    code = verify(frozen.place).what_to_do
    both = verify(frozen.place, trusted_keys=stranger).what_to_do

    assert (right, code, record) == (None, CODE_STEP, RECORD_STEP)
    assert both == f"{RECORD_STEP} {CODE_STEP}"


def test_a_folder_elsewhere_does_not_stand_before_a_frozen_module(
    frozen: Repository,
) -> None:
    """Python would follow the link and import what nobody froze."""
    frozen.write("../elsewhere/__init__.py", "def rounded(x: int) -> int:\n    return x + 2\n")
    (frozen.root / "reconciler/model/amounts").symlink_to(frozen.root.parent / "elsewhere")

    assert "reconciler/model/amounts is a link" in verify(frozen.place).problems[0]


def test_a_package_put_before_a_frozen_module_is_named(frozen: Repository) -> None:
    """It is what runs from then on."""
    frozen.write("reconciler/model/amounts/__init__.py", "def rounded(x):\n    return x\n")

    assert "reconciler/model/amounts/__init__.py: rounded added" in verify(frozen.place).problems


def test_what_is_compiled_before_a_frozen_module_is_a_problem(frozen: Repository) -> None:
    """Its source cannot be seen; what Python itself keeps beside its sources is none."""
    frozen.write("reconciler/model/__pycache__/amounts.cpython-311.pyc", "")
    assert verify(frozen.place).is_valid

    frozen.write("reconciler/model/amounts.abi3.so", "")
    assert "amounts.abi3.so is imported in the place of" in verify(frozen.place).problems[0]


def test_a_checkout_goes_by_its_own_record(frozen: Repository) -> None:
    """A second one within the package, as a wheel has it, does not stand before it."""
    frozen.write("reconciler/control/record/freeze.toml", "")
    assert place_of(frozen.root / "reconciler") == frozen.place

    (frozen.root / "freeze.toml").unlink()
    shipped = frozen.root / "reconciler/control/record"
    assert place_of(frozen.root / "reconciler").documents == shipped


def test_evidence_that_says_too_little_proves_nothing(repository: Repository) -> None:
    """A step without its outcome is refused in words."""
    code = repository.place.frozen_code()
    said = evidence(code.digest, operations=[{"operation": "credit"}])
    wish = Wish("why", "what", "ann", new_signers=(Signer("lead", repository.lead.public().hex),))

    with pytest.raises(FreezeRefused, match="what came of it"):
        propose(repository.place, draft(repository.place, code, wish, at=NOW), said)


def test_what_was_never_frozen_is_not_valid(repository: Repository) -> None:
    """Without a record there is nothing to trust."""
    assert verify(repository.place).problems == [NEVER_FROZEN]


def test_the_first_freeze_is_believed_unless_its_key_is_pinned(frozen: Repository) -> None:
    """`freeze.trusted_keys` names the root outside of the file."""
    lead, stranger = frozen.lead.public().hex, new_key().public().hex

    assert verify(frozen.place, trusted_keys=[lead, stranger]).is_valid
    assert verify(frozen.place, trusted_keys=[stranger]).problems == [
        "freeze 1: none of freeze.trusted_keys signed it"
    ]


def test_a_repository_begun_anew_by_a_stranger_is_found_by_the_pin(
    frozen: Repository, tmp_path: Path
) -> None:
    """Everything is well-formed and signed, by somebody else."""
    other = new_repository(tmp_path / "other")
    other.bootstrap()

    assert verify(other.place).is_valid
    assert not verify(other.place, trusted_keys=[frozen.lead.public().hex]).is_valid
    other.propose(new_signers=(Signer("eve", new_key().public().hex),))
    with pytest.raises(SpoiledRecord, match="trusted_keys"):
        approve(other.place, other.lead, at=NOW, trusted_keys=[frozen.lead.public().hex])


def test_a_sealed_document_is_read_as_it_was_written() -> None:
    """With its digest; and a float is refused, for it has no one text."""
    document, digest = unsealed("a.json", sealed({"b": [1, "é"]}))

    assert document == {"b": [1, "é"]}
    assert len(digest) == 64
    with pytest.raises(SpoiledRecord, match=r"a\.json"):
        unsealed("a.json", '{"document": {"b": 1.5}, "sha256": "0"}\n')


def test_refusals_leave_the_record_alone(frozen: Repository) -> None:
    """Nothing proposed, nothing signed."""
    before = frozen.files()
    with pytest.raises(FreezeRefused, match="nothing is proposed"):
        approve(frozen.place, frozen.lead, at=NOW)

    assert frozen.files() == before
