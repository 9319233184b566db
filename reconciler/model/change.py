"""How a posting changes the copies of one account: a pure decision from a view and a delta."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from reconciler.model.amounts import (
    ZERO,
    canonical,
    checked_amount,
    decimal_places_of,
    exact_sum,
    plain,
    rounded_to_scale,
)
from reconciler.model.comparison import Mismatch, MismatchKind, compare
from reconciler.model.copies import Balance, BalanceView, Copy, StoredNumber
from reconciler.model.faults import (
    AmountTooFine,
    BalancesOutOfSync,
    BrokenBalance,
    InsufficientFunds,
    StaleBefore,
)
from reconciler.model.identity import Account
from reconciler.model.mapping import Mappings, TotalMeaning
from reconciler.model.posting import Delta


@dataclass(frozen=True, slots=True)
class Conversion:
    """A stored amount that was turned into a decimal, or set to the truth's, before the change.

    `field` is `available` or `locked`; `bson_type` and `text` are what was found, `value` what it
    became.
    """

    collection: str
    field: str
    bson_type: str
    text: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """What one posting does to one account.

    `standing` is what the source of truth held once conversions were made, `after` what each
    collection will hold. `drift` is set when the copies disagreed and were changed all the same.
    """

    view: BalanceView
    standing: Balance
    after: Mapping[str, Balance]
    conversions: tuple[Conversion, ...]
    drift: Mismatch | None

    @property
    def account(self) -> Account:
        """The account that is changed."""
        return self.view.account


@dataclass(frozen=True, slots=True)
class Rules:
    """What a decision needs to know beside the view: the mappings, the scale and the tolerance."""

    mappings: Mappings
    scale: int
    double_tolerance: Decimal


def decide_change(view: BalanceView, delta: Delta, rules: Rules) -> Change:
    """Say what a delta makes of an account's copies, or refuse it.

    Raises:
        BrokenBalance: a copy is malformed or doubled.
        BalancesOutOfSync: the delta takes something out, and the copies disagree.
        InsufficientFunds: a copy would go below zero.
        AmountTooFine: a stored decimal is finer than the currency's scale.
        AmountTooLong: a copy would need more than 34 digits.
    """
    mismatch = compare(view, rules.mappings, double_tolerance=rules.double_tolerance)
    if mismatch:
        refusal = _refusal_of(mismatch)
        if delta.is_spending or isinstance(refusal, BrokenBalance):
            raise refusal
    bases = _each_its_own(view, rules) if mismatch else _all_the_truth(view, rules)
    after = {name: _changed(view.account, base, delta) for name, base in bases.items()}
    standing = bases[rules.mappings.source_of_truth]
    return Change(view, standing, after, _conversions(view, bases), mismatch)


def decide_replacement(
    view: BalanceView, before: BalanceView, after: Balance, rules: Rules
) -> Change:
    """Say what setting every copy to `after` changes, or refuse if `before` is not what is there.

    Raises:
        StaleBefore: a copy differs from the before-image in value, type or presence.
        InsufficientFunds: `after` has a negative amount.
        InvalidAmount, FloatRefused: `after` cannot be kept exactly.
    """
    if amounts_found(view, rules.mappings) != amounts_found(before, rules.mappings):
        raise StaleBefore(f"the copies of account {view.account} are no longer the before-image")
    mismatch = compare(view, rules.mappings, double_tolerance=rules.double_tolerance)
    if mismatch and isinstance(_refusal_of(mismatch), BrokenBalance):
        raise BrokenBalance(mismatch)
    available = checked_amount(after.available, scale=rules.scale)
    locked = checked_amount(after.locked, scale=rules.scale)
    wanted = _changed(view.account, Balance(), Delta(available, locked))
    standing = _as_decimals(view.copy_in(rules.mappings.source_of_truth), rules)
    return Change(view, standing, dict.fromkeys(rules.mappings.names, wanted), (), mismatch)


def amounts_found(
    view: BalanceView, mappings: Mappings
) -> dict[str, list[tuple[StoredNumber, StoredNumber, StoredNumber]]]:
    """Give the three amounts of every copy, in value, type and presence; nothing else of them."""
    return {
        name: [(copy.available, copy.locked, copy.total) for copy in view.copies.get(name, ())]
        for name in mappings.names
    }


def agreed_balance(view: BalanceView, rules: Rules) -> Balance:
    """Give the balance on which all copies agree; a double is rounded to the currency's scale.

    Raises:
        BrokenBalance: a copy is malformed or doubled.
        BalancesOutOfSync: the copies disagree.
    """
    mismatch = compare(view, rules.mappings, double_tolerance=rules.double_tolerance)
    if mismatch:
        raise _refusal_of(mismatch)
    return _as_decimals(view.copy_in(rules.mappings.source_of_truth), rules)


def standing_of(view: BalanceView, rules: Rules, *, collection: str | None = None) -> Balance:
    """Give what a copy holds, the source of truth's by default, as a posting would take it.

    A double is rounded to the currency's scale; nothing is held without a copy.
    """
    return _as_decimals(view.copy_in(collection or rules.mappings.source_of_truth), rules)


def _refusal_of(mismatch: Mismatch) -> BrokenBalance | BalancesOutOfSync:
    if mismatch.kinds & {MismatchKind.MALFORMED, MismatchKind.DUPLICATE}:
        return BrokenBalance(mismatch)
    return BalancesOutOfSync(mismatch)


def stored_total(balance: Balance, meaning: TotalMeaning) -> Decimal:
    """Give what a collection's total field must hold beside this balance."""
    if meaning is TotalMeaning.AVAILABLE:
        return balance.available
    return exact_sum(balance.available, balance.locked)


