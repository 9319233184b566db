"""Every exception that a rule of the model raises; `reconciler.errors` adds the others.

Code outside `model` imports these from `reconciler.errors`, where all of them stand.
"""

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.comparison import Mismatch
    from reconciler.model.identity import Account


class ReconcilerError(Exception):
    """The base of every exception of this project; catch it to catch them all."""


class PostingRefused(ReconcilerError):
    """A posting was refused by a rule, and nothing at all was written."""


class InvalidAmount(PostingRefused, ValueError):
    """An amount that cannot be posted; its subclasses say why."""


class AmountNotANumber(InvalidAmount):
    """The amount is NaN, infinite or not a plain ASCII decimal literal."""


class AmountNotPositive(InvalidAmount):
    """The amount is zero or negative where only a positive one makes sense."""


class AmountTooFine(InvalidAmount):
    """The amount has more decimal places than its currency; it would have to be rounded."""


class AmountTooLong(InvalidAmount):
    """The amount, or the balance it would make, needs more than 34 digits."""


class FloatRefused(PostingRefused, TypeError):
    """The amount is a binary float, or no number at all: pass `str`, `int` or `decimal.Decimal`."""


class InvalidUserId(PostingRefused, ValueError):
    """The user id is empty, too long, of a wrong type, or holds characters no id may hold."""


class InvalidCurrency(PostingRefused, ValueError):
    """The currency is empty, too long, of a wrong type, or holds characters no code may hold."""


class InvalidPosting(PostingRefused, ValueError):
    """The legs, the reason or the `op_id` of a posting are not usable; the message says which."""


class InvalidMapping(ReconcilerError, ValueError):
    """The mapping of the balance collections contradicts itself."""


class BrokenBalance(PostingRefused):
    """A copy of the account is malformed or doubled, so that no operation can be computed on it."""

    def __init__(self, mismatch: "Mismatch") -> None:
        super().__init__(
            f"account {mismatch.account} is {mismatch.kind} ({', '.join(mismatch.differs)}): "
            "nothing can be posted on it before a person has put it right"
        )
        self.mismatch = mismatch


class BalancesOutOfSync(PostingRefused):
    """A spending operation met copies of an account that disagree."""

    def __init__(self, mismatch: "Mismatch") -> None:
        super().__init__(
            f"the copies of account {mismatch.account} disagree ({mismatch.kind}: "
            f"{', '.join(mismatch.differs)}): nothing can be taken from it before it is repaired"
        )
        self.mismatch = mismatch


class InsufficientFunds(PostingRefused):
    """The account does not hold what was to be taken.

    `available` and `locked` are what it held, `field` which of the two was too small, `needed` how
    much the operation would have taken from it.
    """

    def __init__(
        self,
        account: "Account",
        field: str,
        *,
        available: Decimal,
        locked: Decimal,
        needed: Decimal,
    ) -> None:
        super().__init__(
            f"account {account} has {available:f} available and {locked:f} locked; "
            f"{needed:f} of {field} were needed"
        )
        self.account = account
        self.field = field
        self.available = available
        self.locked = locked
        self.needed = needed


class StaleBefore(PostingRefused):
    """The copies are no longer those of the before-image, so that they were not replaced."""


class InvalidTrade(PostingRefused, ValueError):
    """The terms of a trade, or its id, are not usable; the message says which."""


class TradeConflict(PostingRefused):
    """The trade is in a state in which this step cannot be taken: it is over in another way."""

    def __init__(self, trade_id: str, why: str) -> None:
        super().__init__(f"trade {trade_id!r} stays as it is: {why}")
        self.trade_id = trade_id
