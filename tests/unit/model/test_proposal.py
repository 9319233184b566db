"""What is proposed for each kind of mismatch."""

from decimal import Decimal

import pytest
from hypothesis import given

from reconciler.model.comparison import MismatchKind, compare
from reconciler.model.copies import Balance, BalanceView
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.proposal import Proposal, propose
from tests.unit.model.views import ACCOUNT, near_views, view, views

D = Decimal
TOLERANCE = D("0.00000001")


def proposed(seen: BalanceView) -> Proposal:
    mismatch = compare(seen, DEFAULT_MAPPINGS, double_tolerance=TOLERANCE)
    assert mismatch is not None
    return propose(mismatch, DEFAULT_MAPPINGS)


@pytest.mark.parametrize(
    "kind, seen, after",
    [
        (MismatchKind.ORPHAN, view(None, "1", "1", "1"), Balance()),
        (MismatchKind.MISSING, view("1 2", None, "1 2", "1 2"), Balance(D(1), D(2))),
        (MismatchKind.AMOUNT, view("1 2", "3 2", "1 2", "1 2"), Balance(D(1), D(2))),
        (MismatchKind.AMOUNT, view("1 -", "1 2", "1 -", "1 -"), Balance(D(1), D(0))),
        (MismatchKind.AMOUNT, view("0.1d", "0.2", "0.1", "0.1"), Balance(D("0.1"), D(0))),
        (MismatchKind.AMOUNT, view("1", "-1", "1", "1"), Balance(D(1), D(0))),
        (MismatchKind.TOTAL, view("1 2 4", "1 2", "1 2", "1 2"), Balance(D(1), D(2))),
    ],
)
def test_the_truth_is_proposed(kind: MismatchKind, seen: BalanceView, after: Balance) -> None:
    """All copies get what the source of truth holds; nothing, where it has no copy."""
    proposal = proposed(seen)

    assert proposal.mismatch.kind is kind
    assert (proposal.after, proposal.refusal) == (after, None)
    assert proposal.account == ACCOUNT


@pytest.mark.parametrize(
    "kind, seen, words",
    [
        (MismatchKind.MALFORMED, view("?", "1", "1", "1"), "no usable number"),
        (MismatchKind.MALFORMED, view("1", "1", "? 0 -", "1"), "no usable number"),
        (MismatchKind.MALFORMED, view("1", "-", "1", "1"), "no usable number"),
        (MismatchKind.DUPLICATE, view("1&1", "1", "1", "1"), "twice"),
        (MismatchKind.DUPLICATE, view("1", "1&2", "1", "1"), "twice"),
        (MismatchKind.NEGATIVE, view("-1"), "below zero"),
        (MismatchKind.NEGATIVE, view("1 -1"), "below zero"),
        (MismatchKind.AMOUNT, view("-1", "1", "1", "1"), "below zero"),
    ],
)
def test_a_person_must_look(kind: MismatchKind, seen: BalanceView, words: str) -> None:
    """What is broken, doubled or below zero is not repaired by a rule, and it is said why."""
    proposal = proposed(seen)

    assert proposal.mismatch.kind is kind
    assert proposal.after is None
    assert proposal.refusal is not None
    assert words in proposal.refusal


def test_further_kinds_count() -> None:
    """A doubled copy is for a person also where another kind comes first."""
    proposal = proposed(view("1", "1&1", "?", "1"))

    assert proposal.mismatch.kind is MismatchKind.MALFORMED
    assert MismatchKind.DUPLICATE in proposal.mismatch.also
    assert proposal.after is None


@given(views | near_views)
def test_exactly_one_of_both(seen: BalanceView) -> None:
    """Whatever is found, a balance of no negative amount is proposed, or it is said why not."""
    mismatch = compare(seen, DEFAULT_MAPPINGS, double_tolerance=TOLERANCE)
    if mismatch is None:
        return
    proposal = propose(mismatch, DEFAULT_MAPPINGS)

    assert (proposal.after is None) is (proposal.refusal is not None)
    if proposal.after is not None:
        assert min(proposal.after.available, proposal.after.locked) >= 0
