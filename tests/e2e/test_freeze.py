"""`reconciler freeze` as people type it, in a copy of this checkout of its own."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ROOT, CommandLine

TREE = ("reconciler", "docs/PAYMENT_SYNC_SPEC.md", "scripts/e2e.sh")


class Checkout:
    """A copy of what is frozen; the program that runs is the copy's own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in TREE:
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, target)

    def run(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = CommandLine(self.root).environment(
            {"PYTHONPATH": str(self.root), **{f"RECONCILER_{k}": v for k, v in settings.items()}}
        )
        return subprocess.run(
            [sys.executable, "-m", "reconciler", *words],
            cwd=self.root, env=environment, capture_output=True, encoding="utf-8", timeout=110,
            check=False,
        )  # fmt: skip

    def freeze(self, *words: str) -> tuple[int, dict[str, Any]]:
        done = self.run("freeze", *words, "--json")
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def propose(self, *words: str) -> tuple[int, dict[str, Any]]:
        return self.freeze("propose", "--by=ann", "--reason=why", "--changes=what", *words)

    def change(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text()
        assert old in text
        (self.root / path).write_text(text.replace(old, new, 1))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture
def unchanged(checkout: Checkout) -> Iterator[Checkout]:
    """The checkout, put back afterwards."""
    yield checkout
    shutil.copytree(ROOT / "reconciler", checkout.root / "reconciler", dirs_exist_ok=True)


def test_a_freeze_from_the_first_key_to_a_broken_one(unchanged: Checkout, mongo_uri: str) -> None:
    """A key, a proposal with its test plan, an approval; then one operator changes."""
    lead, path = unchanged.root / "lead.pem", "reconciler/sync/settlement.py"
    made = unchanged.run("audit", "keygen", "--signing-key=lead.pem", "--public-key=lead.pub")
    assert (made.returncode, lead.stat().st_mode & 0o777) == (0, 0o600)
    assert unchanged.freeze("verify")[1]["problems"] == [
        "there is no freeze.toml: the code was never frozen"
    ]

    code, proposed = unchanged.propose("--add-signer=lead=lead.pub", f"--uri={mongo_uri}")
    assert (code, proposed["number"], proposed["proposed_by"]) == (0, 1, "ann")
    evidence = json.loads((unchanged.root / proposed["evidence_path"]).read_text())["document"]
    outcomes = [each["outcome"] for each in evidence["operations"]]
    assert (len(outcomes), outcomes.count("applied")) == (10, 7)
    assert {each["check"]["status"] for each in evidence["operations"]} == {"healthy"}
    assert evidence["end_to_end"]["lines"][-1] == "== all steps done, every check healthy"
    assert evidence["versions"]["mongodb"]

    assert unchanged.freeze("approve", "--key=lead.pem")[1]["approved_by"] == "lead"
    code, verified = unchanged.freeze("verify")
    assert (code, verified["valid"], verified["digest"]) == (0, True, proposed["digest"])
    shown = unchanged.run("freeze", "status").stdout
    assert "approved by  lead" in shown
    assert "VALID" in shown

    unchanged.change(path, "known is not Outcome", "known is Outcome")
    code, broken = unchanged.freeze("verify")
    assert (code, len(broken["differences"])) == (3, 1)
    assert broken["differences"][0]["unit"].startswith(f"{path}: Settlement.")
    told = unchanged.run("freeze", "verify")
    assert (told.returncode, told.stdout.count("reconciler freeze propose")) == (3, 1)
    refused = unchanged.run("run", FREEZE__ENFORCE="true")
    assert (refused.returncode, "freeze.enforce is set" in refused.stderr) == (2, True)


def test_one_failing_check_is_no_proposal(unchanged: Checkout, mongo_uri: str) -> None:
    """A library whose debits are credits fails at the first debit: exit 3, nothing written."""
    before = sorted((unchanged.root / "freezes").glob("*"))
    unchanged.change(
        "reconciler/model/posting.py", "available=amount.copy_negate())),)", "available=amount)),)"
    )
    code, answer = unchanged.propose(
        "--add-signer=eve=lead.pub" if not before else "--self-approval", f"--uri={mongo_uri}"
    )

    assert code == 3
    assert "nothing is proposed: the evidence says that transaction" in answer["message"]
    assert sorted((unchanged.root / "freezes").glob("*")) == before


@pytest.mark.parametrize(
    "words",
    [
        ("propose", "--reason=x", "--changes=y", "--add-signer=eve"),
        ("propose", "--reason=x", "--changes=y", "--add-signer=eve=gone.pub"),
        ("approve", "--key=gone.pem"),
    ],
)
def test_wrong_usage_is_2(checkout: Checkout, words: tuple[str, ...]) -> None:
    """Missing options, files that are not there, unknown commands."""
    assert checkout.run("freeze", *words).returncode == 2
