"""What holdings are worth in dollars."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.valuation import Valuation, value_in_usd

D = Decimal
PRICES = {"BTC": D("88210"), "ETH": D("1825"), "USD": D("1")}
amounts = st.decimals(min_value=0, max_value="1E+16", places=18)
prices = st.decimals(min_value="1E-8", max_value="1E+8", places=8)


def test_the_example_of_the_specification() -> None:
    """0.001 BTC at 88210 and 0.05 ETH at 1825 are 88.21 and 91.25: 179.46 dollars."""
    value = value_in_usd({"BTC": D("0.001"), "ETH": D("0.05")}, PRICES)

    assert value == Valuation(D("179.46"), ())
    assert str(value.total_usd) == "179.46"


@pytest.mark.parametrize(
    "dollars, cents",
    [
        ("0.005", "0.00"),
        ("0.015", "0.02"),
        ("0.025", "0.02"),
        ("0.0250000000000000000000000000000001", "0.03"),
        ("0.0249999999999999999999999999999999", "0.02"),
        ("2.675", "2.68"),
        ("1", "1.00"),
        ("0", "0.00"),
    ],
)
def test_half_a_cent_goes_to_the_even_one(dollars: str, cents: str) -> None:
    """What is exactly between two cents goes to the even one, anything else to the nearest."""
    assert str(value_in_usd({"USD": D(dollars)}, PRICES).total_usd) == cents


def test_cents_are_rounded_once() -> None:
    """Three thirds of a cent are a cent: nothing is rounded by currency."""
    thirds = {"A": D("0.004"), "B": D("0.004"), "C": D("0.004")}
    value = value_in_usd(thirds, dict.fromkeys(thirds, D(1)))

    assert value.total_usd == D("0.01")


def test_nothing_is_worth_nothing() -> None:
    """A user who holds nothing has zero dollars, to the cent."""
    assert str(value_in_usd({}, PRICES).total_usd) == "0.00"
    assert str(value_in_usd({"BTC": D("0E-8")}, {}).total_usd) == "0.00"


def test_a_held_currency_without_a_price() -> None:
    """It makes the whole value unknown and is named; without holdings it needs no price."""
    value = value_in_usd({"XRP": D(1), "BTC": D(1), "DOGE": D("1E-30"), "SOL": D(0)}, PRICES)

    assert value == Valuation(None, ("DOGE", "XRP"))


def test_a_price_of_zero_is_a_price() -> None:
    """What is worth nothing is priced all the same."""
    assert value_in_usd({"BTC": D(5)}, {"BTC": D(0)}) == Valuation(D("0.00"), ())


@given(holdings=st.lists(st.tuples(amounts, prices), max_size=5))
def test_the_value_is_exact_to_the_cent(holdings: list[tuple[Decimal, Decimal]]) -> None:
    """It is the exact sum of products, rounded half-even, whatever the caller's context is."""
    totals = {f"C{number}": held for number, (held, _) in enumerate(holdings)}
    by_currency = {f"C{number}": price for number, (_, price) in enumerate(holdings)}
    with localcontext(prec=2):
        value = value_in_usd(totals, by_currency)

    cents = sum((Fraction(held) * Fraction(price) * 100 for held, price in holdings), Fraction(0))
    with localcontext(prec=100, rounding=ROUND_HALF_EVEN):
        assert value.total_usd == D(round(cents)) / 100
    assert value.unpriced == ()
