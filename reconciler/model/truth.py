"""What each truth policy says the right balance is, and why one cannot say. Pure decisions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.amounts import WIDE, canonical
from reconciler.model.change import Rules, standing_of
from reconciler.model.copies import Balance, BalanceView
from reconciler.model.posting import Delta, EntryKind
from reconciler.model.repair import TruthPolicy

COPIES_IN_MAJORITY_MIN = 3


@dataclass(frozen=True, slots=True)
class Posted:
    """One account's part of a journal entry: its number, what it added, and what it left.

    `balance` is None where the entry does not hold two decimals.
    """

    sequence: int
    kind: str
    op_id: str
    time: datetime
    delta: Delta
    balance: Balance | None


@dataclass(frozen=True, slots=True)
class Repaired:
    """A repair that the journal knows of: the posting's name, and when it was made."""

    op_id: str
    time: datetime


@dataclass(frozen=True, slots=True)
class JournalReplay:
    """What an account's postings add up to; `problem` says why they cannot be added, if so.

    Without any entry there is neither a balance nor a problem.
    """

    balance: Balance | None
    problem: str | None = None
    repaired: tuple[Repaired, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyChoice:
    """The balance that a policy chooses, or why it cannot; exactly one of them is None."""

    balance: Balance | None
    problem: str | None = None


def replay(entries: Iterable[Posted], *, last_sequence: int | None) -> JournalReplay:
    """Add up an account's entries, in the order of their numbers.

    A `repair` starts anew from the balance that it set: its legs are the difference to what the
    source of truth held, which need not have been what was posted. `last_sequence` is the number on
    the source of truth's copy, None where it says none.
    """
    balance: Balance | None = None
    problem: str | None = None
    repaired: list[Repaired] = []
    last = 0
    for entry in entries:
        if entry.sequence != last + 1 and problem is None:
            problem = _gap(last, entry.sequence)
        last = entry.sequence
        if entry.kind == EntryKind.REPAIR:
            repaired.append(Repaired(entry.op_id, entry.time))
            balance = entry.balance
            if balance is None and problem is None:
                problem = f"its entry {entry.sequence} does not say what the repair set"
        else:
            balance = _plus(balance or Balance(), entry.delta)
    if problem is None and last_sequence is not None and last < last_sequence:
        problem = f"the journal ends with entry {last}, and the account has seen {last_sequence}"
    return JournalReplay(None if problem else balance, problem, tuple(repaired))


def choice_of(
    policy: TruthPolicy, view: BalanceView, journal: JournalReplay, rules: Rules
) -> PolicyChoice:
    """Say what a policy chooses for an account whose copies are sound, each on its own."""
    match policy:
        case TruthPolicy.WALLETS:
            return _by_source_of_truth(view, rules)
        case TruthPolicy.JOURNAL:
            return _by_journal(journal)
        case TruthPolicy.MAJORITY:
            return _by_majority(view, rules)


def alternatives(
    view: BalanceView, journal: JournalReplay, rules: Rules
) -> Mapping[TruthPolicy, Balance | None]:
    """Give what each policy would choose; None where it cannot say."""
    return {policy: choice_of(policy, view, journal, rules).balance for policy in TruthPolicy}


def _by_source_of_truth(view: BalanceView, rules: Rules) -> PolicyChoice:
    """A copy that is gone says nothing: to read it as zero would take all the money away."""
    if view.copies.get(rules.mappings.source_of_truth):
        return PolicyChoice(standing_of(view, rules))
    return PolicyChoice(
        None,
        f"{rules.mappings.source_of_truth} has no copy of the account: choose the policy `journal` "
        "or `majority`, and find out who removed it",
    )


def _by_journal(journal: JournalReplay) -> PolicyChoice:
    if journal.balance is not None:
        return PolicyChoice(journal.balance)
    why = journal.problem or "the journal has no entry of the account"
    return PolicyChoice(None, f"{why}: choose another policy, or find the missing postings")


def _by_majority(view: BalanceView, rules: Rules) -> PolicyChoice:
    held = [
        standing_of(view, rules, collection=name)
        for name in rules.mappings.names
        if view.copies.get(name)
    ]
    for balance in held:
        if held.count(balance) >= COPIES_IN_MAJORITY_MIN and held.count(balance) * 2 > len(held):
            return PolicyChoice(balance)
    return PolicyChoice(None, "no three copies agree: choose another policy")


def _gap(last: int, sequence: int) -> str:
    if last == 0:
        return f"the journal begins with entry {sequence} of the account, not with its first"
    return f"the journal has no entry between {last} and {sequence} of the account"


def _plus(balance: Balance, delta: Delta) -> Balance:
    return Balance(
        canonical(WIDE.add(balance.available, delta.available)),
        canonical(WIDE.add(balance.locked, delta.locked)),
    )
