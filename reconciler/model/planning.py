"""What is planned for one account, or why nothing is, and what a whole plan needs. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from reconciler.model.amounts import (
    DIGITS_MAX,
    WIDE,
    ZERO,
    canonical,
    decimal_places_of,
    digits_of,
    plain,
)
from reconciler.model.change import Rules, standing_of
from reconciler.model.comparison import MismatchKind, compare
from reconciler.model.copies import Balance, BalanceView
from reconciler.model.identity import Account
from reconciler.model.repair import RepairStep, StepOutcome, TruthPolicy
from reconciler.model.truth import JournalReplay, alternatives, choice_of
from reconciler.model.valuation import Valuation, value_in_usd

# The library posts to no other ids.
_POSTED_TYPES = {"string", "objectId"}

_WHAT_A_PERSON_DOES = {
    MismatchKind.MALFORMED: (
        "a copy holds no usable number: find out what wrote it and what it should be, and have it "
        "corrected under change control"
    ),
    MismatchKind.DUPLICATE: (
        "one collection holds the account twice: find out which document is the right one; "
        "`reconciler db init` makes the index that keeps it from happening again"
    ),
}


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """All that a step is decided on, as of one snapshot.

    `locked_by_trades` is what the account's open trades have set aside; None if one of them cannot
    be read.
    """

    view: BalanceView
    journal: JournalReplay
    locked_by_trades: Decimal | None = ZERO

    @property
    def account(self) -> Account:
        """Whose they are."""
        return self.view.account


@dataclass(frozen=True, slots=True)
class Intent:
    """What was asked for: the policy, and the reason for going against the journal, if any."""

    policy: TruthPolicy
    override_reason: str | None = None


def plan_step(
    facts: AccountFacts, intent: Intent, rules: Rules, *, finding_id: str | None
) -> RepairStep | None:
    """Plan what puts an account right, or say what a person should do; None if nothing is wrong."""
    mismatch = compare(facts.view, rules.mappings, double_tolerance=rules.double_tolerance)
    if mismatch is None:
        return None
    for kind in (MismatchKind.MALFORMED, MismatchKind.DUPLICATE):
        if kind in mismatch.kinds:
            return _refused(facts, intent, finding_id, {}, _WHAT_A_PERSON_DOES[kind])
    others = alternatives(facts.view, facts.journal, rules)
    chosen = choice_of(intent.policy, facts.view, facts.journal, rules)
    if chosen.balance is None:
        return _refused(facts, intent, finding_id, others, str(chosen.problem))
    problem = _problem_of(chosen.balance, facts, rules) or _against_journal(chosen.balance, facts)
    if problem == _OVERRIDABLE and intent.override_reason:
        problem = None
    if problem is not None:
        return _refused(facts, intent, finding_id, others, problem)
    return _step(facts, chosen.balance, intent.policy, others, rules, finding_id)


def plan_revert_step(
    applied: RepairStep, facts: AccountFacts, intent: Intent, rules: Rules
) -> RepairStep:
    """Plan what takes an applied step back: the source of truth's balance from before it.

    The other copies get the same balance: a revert never brings a drift back.
    """
    others = alternatives(facts.view, facts.journal, rules)
    if compare(facts.view, rules.mappings, double_tolerance=rules.double_tolerance):
        return _refused(
            facts, intent, None, others, "the account has drifted since: plan its repair instead"
        )
    if applied.after is None or standing_of(facts.view, rules) != applied.after:
        return _refused(
            facts, intent, None, others, "the account was posted on since: correct it by a posting"
        )
    wanted = standing_of(applied.before, rules)
    if wanted == applied.after:
        return _refused(
            facts,
            intent,
            None,
            others,
            "the repair did not change the source of truth: taking it back would only bring the "
            "drift back; if another copy was right, correct the account by a posting",
        )
    problem = _problem_of(wanted, facts, rules)
    if problem is not None:
        return _refused(facts, intent, None, others, problem)
    return _step(facts, wanted, intent.policy, others, rules, None)


def owed_by_currency(steps: Iterable[RepairStep]) -> Mapping[str, Decimal]:
    """Sum by how much the exchange would owe more, or less, in each currency that is repaired."""
    sums: dict[str, Decimal] = {}
    for step in steps:
        if step.after is not None:
            name = step.account.currency.text
            sums[name] = canonical(WIDE.add(sums.get(name, ZERO), step.owed_change))
    return sums


def changed_amount(step: RepairStep, rules: Rules) -> Decimal:
    """Measure how much a step changes: over all copies, the distance of the farthest one.

    What a copy lacks counts as zero. A repair that leaves the truth alone still changes the others.
    """
    if step.after is None:
        return ZERO
    distances = [ZERO]
    for name in rules.mappings.names:
        held = standing_of(step.before, rules, collection=name)
        distances.append(
            WIDE.add(
                WIDE.subtract(step.after.available, held.available).copy_abs(),
                WIDE.subtract(step.after.locked, held.locked).copy_abs(),
            )
        )
    return canonical(max(distances))


def changes_by_currency(
    steps: Sequence[RepairStep], rules_of: Mapping[Account, Rules]
) -> Mapping[str, Decimal]:
    """Sum the absolute changes of a plan, by currency."""
    sums: dict[str, Decimal] = {}
    for step in steps:
        name = step.account.currency.text
        change = changed_amount(step, rules_of[step.account])
        if change:
            sums[name] = canonical(WIDE.add(sums.get(name, ZERO), change))
    return sums


def needs_approval(
    value: Valuation, *, threshold_usd: Decimal, steps: Sequence[RepairStep]
) -> bool:
    """Whether a second person must agree: above the threshold, without a price, or if owed rises.

    An empty plan, or one in which all is refused, changes nothing and needs nobody.
    """
    if not any(step.after is not None for step in steps):
        return False
    rises = any(step.after is not None and step.owed_change > 0 for step in steps)
    return rises or value.total_usd is None or value.total_usd > threshold_usd


def value_of_changes(
    changes: Mapping[str, Decimal], prices_usd: Mapping[str, Decimal]
) -> Valuation:
    """Value absolute changes in US dollars; unknown where a currency has no price."""
    return value_in_usd(changes, prices_usd)


def repaired_within(
    journal: JournalReplay, since: datetime, *, but_by: str | None = None
) -> str | None:
    """Name a repair of the account since a time, if there was one; `but_by` excuses one plan's."""
    for repaired in reversed(journal.repaired):
        if repaired.time >= since and not (but_by and repaired.op_id.startswith(but_by)):
            return repaired.op_id
    return None


