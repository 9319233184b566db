"""Who may freeze what: proposals, evidence, signers, the policy."""

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.control.approving import FreezeRefused, approve
from reconciler.control.frozen import Place
from reconciler.control.proposing import Wish, draft, propose
from reconciler.control.record import Signer, SpoiledRecord
from reconciler.control.record_text import sealed
from reconciler.control.verifying import verify
from tests.unit.control.repository import NOW, Repository, evidence, new_key


def changed(frozen: Repository, to: str = "+ 2") -> Repository:
    frozen.change("reconciler/sync/post.py", "+ 1", to)
    return frozen


def test_a_change_is_proposed_and_approved(frozen: Repository) -> None:
    """Between both the code is not valid; afterwards it is, and the chain has one more link."""
    changed(frozen)
    proposed = frozen.propose(by="ann")
    assert not verify(frozen.place).is_valid
    approved = approve(frozen.place, frozen.deputy, at=NOW)
    report = verify(frozen.place)

    assert report.is_valid
    assert (approved.number, approved.approved_by, approved.proposed_by) == (2, "bob", "ann")
    assert approved.previous == report.record.freezes[0].own_digest
    assert approved.proposal == proposed.proposal
    document = json.loads((frozen.root / "freezes/0002-proposal.json").read_text())["document"]
    assert document["differences"] == ["reconciler/sync/post.py: Poster.post changed"]


def test_nobody_approves_their_own(frozen: Repository) -> None:
    """Unless the policy says so, which another signer must have signed before."""
    changed(frozen)
    frozen.propose(by="bob")
    with pytest.raises(FreezeRefused, match="bob proposed this freeze and cannot approve it"):
        approve(frozen.place, frozen.deputy, at=NOW)
    # A proposal that loosens the policy is still judged by the old one.
    frozen.propose(by="bob", self_approval=True)
    with pytest.raises(FreezeRefused, match="cannot approve it"):
        approve(frozen.place, frozen.deputy, at=NOW)
    approve(frozen.place, frozen.lead, at=NOW)
    frozen.change("reconciler/sync/post.py", "+ 2", "+ 3")
    frozen.propose(by="bob")

    assert approve(frozen.place, frozen.deputy, at=NOW).self_approval
    assert verify(frozen.place).is_valid


def test_a_stranger_cannot_sign(frozen: Repository) -> None:
    """Not even when the proposal makes them a signer: the old set signs."""
    stranger = new_key()
    frozen.propose(new_signers=(Signer("eve", stranger.public().hex),))
    with pytest.raises(FreezeRefused, match="one of bob, lead must"):
        approve(frozen.place, stranger, at=NOW)
    approve(frozen.place, frozen.lead, at=NOW)
    changed(frozen).propose()

    assert approve(frozen.place, stranger, at=NOW).approved_by == "eve"
    assert verify(frozen.place).is_valid


def test_who_was_removed_signs_no_more(frozen: Repository) -> None:
    """A key that was lost is taken out by another signer."""
    frozen.propose(gone_signers=("bob",))
    approve(frozen.place, frozen.lead, at=NOW)
    changed(frozen).propose()
    with pytest.raises(FreezeRefused, match="one of lead must"):
        approve(frozen.place, frozen.deputy, at=NOW)


@pytest.mark.parametrize(
    "wish,said",
    [
        ({}, "nothing changed since freeze 1"),
        ({"gone_signers": ("eve",)}, "eve is no signer"),
        ({"gone_signers": ("bob", "lead")}, "somebody must be able to sign"),
        ({"new_signers": (Signer("bob", "0" * 64),)}, "a name is there twice"),
        ({"new_signers": (Signer("a b", "0" * 64),)}, "is no name"),
        ({"by": ""}, "is no name"),
    ],
)
def test_what_cannot_be_proposed(frozen: Repository, wish: dict[str, Any], said: str) -> None:
    """No change, no signer left, names that are none: each has its sentence."""
    with pytest.raises(FreezeRefused, match=said):
        frozen.propose(**wish)


@pytest.mark.parametrize("text", ["", "  ", "two\nlines", "x" * 2001, "\x7f", "\ud800"])
def test_a_reason_is_one_line_that_says_something(repository: Repository, text: str) -> None:
    """It stands in a file of lines."""
    wish = Wish(text, "what", "ann", (Signer("lead", "0" * 64),))
    with pytest.raises(FreezeRefused, match="--reason"):
        draft(repository.place, repository.place.frozen_code(), wish, at=NOW)


