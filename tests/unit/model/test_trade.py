"""The state machine of a trade, and the rule of its fee."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.amounts import WIDE, digits_of, plain
from reconciler.model.faults import (
    AmountNotANumber,
    AmountNotPositive,
    AmountTooFine,
    AmountTooLong,
    FloatRefused,
    InvalidCurrency,
    InvalidTrade,
    InvalidUserId,
    TradeConflict,
)
from reconciler.model.identity import REASON_CHARACTERS_MAX, checked_reason
from reconciler.model.trade import (
    BPS_OF_ALL,
    Terms,
    Trade,
    TradeState,
    TradeStep,
    advanced,
    fee_of,
    opened,
    reason_of,
)

D = Decimal
NOW = datetime(2026, 1, 2, 3, 4, 5, 6000, UTC)
LATER = NOW + timedelta(minutes=1)
FEES = "admin_wallet"


def a_trade(**terms: Any) -> Trade:
    agreed: dict[str, Any] = {"seller_id": "seller", "buyer_id": "buyer", "currency": "BTC"}
    return opened(
        "t-1",
        Terms(**({**agreed, "amount": D("0.5")} | terms)),
        fee_account=FEES,
        scale=8,
        op_id="trade:t-1:create",
        at=NOW,
    )


def in_state(state: TradeState) -> Trade:
    trade = a_trade()
    return trade if state is TradeState.LOCKED else replace(trade, state=state, closed_at=NOW)


def test_a_new_trade_is_locked() -> None:
    """It has its terms, its fee as an amount, and the name of the posting that locks."""
    trade = a_trade(amount=D("0.50"), fee_bps=25)

    assert trade == Trade(
        trade_id="t-1",
        seller_id="seller",
        buyer_id="buyer",
        currency="BTC",
        amount=D("0.5"),
        fee_bps=25,
        fee=D("0.00125"),
        fee_account=FEES,
        state=TradeState.LOCKED,
        created_at=NOW,
        closed_at=None,
        op_ids={TradeStep.CREATE: "trade:t-1:create"},
    )
    assert trade.is_open


@pytest.mark.parametrize(
    "state, step, result",
    [
        (TradeState.LOCKED, TradeStep.CREATE, "as it is"),
        (TradeState.LOCKED, TradeStep.RELEASE, TradeState.RELEASED),
        (TradeState.LOCKED, TradeStep.CANCEL, TradeState.CANCELLED),
        (TradeState.RELEASED, TradeStep.CREATE, "conflict"),
        (TradeState.RELEASED, TradeStep.RELEASE, "as it is"),
        (TradeState.RELEASED, TradeStep.CANCEL, "conflict"),
        (TradeState.CANCELLED, TradeStep.CREATE, "conflict"),
        (TradeState.CANCELLED, TradeStep.RELEASE, "conflict"),
        (TradeState.CANCELLED, TradeStep.CANCEL, "as it is"),
    ],
)
def test_every_step_in_every_state(state: TradeState, step: TradeStep, result: object) -> None:
    """An open trade ends once; the step that ended it can be repeated, the other one conflicts."""
    trade = in_state(state)

    if result == "conflict":
        with pytest.raises(TradeConflict, match=f"'t-1' stays as it is: it is {state}") as refused:
            advanced(trade, step, op_id="again", at=LATER)
        assert refused.value.trade_id == "t-1"
        return
    after = advanced(trade, step, op_id="again", at=LATER)
    if result == "as it is":
        assert after is trade
        return
    assert after.state is result
    assert (after.closed_at, after.is_open) == (LATER, False)
    assert after.op_ids == {TradeStep.CREATE: "trade:t-1:create", step: "again"}
    kept = {"state": trade.state, "closed_at": None, "op_ids": trade.op_ids}
    assert replace(after, **kept) == trade, "the terms stay"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "terms, refusal, message",
    [
        ({"buyer_id": "seller"}, InvalidTrade, "nobody trades with oneself"),
        ({"buyer_id": FEES, "fee_bps": 1}, InvalidTrade, "takes the fees"),
        ({"seller_id": FEES, "fee_bps": 1}, InvalidTrade, "takes the fees"),
        ({"fee_bps": -1}, InvalidTrade, "from 0 to 9999"),
        ({"fee_bps": BPS_OF_ALL}, InvalidTrade, "from 0 to 9999"),
        ({"fee_bps": True}, InvalidTrade, "must be an int, not bool"),
        ({"fee_bps": D(5)}, InvalidTrade, "must be an int, not Decimal"),
        ({"fee_bps": "5"}, InvalidTrade, "must be an int, not str"),
        ({"amount": D(0)}, AmountNotPositive, "above zero"),
        ({"amount": D("-1")}, AmountNotPositive, "above zero"),
        ({"amount": D("0.000000001")}, AmountTooFine, "never rounded"),
        ({"amount": D("NaN")}, AmountNotANumber, "finite|NaN"),
        ({"amount": 0.5}, FloatRefused, "binary float"),
        ({"amount": D(f"1{1:033}"), "fee_bps": 1}, AmountTooLong, "34 can be kept"),
        ({"amount": D("1E+34")}, AmountTooLong, "34 can be kept"),
        ({"seller_id": ""}, InvalidUserId, "empty"),
        ({"buyer_id": "a\0b"}, InvalidUserId, "control character"),
        ({"currency": "BTC\n"}, InvalidCurrency, "control character"),
    ],
)
def test_terms_that_make_no_trade(
    terms: dict[str, Any], refusal: type[Exception], message: str
) -> None:
    """What could not be carried to its end is refused before anything is set aside."""
    with pytest.raises(refusal, match=message):
        a_trade(**terms)


def test_the_fee_account_may_trade_without_a_fee() -> None:
    """It can sell what it took in; only a fee from or to itself makes no sense."""
    assert a_trade(seller_id=FEES).fee == 0
    assert a_trade(buyer_id=FEES).fee == 0


@pytest.mark.parametrize(
    "amount, fee_bps, scale, fee",
    [
        ("1", 0, 8, "0"),
        ("1", 1, 8, "0.0001"),
        ("100", 150, 2, "1.5"),
        ("0.00019999", 1, 8, "0.00000001"),  # 1.9999 of the smallest unit
        ("0.00009999", 1, 8, "0"),  # would round away
        ("0.99", 9999, 2, "0.98"),
        ("0.01", 9999, 2, "0"),
        ("123", 33, 0, "0"),
        ("1234567890123456.123456789012345678", 9999, 18, "1234444433334443.777844443333444443"),
    ],
)
def test_fees_to_the_last_digit(amount: str, fee_bps: int, scale: int, fee: str) -> None:
    """A fee is cut to the currency's decimal places, also where the default context would round."""
    assert plain(fee_of(D(amount), fee_bps, scale=scale)) == fee