_OVERRIDABLE = (
    "the journal says another balance than the policy: look at the postings (`reconciler explain`) "
    "and plan again with the policy `journal`, or with an override and its reason"
)


def _against_journal(chosen: Balance, facts: AccountFacts) -> str | None:
    posted = facts.journal.balance
    return None if posted is None or posted == chosen else _OVERRIDABLE


def _problem_of(after: Balance, facts: AccountFacts, rules: Rules) -> str | None:
    """Say why a balance may never be written for an account."""
    account = facts.account
    if account.user_id.bson_type not in _POSTED_TYPES or account.currency.bson_type != "string":
        return (
            "its user id or currency is of a type on which nothing is posted: have it corrected "
            "under change control"
        )
    if after.available < 0 or after.locked < 0:
        return "the balance would be below zero: find the writer that took too much"
    if max(decimal_places_of(after.available), decimal_places_of(after.locked)) > rules.scale:
        return (
            f"the balance is finer than the currency's {rules.scale} decimal places: a person must "
            "decide what it is"
        )
    if facts.locked_by_trades is None:
        return "an open trade of the account has no amount that can be read: have it corrected"
    if max(map(digits_of, (after.available, after.locked, after.total))) > DIGITS_MAX:
        return (
            f"the balance and its total need more than {DIGITS_MAX} digits: a person must decide "
            "what it is"
        )
    if after.locked < facts.locked_by_trades:
        return (
            f"open trades have set {plain(facts.locked_by_trades)} aside, and only "
            f"{plain(after.locked)} would be locked: release or cancel the trades first"
        )
    return None


def _refused(
    facts: AccountFacts,
    intent: Intent,
    finding_id: str | None,
    others: Mapping[TruthPolicy, Balance | None],
    refusal: str,
) -> RepairStep:
    return RepairStep(
        before=facts.view,
        after=None,
        policy=intent.policy,
        alternatives=others or dict.fromkeys(TruthPolicy),
        owed_change=ZERO,
        finding_id=finding_id,
        outcome=StepOutcome.REFUSED,
        refusal=refusal,
    )


def _step(
    facts: AccountFacts,
    after: Balance,
    policy: TruthPolicy,
    others: Mapping[TruthPolicy, Balance | None],
    rules: Rules,
    finding_id: str | None,
) -> RepairStep:
    owed = WIDE.subtract(after.total, standing_of(facts.view, rules).total)
    return RepairStep(
        before=facts.view,
        after=after,
        policy=policy,
        alternatives=others,
        owed_change=canonical(owed),
        finding_id=finding_id,
        outcome=StepOutcome.PLANNED,
    )