def _all_the_truth(view: BalanceView, rules: Rules) -> dict[str, Balance]:
    """Start every copy from the truth's value: copies in sync within tolerance stay in sync.

    An account without a copy in the source of truth is zero wherever it has one (else it would be
    an orphan, a mismatch).
    """
    each = _each_its_own(view, rules)
    return dict.fromkeys(each, each[rules.mappings.source_of_truth])


def _each_its_own(view: BalanceView, rules: Rules) -> dict[str, Balance]:
    """Start each copy from its own value: a credit on a drifted account keeps the drift."""
    for name in rules.mappings.names:
        for copy in view.copies.get(name, ()):
            _refuse_fine_copy(f"the copy of account {view.account} in {name}", copy, rules.scale)
    return {name: _as_decimals(view.copy_in(name), rules) for name in rules.mappings.names}


def _as_decimals(copy: Copy | None, rules: Rules) -> Balance:
    """Read a copy's amounts, a double rounded half-even to the scale; nothing, without a copy."""
    if copy is None:
        return Balance()
    return Balance(_as_decimal(copy.available, rules), _as_decimal(copy.locked, rules))


def _as_decimal(number: StoredNumber, rules: Rules) -> Decimal:
    """Give a stored amount as a decimal.

    A double below zero by no more than the tolerance is what float code left of a zero: it counts
    as not negative when copies are compared, and so it does here.
    """
    if number.value is None:
        return ZERO
    if not number.is_double:
        return canonical(number.value)
    if rules.double_tolerance.copy_negate() <= number.value < 0:
        return ZERO
    return rounded_to_scale(number.value, scale=rules.scale)


def _refuse_fine_copy(what: str, copy: Copy, scale: int) -> None:
    for number in (copy.available, copy.locked):
        if number.value is not None and not number.is_double:
            _refuse_too_fine(what, number.value, scale)


def _refuse_too_fine(what: str, value: Decimal, scale: int) -> None:
    if decimal_places_of(value) > scale:
        raise AmountTooFine(
            f"{what} holds {value}, finer than its currency's {scale} decimal places: nothing can "
            "be posted on it without rounding"
        )


def _changed(account: Account, base: Balance, delta: Delta) -> Balance:
    after = Balance(
        exact_sum(base.available, delta.available), exact_sum(base.locked, delta.locked)
    )
    for field in ("available", "locked"):
        if getattr(after, field) < 0:
            raise InsufficientFunds(
                account,
                field,
                available=base.available,
                locked=base.locked,
                needed=getattr(delta, field).copy_negate(),
            )
    exact_sum(after.available, after.locked)  # the total must fit, too
    return after


def _conversions(view: BalanceView, bases: Mapping[str, Balance]) -> tuple[Conversion, ...]:
    found = []
    for name, base in bases.items():
        copy = view.copy_in(name)
        if copy is None:
            continue
        for field, value in (("available", base.available), ("locked", base.locked)):
            number: StoredNumber = getattr(copy, field)
            if number.is_missing or (number.bson_type == "decimal" and number.value == value):
                continue
            found.append(Conversion(name, field, number.bson_type, plain_text(number), value))
    return tuple(found)


def plain_text(number: StoredNumber) -> str:
    """Write a stored number for the record."""
    return number.text if number.value is None else plain(number.value)
