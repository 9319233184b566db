"""Which balance each policy chooses, and which repairs are refused whatever is chosen."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from reconciler.model.change import Rules
from reconciler.model.copies import Balance, BalanceView
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.planning import AccountFacts, Intent, plan_step
from reconciler.model.posting import Delta
from reconciler.model.repair import RepairStep, TruthPolicy
from reconciler.model.truth import JournalReplay, Posted, choice_of, replay
from tests.unit.model.views import view

D = Decimal
RULES = Rules(DEFAULT_MAPPINGS, 8, D("0.00000001"))
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def posted(sequence: int, kind: str, delta: str, balance: str) -> Posted:
    return Posted(sequence, kind, f"op{sequence}", NOW, Delta(D(delta)), Balance(D(balance)))


def step_of(seen: BalanceView, journal: str | None = None, **changes: object) -> RepairStep | None:
    replayed = JournalReplay(None if journal is None else Balance(D(journal)))
    locked = D(str(changes.pop("locked_by_trades", "0")))
    intent = Intent(**{"policy": TruthPolicy.WALLETS, **changes})  # type: ignore[arg-type]
    return plan_step(AccountFacts(seen, replayed, locked), intent, RULES, finding_id="f")


@pytest.mark.parametrize(
    "texts, wallets, majority",
    [
        (("5", "6", "6", "6"), "5", "6"),
        (("5", "5", "6", "5"), "5", "5"),
        (("5", "5", "6", "6"), "5", None),
        ((None, "6", "6", "6"), None, "6"),
        (("5", "5", None, None), "5", None),
        (("0.1d", "0.1", "0.1", "7"), "0.1", "0.1"),
    ],
)
def test_wallets_and_majority(
    texts: tuple[str | None, ...], wallets: str | None, majority: str | None
) -> None:
    """The source of truth if it has a copy; and what three copies that are there agree on."""
    journal = JournalReplay(None)
    found = [
        choice_of(policy, view(*texts), journal, RULES).balance
        for policy in (TruthPolicy.WALLETS, TruthPolicy.MAJORITY, TruthPolicy.JOURNAL)
    ]

    wanted = [None if text is None else Balance(D(text)) for text in (wallets, majority)]
    assert found == [*wanted, None]


def test_a_replay() -> None:
    """Postings add up from the opening; a repair starts anew from what it set."""
    entries = [
        posted(1, "opening", "3", "3"),
        posted(2, "credit", "2", "5"),
        posted(3, "repair", "-2", "5"),
        posted(4, "debit", "-1", "4"),
    ]
    whole = replay(entries, last_sequence=4)

    assert whole.balance == Balance(D(4))
    assert [each.op_id for each in whole.repaired] == ["op3"]


@pytest.mark.parametrize("kept, last", [([1, 3], 3), ([2, 3], 3), ([1, 2], 3)])
def test_a_journal_with_a_gap_says_nothing(kept: list[int], last: int) -> None:
    """A gap, a missing beginning or a missing end leaves no balance, and says why."""
    gone = replay([posted(n, "credit", "1", str(n)) for n in kept], last_sequence=last)

    assert gone.balance is None
    assert gone.problem
    choice = choice_of(TruthPolicy.JOURNAL, view("1"), gone, RULES)
    assert choice.balance is None
    assert gone.problem in str(choice.problem)


@pytest.mark.parametrize(
    "texts, changes, word",
    [
        (("5", "?", "5", "5"), {}, "no usable number"),
        (("5", "5&5", "5", "5"), {}, "twice"),
        ((None, "5", "5", "5"), {}, "no copy"),
        (("-1", "5", "5", "5"), {}, "below zero"),
        (("0.123456789", "5", "5", "5"), {}, "finer"),
        ((f"{'9' * 34} {'9' * 34} -", "5", "5", "5"), {}, "34 digits"),
        (("5 1", "6", "6", "6"), {"locked_by_trades": "2"}, "open trades"),
        (("5", "5", "6", "6"), {"policy": TruthPolicy.MAJORITY}, "no three copies"),
        (("5", "6", "6", "6"), {"policy": TruthPolicy.JOURNAL}, "no entry"),
        (("5", "6", "6", "6"), {"journal": "6"}, "override"),
    ],
)
def test_what_is_refused(
    texts: tuple[str | None, ...], changes: dict[str, object], word: str
) -> None:
    """A step that must not be is listed with what a person should do."""
    step = step_of(view(*texts), **changes)  # type: ignore[arg-type]

    assert step is not None
    assert step.after is None
    assert word in str(step.refusal)


def test_what_is_planned() -> None:
    """An override with a reason goes against the journal; what is in sync needs no step."""
    over = step_of(view("5", "6", "6", "6"), "6", override_reason="the audit of 3 May")
    by_majority = step_of(view("5", "6", "6", "6"), "6", policy=TruthPolicy.MAJORITY)

    assert over is not None
    assert over.after == Balance(D(5))
    assert over.owed_change == 0
    assert by_majority is not None
    assert (by_majority.after, by_majority.owed_change) == (Balance(D(6)), D(1))
    assert by_majority.alternatives[TruthPolicy.WALLETS] == Balance(D(5))
    assert step_of(view("5")) is None