@given(
    units=st.integers(1, 10**34 - 1),
    scale=st.integers(0, 18),
    fee_bps=st.integers(0, BPS_OF_ALL - 1),
)
def test_a_fee_never_exceeds_its_rate(units: int, scale: int, fee_bps: int) -> None:
    """It is at most the rate, misses that by less than the smallest unit, and leaves something."""
    amount = D((0, tuple(map(int, str(units))), -scale))
    with localcontext(prec=3):  # a caller's context has no say
        fee = fee_of(amount, fee_bps, scale=scale)

    exact = Fraction(amount) * fee_bps / BPS_OF_ALL
    assert 0 <= exact - Fraction(fee) < Fraction(1, 10**scale)
    assert fee < amount
    assert digits_of(fee) <= digits_of(amount) + scale
    assert Fraction(WIDE.subtract(amount, fee)) + Fraction(fee) == Fraction(amount)


def test_the_reason_says_what_the_legs_do_not() -> None:
    """Creations that differ in anything are different postings, and every reason can be posted."""
    trades = [
        a_trade(),
        a_trade(buyer_id="other"),
        a_trade(fee_bps=1),
        a_trade(fee_bps=10),
        a_trade(buyer_id="b" * 128, seller_id="s" * 128),
    ]
    reasons = [reason_of(trade, TradeStep.CREATE) for trade in trades]

    assert len(set(reasons)) == len(trades)
    assert reasons[2] == "trade t-1: lock 0.5 for buyer, fee 1 bps"
    assert all(checked_reason(reason) for reason in reasons)
    assert max(map(len, reasons)) < REASON_CHARACTERS_MAX
    assert reason_of(trades[0], TradeStep.RELEASE) == "trade t-1: release"