def test_a_first_freeze_needs_a_signer(repository: Repository) -> None:
    """Otherwise nobody could ever sign."""
    with pytest.raises(FreezeRefused, match="--add-signer"):
        repository.propose()


def test_a_wheel_cannot_be_proposed(repository: Repository) -> None:
    """What is installed is not changed there."""
    place = Place(repository.root, repository.root / "reconciler/control/record")
    with pytest.raises(FreezeRefused, match="from a checkout"):
        draft(place, repository.place.frozen_code(), Wish("a", "b", "c"), at=NOW)


def failing(**changes: Any) -> dict[str, Any]:
    good = evidence("d" * 64)
    good["operations"][3] |= changes
    return good


BAD = [
    {"outcome": "applied"},
    {"balances": ["0", "0", "0", "0"]},
    {"check": {"status": "incomplete"}},
]


@pytest.mark.parametrize("change", BAD)
def test_one_failing_step_is_no_evidence(repository: Repository, change: dict[str, Any]) -> None:
    """Another outcome, other balances, a check that is not healthy: no proposal is written."""
    code = repository.place.frozen_code()
    wish = Wish("a", "b", "c", (Signer("lead", "0" * 64),))
    drafted = draft(repository.place, code, wish, at=NOW)
    with pytest.raises(FreezeRefused, match="transaction 4"):
        propose(repository.place, drafted, {**failing(**change), "digest": code.digest})

    assert not (repository.root / "freezes").exists()


def test_a_plan_that_was_cut_short_is_no_evidence(repository: Repository) -> None:
    """Nine transactions, no end-to-end sequence, another exit code, other code."""
    code = repository.place.frozen_code()
    wish = Wish("a", "b", "c", (Signer("lead", "0" * 64),))
    drafted = draft(repository.place, code, wish, at=NOW)
    good = evidence(code.digest)
    for bad in (
        {**good, "operations": good["operations"][:9]},
        {**good, "end_to_end": None},
        {**good, "end_to_end": {**good["end_to_end"], "exit_code": 3}},
        {**good, "digest": "0" * 64},
        {**good, "kind": "x"},
    ):
        with pytest.raises(FreezeRefused, match="nothing is proposed"):
            propose(repository.place, drafted, bad)


def test_code_that_changed_since_the_proposal_is_not_approved(frozen: Repository) -> None:
    """What was tried out is what is signed."""
    changed(frozen).propose()
    frozen.change("reconciler/sync/post.py", "+ 2", "+ 3")
    with pytest.raises(FreezeRefused, match="the code changed since it was proposed"):
        approve(frozen.place, frozen.lead, at=NOW)


def test_an_edited_proposal_or_evidence_is_not_approved(frozen: Repository) -> None:
    """Edited, or replaced by bad evidence that is properly sealed."""
    changed(frozen)
    digest = frozen.propose().digest
    path = "freezes/0002-evidence.json"
    good = (frozen.root / path).read_text()
    frozen.write(path, good.replace('"duration_ms": 12', '"duration_ms": 13', 1))
    with pytest.raises(SpoiledRecord, match=path):
        approve(frozen.place, frozen.lead, at=NOW)
    frozen.write(path, sealed(evidence(digest, versions={})))
    with pytest.raises(FreezeRefused, match="is not the evidence that was proposed"):
        approve(frozen.place, frozen.lead, at=NOW)
    frozen.write(path, good)

    assert approve(frozen.place, frozen.lead, at=NOW).number == 2


def test_nothing_goes_on_top_of_a_spoiled_record(frozen: Repository) -> None:
    """Neither a proposal nor an approval."""
    changed(frozen).propose()
    (frozen.root / "freezes/0001-evidence.json").unlink()
    with pytest.raises(SpoiledRecord, match="missing"):
        approve(frozen.place, frozen.lead, at=NOW)
    with pytest.raises(SpoiledRecord, match="missing"):
        frozen.propose()


def test_a_folder_that_cannot_be_written_is_said(frozen: Repository, tmp_path: Path) -> None:
    """With the path; the record is as it was."""
    changed(frozen).propose()
    (tmp_path / "freeze.toml.new").mkdir()
    with pytest.raises(FreezeRefused, match=r"freeze\.toml cannot be written"):
        approve(frozen.place, frozen.lead, at=NOW)
