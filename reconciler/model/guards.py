"""What can say no to a repair: each guard a pure question to gathered facts, asked in one order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from reconciler.model.amounts import WIDE, ZERO, plain
from reconciler.model.identity import Account
from reconciler.model.repair import Guard, GuardRefusal
from reconciler.model.valuation import value_in_usd

# What can be asked before anything is known of accounts, and before anybody is kept waiting.
AT_ALL = (Guard.SCOPE, Guard.KILL_SWITCH, Guard.FREEZE, Guard.SERVER_HEALTH)
# A small exchange may lack, or repair, so many whatever the share is.
ACCOUNTS_MISSING_MIN = 10
USERS_MIN = 10
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Caps:
    """How much one plan may do at most; amounts in US dollars, or in a currency's own unit."""

    accounts_max: int = 100
    account_usd_max: Decimal = Decimal(10_000)
    plan_usd_max: Decimal = Decimal(100_000)
    currency_max: Mapping[str, Decimal] = field(default_factory=dict)
    users_percent_max: int = 1
    plans_per_hour_max: int = 10
    source_missing_percent_max: int = 5
    owed_rise_allowed: bool = False


@dataclass(frozen=True, slots=True)
class GuardFacts:
    """What is known when the guards are asked.

    `freeze_problem`, `server_problem` and `audit_problem` are sentences, None if all is well.
    `unconfirmed` and `repaired_before` name accounts of the plan. `changes` holds for each account
    that would be repaired its absolute change, `rises` by how much more would be owed to it.
    `accounts_known` is the number of accounts and `users_known` of users in the last full scan that
    looked everywhere, None if there was none; `source_documents` is what the source of truth has
    now.
    """

    is_in_scope: bool = True
    is_on: bool = True
    freeze_problem: str | None = None
    server_problem: str | None = None
    unconfirmed: Sequence[Account] = ()
    changes: Mapping[Account, Decimal] = field(default_factory=dict)
    rises: Mapping[Account, Decimal] = field(default_factory=dict)
    prices_usd: Mapping[str, Decimal] = field(default_factory=dict)
    plans_last_hour: int = 0
    accounts_known: int | None = None
    users_known: int | None = None
    source_documents: int = 0
    repaired_before: Sequence[Account] = ()
    audit_problem: str | None = None


def first_refusal(
    facts: GuardFacts, caps: Caps, *, among: Iterable[Guard] = Guard
) -> GuardRefusal | None:
    """Ask the guards in their order; give what the first one says that says no."""
    for guard in among:
        reason = _QUESTIONS[guard](facts, caps)
        if reason is not None:
            return GuardRefusal(guard, reason)
    return None


def all_refusals(facts: GuardFacts, caps: Caps) -> tuple[GuardRefusal, ...]:
    """Give what every guard says that says no."""
    asked = ((guard, _QUESTIONS[guard](facts, caps)) for guard in Guard)
    return tuple(GuardRefusal(guard, reason) for guard, reason in asked if reason is not None)


def _scope(facts: GuardFacts, _caps: Caps) -> str | None:
    if facts.is_in_scope:
        return None
    return "the caller may not repair: use a token with the scope repair:propose"


def _kill_switch(facts: GuardFacts, _caps: Caps) -> str | None:
    if facts.is_on:
        return None
    return (
        "repairs are switched off: `reconciler repair enable --reason …` switches them on, once it "
        "is known why they are off"
    )


def _freeze(facts: GuardFacts, _caps: Caps) -> str | None:
    if facts.freeze_problem is None:
        return None
    return (
        f"this program is not what was frozen: {facts.freeze_problem}. Run what was approved, or "
        "have the change approved; `reconciler freeze verify` says what differs"
    )


def _server_health(facts: GuardFacts, _caps: Caps) -> str | None:
    if facts.server_problem is None:
        return None
    return f"{facts.server_problem}: wait until the replica set is healthy"


def _confirmation(facts: GuardFacts, _caps: Caps) -> str | None:
    if not facts.unconfirmed:
        return None
    return (
        f"{_named(facts.unconfirmed)} seen wrong in one snapshot only, or not any more: check "
        "again, and plan once the finding is confirmed"
    )


def _all_caps(facts: GuardFacts, caps: Caps) -> str | None:
    for question in (_count_cap, _value_caps, _currency_caps, _share_cap, _rate_cap):
        reason = question(facts, caps)
        if reason is not None:
            return f"{reason}: plan less at a time, or have the limit raised in [repair]"
    return None


def _count_cap(facts: GuardFacts, caps: Caps) -> str | None:
    if len(facts.changes) <= caps.accounts_max:
        return None
    # How many more is not known: no more than one too many are read.
    return f"there are more accounts than repair.accounts_max = {caps.accounts_max}"


