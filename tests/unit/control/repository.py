"""A small repository with frozen code in memory and on disk, and people who sign."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reconciler.control.approving import approve
from reconciler.control.documents import EVIDENCE_KIND
from reconciler.control.frozen import Place
from reconciler.control.proposing import Wish, draft, propose
from reconciler.control.record import Freeze, Signer
from reconciler.control.required_plan import OPERATIONS
from reconciler.keys import SigningKey

NOW = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)
SOURCES = {
    "reconciler/__init__.py": '"""A package."""\n\n__version__ = "1.0"\n',
    "reconciler/errors.py": "class Refused(Exception):\n    pass\n",
    "reconciler/other.py": "x = 1\n",
    "reconciler/model/__init__.py": "",
    "reconciler/model/amounts.py": "def rounded(x: int) -> int:\n    return x + 1\n",
    "reconciler/sync/__init__.py": "from reconciler.sync.post import Poster\n",
    "reconciler/sync/post.py": (
        "from reconciler.errors import Refused\n\n\n"
        "class Poster:\n"
        "    def post(self, amount: int) -> int:\n"
        "        from reconciler.model.amounts import rounded\n\n"
        "        if amount < 0:\n"
        "            raise Refused\n"
        "        return rounded(amount) + 1\n"
    ),
}
SPECIFICATION = "# What it must do\n\nEverything.\n"


def new_key() -> SigningKey:
    return SigningKey(Ed25519PrivateKey.generate())


def evidence(digest: str, **changes: Any) -> dict[str, Any]:
    """What a test plan leaves behind in which everything passed."""
    check = {"status": "healthy", "details": "ok", "checked_users": 2, "checked_balances": 2}
    operations = [
        {
            "operation": each.name,
            "user": each.user,
            "amounts": list(each.amounts),
            "expected": each.expected,
            "outcome": each.expected,
            "balances_expected": list(each.balances),
            "balances": list(each.balances),
            "duration_ms": 12,
            "check": {**check, "duration_ms": 34},
        }
        for each in OPERATIONS
    ]
    sequence = {"exit_code": 0, "lines": ["== all steps done"], "duration_ms": 900}
    whole = {
        "kind": EVIDENCE_KIND,
        "digest": digest,
        "versions": {"mongodb": "6.0.5"},
        "operations": operations,
        "end_to_end": sequence,
    }
    return {**whole, **changes}


@dataclass(frozen=True)
class Repository:
    """A checkout; `lead` and `deputy` may sign what is frozen there."""

    root: Path
    lead: SigningKey
    deputy: SigningKey

    @property
    def place(self) -> Place:
        return Place(self.root, self.root)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def change(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text()
        assert old in text
        self.write(path, text.replace(old, new, 1))

    def propose(self, by: str = "ann", **wish: Any) -> Freeze:
        code = self.place.frozen_code()
        wanted = Wish(f"why {by}", "what", by, **wish)
        return propose(self.place, draft(self.place, code, wanted, at=NOW), evidence(code.digest))

    def bootstrap(self) -> Freeze:
        """The first freeze, signed by the lead."""
        signers = (Signer("lead", self.lead.public().hex), Signer("bob", self.deputy.public().hex))
        self.propose(new_signers=signers)
        return approve(self.place, self.lead, at=NOW)

    def files(self) -> Mapping[str, str]:
        """The signed set: the record, and every document of it."""
        paths = [self.root / "freeze.toml", *sorted((self.root / "freezes").iterdir())]
        return {str(path.relative_to(self.root)): path.read_text() for path in paths}


def new_repository(root: Path) -> Repository:
    repository = Repository(root, new_key(), new_key())
    for path, text in SOURCES.items():
        repository.write(path, text)
    repository.write("docs/PAYMENT_SYNC_SPEC.md", SPECIFICATION)
    return repository
