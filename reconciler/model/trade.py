"""A trade between two users: a small state machine, and the rule of its fee. Pure decisions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_DOWN, Context, Decimal
from enum import StrEnum

from reconciler.model.amounts import (
    canonical,
    checked_positive,
    exact_sum,
    plain,
    refuse_too_long,
)
from reconciler.model.faults import InvalidTrade, TradeConflict
from reconciler.model.identity import checked_currency, checked_user_id

BPS_OF_ALL = 10_000

# Room for any product of an amount and a share of it; what is cut off is cut off on purpose.
_CUTTING = Context(prec=13_000, Emin=-20_000, Emax=20_000)


class TradeState(StrEnum):
    """Where a trade is: the seller's amount is set aside, or it is over in one of two ways."""

    LOCKED = "locked"
    RELEASED = "released"
    CANCELLED = "cancelled"


class TradeStep(StrEnum):
    """What can be done with a trade; each is one posting."""

    CREATE = "create"
    RELEASE = "release"
    CANCEL = "cancel"


# Where a step leads. Only an open trade can take one.
AFTER: Mapping[TradeStep, TradeState] = {
    TradeStep.CREATE: TradeState.LOCKED,
    TradeStep.RELEASE: TradeState.RELEASED,
    TradeStep.CANCEL: TradeState.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a seller and a buyer agree on, as it was asked for.

    `fee_bps` is the fee in basis points (hundredths of a percent) of the amount.
    """

    seller_id: str
    buyer_id: str
    currency: str
    amount: Decimal
    fee_bps: int = 0


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade. Its terms never change after it was created, only its state does, once.

    `amount` leaves the seller and `fee`, a part of it, goes to `fee_account`; both in the
    currency's unit. `closed_at` is None while it is open. `op_ids` name the postings of the steps
    that were taken, as they are in the journal.
    """

    trade_id: str
    seller_id: str
    buyer_id: str
    currency: str
    amount: Decimal
    fee_bps: int
    fee: Decimal
    fee_account: str
    state: TradeState
    created_at: datetime
    closed_at: datetime | None
    op_ids: Mapping[TradeStep, str]

    @property
    def is_open(self) -> bool:
        """Whether it still can be released or cancelled."""
        return self.state is TradeState.LOCKED


def fee_of(amount: Decimal, fee_bps: int, *, scale: int) -> Decimal:
    """Compute a fee: amount x basis points / 10000, rounded down to `scale` decimal places.

    Down, so that nobody pays more than the rate says; a fee that is less than the currency's
    smallest unit is none.
    """
    share = _CUTTING.multiply(amount, Decimal((0, _digits(fee_bps), -4)))
    finest = Decimal((0, (1,), -scale))
    return canonical(share.quantize(finest, ROUND_DOWN, context=_CUTTING))


def opened(
    trade_id: str, terms: Terms, *, fee_account: str, scale: int, op_id: str, at: datetime
) -> Trade:
    """Make the trade that the terms describe, or refuse them.

    Raises:
        InvalidTrade: somebody would trade with themselves, the fee is none, or the account that
            takes the fee would pay or get it itself.
        InvalidUserId, InvalidCurrency, InvalidAmount, FloatRefused: as for a posting.
    """
    seller_id, buyer_id = checked_user_id(terms.seller_id), checked_user_id(terms.buyer_id)
    currency = checked_currency(terms.currency)
    if seller_id == buyer_id:
        raise InvalidTrade("the seller and the buyer are the same user: nobody trades with oneself")
    fee_bps = _checked_fee_bps(terms.fee_bps)
    if fee_bps and fee_account in {seller_id, buyer_id}:
        raise InvalidTrade(
            f"{fee_account!r} takes the fees, so that a trade of its own has none: leave fee_bps "
            "out, or trade from another account"
        )
    amount = checked_positive(terms.amount, scale=scale)
    fee = fee_of(amount, fee_bps, scale=scale)
    # Now, rather than when the money is set aside already.
    refuse_too_long(fee)
    exact_sum(amount, fee.copy_negate())
    return Trade(
        trade_id=trade_id,
        seller_id=seller_id,
        buyer_id=buyer_id,
        currency=currency,
        amount=amount,
        fee_bps=fee_bps,
        fee=fee,
        fee_account=fee_account,
        state=AFTER[TradeStep.CREATE],
        created_at=at,
        closed_at=None,
        op_ids={TradeStep.CREATE: op_id},
    )


def advanced(trade: Trade, step: TradeStep, *, op_id: str, at: datetime) -> Trade:
    """Say what a step makes of a trade; the very same object if that step was the last one taken.

    Raises:
        TradeConflict: the trade is over, in another way.
    """
    if trade.state is AFTER[step]:
        return trade
    if not trade.is_open:
        raise TradeConflict(trade.trade_id, f"it is {trade.state}, so that this {step} is too late")
    return replace(trade, state=AFTER[step], closed_at=at, op_ids={**trade.op_ids, step: op_id})


def reason_of(trade: Trade, step: TradeStep) -> str:
    """Write the reason of a step's posting: all of the terms that its legs do not say.

    It is part of what the journal compares when an `op_id` comes again.
    """
    if step is TradeStep.CREATE:
        fee = f", fee {trade.fee_bps} bps" if trade.fee_bps else ""
        return f"trade {trade.trade_id}: lock {plain(trade.amount)} for {trade.buyer_id}{fee}"
    return f"trade {trade.trade_id}: {step}"


def _checked_fee_bps(fee_bps: object) -> int:
    if isinstance(fee_bps, bool) or not isinstance(fee_bps, int):
        raise InvalidTrade(f"fee_bps must be an int, not {type(fee_bps).__name__}")
    if not 0 <= fee_bps < BPS_OF_ALL:
        raise InvalidTrade(
            f"fee_bps must be from 0 to {BPS_OF_ALL - 1} (hundredths of a percent of the amount)"
        )
    return fee_bps


def _digits(number: int) -> tuple[int, ...]:
    return tuple(int(digit) for digit in str(number))
