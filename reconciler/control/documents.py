"""What a proposal and its evidence must say to be approved, and to go on being believed."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.control.record import Freeze

PROPOSAL_KIND = "reconciler-freeze-proposal-1"
EVIDENCE_KIND = "reconciler-freeze-evidence-1"
TRANSACTIONS = 10

# What the proposal says of a freeze in the same words.
_REPEATED = (
    "number", "previous", "digest", "reason", "changes", "proposed_by", "proposed_at", "evidence",
    "self_approval", "signers",
)  # fmt: skip

Document = Mapping[str, Any]


def proposal_of(freeze: Freeze, differences: Sequence[str]) -> dict[str, Any]:
    """Write the proposal of a freeze that nobody approved yet."""
    body = freeze.body
    return {
        "kind": PROPOSAL_KIND,
        "differences": list(differences),
        **{name: body[name] for name in _REPEATED},
    }


def proposal_problem(document: Document, freeze: Freeze) -> str | None:
    """Say why a proposal is not the one of this freeze; None if it is."""
    body = freeze.body
    for name in ("kind", *_REPEATED):
        if document.get(name) != (PROPOSAL_KIND if name == "kind" else body[name]):
            return f"says something else about its {name} than freeze.toml"
    return None


def evidence_problem(document: Document, freeze: Freeze) -> str | None:
    """Say why the evidence does not prove this freeze; None if it does."""
    if document.get("kind") != EVIDENCE_KIND:
        return "is no evidence of a freeze"
    if document.get("digest") != freeze.digest:
        return "is about other code"
    try:
        return failed_step(document)
    except (KeyError, TypeError, AttributeError):
        return "does not say of each transaction what came of it"


def failed_step(evidence: Document) -> str | None:
    """Say which step of the required test plan failed or was not made; None if all passed."""
    operations = evidence.get("operations")
    if not isinstance(operations, list):
        return "holds no transactions"
    # A plan that failed ends there: what failed is said before how many there are.
    for number, step in enumerate(operations, start=1):
        problem = step_problem(number, step)
        if problem is not None:
            return problem
    if len(operations) != TRANSACTIONS:
        return f"does not hold {TRANSACTIONS} transactions"
    sequence = evidence.get("end_to_end")
    if not isinstance(sequence, dict) or sequence.get("exit_code") != 0:
        return "says that scripts/e2e.sh did not pass"
    return None


def step_problem(number: int, step: Document) -> str | None:
    """Say what was wrong with one transaction of the plan; None if nothing was."""
    name = f"transaction {number} ({step['operation']})"
    if step["outcome"] != step["expected"]:
        return f"says that {name} came to {step['outcome']} and not to {step['expected']}"
    if step["balances"] != step["balances_expected"]:
        return f"says that {name} left other balances than it must"
    if step["check"]["status"] != "healthy":
        return f"says that the check after {name} was {step['check']['status']}"
    return None