def _value_caps(facts: GuardFacts, caps: Caps) -> str | None:
    """Compare what has a price; what has none always needs a second person's approval."""
    for account, change in facts.changes.items():
        value = value_in_usd({account.currency.text: change}, facts.prices_usd).total_usd
        if value is not None and value > caps.account_usd_max:
            return (
                f"{account} would change by {plain(value)} USD, more than "
                f"repair.account_usd_max = {plain(caps.account_usd_max)}"
            )
    priced = {name: sum_ for name, sum_ in _sums(facts).items() if name in facts.prices_usd}
    value = value_in_usd(priced, facts.prices_usd).total_usd
    if value is None or value <= caps.plan_usd_max:
        return None
    return (
        f"the plan changes {plain(value)} USD, more than "
        f"repair.plan_usd_max = {plain(caps.plan_usd_max)}"
    )


def _currency_caps(facts: GuardFacts, caps: Caps) -> str | None:
    for name, changed in _sums(facts).items():
        if name in caps.currency_max and changed > caps.currency_max[name]:
            return (
                f"the plan changes {plain(changed)} {name}, more than "
                f"repair.currency_max.{name} = {plain(caps.currency_max[name])}"
            )
    return None


def _sums(facts: GuardFacts) -> Mapping[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for account, change in facts.changes.items():
        name = account.currency.text
        sums[name] = WIDE.add(sums.get(name, ZERO), change)
    return sums


def _share_cap(facts: GuardFacts, caps: Caps) -> str | None:
    users = len({account.user_id for account in facts.changes})
    share = (facts.users_known or 0) * caps.users_percent_max // _PERCENT
    users_max = max(USERS_MIN, share)
    if users <= users_max:
        return None
    return (
        f"{users} users are more than {users_max}, which is {caps.users_percent_max} % of all "
        f"(repair.users_percent_max), or {USERS_MIN} if that is more"
    )


def _rate_cap(facts: GuardFacts, caps: Caps) -> str | None:
    if facts.plans_last_hour < caps.plans_per_hour_max:
        return None
    return (
        f"{facts.plans_last_hour} plans were applied within an hour, and "
        f"repair.plans_per_hour_max = {caps.plans_per_hour_max}"
    )


def _source_shrunken(facts: GuardFacts, caps: Caps) -> str | None:
    if facts.accounts_known is None:
        return (
            "no full scan has looked everywhere yet, so that nobody knows what the source of truth "
            "should hold: run `reconciler reconcile` first"
        )
    missing = facts.accounts_known - facts.source_documents
    allowed = max(
        ACCOUNTS_MISSING_MIN, facts.accounts_known * caps.source_missing_percent_max // _PERCENT
    )
    if missing <= allowed and (facts.source_documents or not facts.accounts_known):
        return None
    return (
        f"the source of truth has {facts.source_documents} documents, and the last complete scan "
        f"saw {facts.accounts_known} accounts: find out where they went before anything is taken "
        "from it as the truth"
    )


def _owed_rises(facts: GuardFacts, caps: Caps) -> str | None:
    if caps.owed_rise_allowed or not facts.rises:
        return None
    account, rise = next(iter(facts.rises.items()))
    more = f", and {len(facts.rises) - 1} more" if len(facts.rises) > 1 else ""
    return (
        f"the exchange would owe {account} {plain(rise)} more{more}: find the deposit that proves "
        "it and post it, or have repair.owed_rise_allowed set for this one repair"
    )


def _flapping(facts: GuardFacts, _caps: Caps) -> str | None:
    if not facts.repaired_before:
        return None
    return (
        f"{_named(facts.repaired_before)} repaired before and drifted again: find the code that "
        "writes past the library, and stop it first"
    )


def _audit(facts: GuardFacts, _caps: Caps) -> str | None:
    if facts.audit_problem is None:
        return None
    return f"{facts.audit_problem}: there is no repair without an audit trail"


def _named(accounts: Sequence[Account]) -> str:
    shown = ", ".join(str(account) for account in accounts[:3])
    more = f" and {len(accounts) - 3} more" if len(accounts) > 3 else ""
    return f"{shown}{more} {'was' if len(accounts) == 1 else 'were'}"


_QUESTIONS: Mapping[Guard, Callable[[GuardFacts, Caps], str | None]] = {
    Guard.SCOPE: _scope,
    Guard.KILL_SWITCH: _kill_switch,
    Guard.FREEZE: _freeze,
    Guard.SERVER_HEALTH: _server_health,
    Guard.CONFIRMATION: _confirmation,
    Guard.CAPS: _all_caps,
    Guard.SOURCE_SHRUNKEN: _source_shrunken,
    Guard.OWED_RISES: _owed_rises,
    Guard.FLAPPING: _flapping,
    Guard.AUDIT: _audit,
}
