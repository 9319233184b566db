"""What a posting is: legs, a reason and an op_id; and the legs of each named operation."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from reconciler.model.amounts import ZERO, exact_sum, plain
from reconciler.model.copies import Balance, BalanceView
from reconciler.model.faults import AmountNotPositive, InvalidPosting
from reconciler.model.identity import Account
from reconciler.model.mapping import Mappings

LEGS_MAX = 100


class EntryKind(StrEnum):
    """What a journal entry records; the first seven are the operations that callers ask for."""

    CREDIT = "credit"
    DEBIT = "debit"
    LOCK = "lock"
    UNLOCK = "unlock"
    RELEASE = "release"
    UPDATE = "update"
    POST = "post"
    REPAIR = "repair"
    OPENING = "opening"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Delta:
    """By how much an account's two amounts change, in its currency's unit."""

    available: Decimal = ZERO
    locked: Decimal = ZERO

    @property
    def is_spending(self) -> bool:
        """Whether it takes anything out of either amount; then the copies must agree beforehand."""
        return self.available < 0 or self.locked < 0

    def __add__(self, other: "Delta") -> "Delta":
        return Delta(
            exact_sum(self.available, other.available), exact_sum(self.locked, other.locked)
        )


@dataclass(frozen=True, slots=True)
class CheckedLeg:
    """One account's part in a posting, its names and amounts checked."""

    account: Account
    delta: Delta


@dataclass(frozen=True, slots=True)
class Posting:
    """One atomic change of one or more accounts, with checked amounts and names."""

    op_id: str
    kind: EntryKind
    legs: tuple[CheckedLeg, ...]
    reason: str

    def __post_init__(self) -> None:
        """Refuse a posting that changes nothing or too much at once.

        Raises:
            InvalidPosting: no leg, over 100 legs, or a leg that changes nothing.
        """
        if not self.legs:
            raise InvalidPosting("a posting needs at least one leg")
        if len(self.legs) > LEGS_MAX:
            raise InvalidPosting(f"a posting has at most {LEGS_MAX} legs, not {len(self.legs)}")
        for leg in self.legs:
            if not leg.delta.available and not leg.delta.locked:
                raise InvalidPosting(f"the leg of account {leg.account} changes nothing")

    @property
    def deltas(self) -> dict[Account, Delta]:
        """The net change of each account, in the order in which the legs name them."""
        net: dict[Account, Delta] = {}
        for leg in self.legs:
            net[leg.account] = net.get(leg.account, Delta()) + leg.delta
        return net

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what was asked for: two requests are the same posting if these are equal."""
        legs = [
            [
                leg.account.user_id.bson_type,
                leg.account.user_id.text,
                leg.account.currency.text,
                plain(leg.delta.available),
                plain(leg.delta.locked),
            ]
            for leg in self.legs
        ]
        return _digest([self.kind.value, legs, self.reason])


def replacement_fingerprint(
    before: BalanceView, after: Balance, mappings: Mappings, reason: str
) -> str:
    """Give the fingerprint of a replacement: all of its before-image, and what is to be there."""
    account = before.account
    image = [
        [name, [[n.bson_type, n.text] for n in (copy.available, copy.locked, copy.total)]]
        for name in mappings.names
        for copy in before.copies.get(name, ())
    ]
    identity = [account.user_id.bson_type, account.user_id.text, account.currency.text]
    amounts = [plain(after.available), plain(after.locked)]
    return _digest([EntryKind.REPAIR.value, identity, image, amounts, reason])


def _digest(content: object) -> str:
    """SHA-256 over the canonical JSON form, as 64 hex digits."""
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def credit_legs(account: Account, amount: Decimal) -> tuple[CheckedLeg, ...]:
    """New money: available goes up."""
    return (CheckedLeg(account, Delta(available=amount)),)


def debit_legs(account: Account, amount: Decimal) -> tuple[CheckedLeg, ...]:
    """Money leaves: available goes down."""
    return (CheckedLeg(account, Delta(available=amount.copy_negate())),)


def lock_legs(account: Account, amount: Decimal) -> tuple[CheckedLeg, ...]:
    """Money is set aside: from available to locked."""
    return (CheckedLeg(account, Delta(available=amount.copy_negate(), locked=amount)),)


def unlock_legs(account: Account, amount: Decimal) -> tuple[CheckedLeg, ...]:
    """Money set aside comes back: from locked to available."""
    return (CheckedLeg(account, Delta(available=amount, locked=amount.copy_negate())),)


def release_legs(
    *, source: Account, target: Account, amount: Decimal, fee: Decimal, fee_account: Account | None
) -> tuple[CheckedLeg, ...]:
    """Locked money goes to another account, less a fee that goes to a third; the sum is conserved.

    Raises:
        InvalidPosting: a fee without an account to take it.
        AmountNotPositive: a fee below zero or above the amount.
        AmountTooLong: what is left after the fee needs more than 34 digits.
    """
    if not ZERO <= fee <= amount:
        raise AmountNotPositive(f"the fee must be from 0 to the amount, not {plain(fee)}")
    if fee and fee_account is None:
        raise InvalidPosting("a release with a fee needs a fee_account")
    rest = exact_sum(amount, fee.copy_negate())
    gains: Sequence[tuple[Account | None, Decimal]] = ((target, rest), (fee_account, fee))
    return (
        CheckedLeg(source, Delta(locked=amount.copy_negate())),
        *(
            CheckedLeg(account, Delta(available=gain))
            for account, gain in gains
            if account and gain
        ),
    )
