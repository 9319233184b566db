"""What may be an amount, and that no digit of it is ever lost."""

from collections.abc import Iterator
from decimal import Context, Decimal, Inexact, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.amounts import (
    CurrencyScales,
    canonical,
    checked_amount,
    checked_positive,
    decimal_places_of,
    digits_of,
    exact_sum,
    plain,
    read_amount,
    rounded_to_scale,
)
from reconciler.model.faults import (
    AmountNotANumber,
    AmountNotPositive,
    AmountTooFine,
    AmountTooLong,
    FloatRefused,
)

DIGITS_34 = "1234567890123456.123456789012345678"
amounts = st.decimals(
    min_value=Decimal("-1E15"), max_value=Decimal("1E15"), places=18, allow_nan=False
)


@pytest.fixture(params=[28, 3])
def ambient_context(request: pytest.FixtureRequest) -> Iterator[Context]:
    """The application's own decimal context, which must not matter."""
    with localcontext(Context(prec=request.param, traps=[])) as context:
        yield context


@pytest.mark.parametrize(
    "given_amount, expected",
    [
        ("0", "0"),
        ("-0", "0"),
        ("-0.000", "0"),
        ("+1", "1"),
        ("007", "7"),
        ("12.50", "12.5"),
        ("1E-8", "0.00000001"),
        ("1e+3", "1000"),
        ("0E+9999", "0"),
        (5, "5"),
        (-5, "-5"),
        (10**33, "1" + "0" * 33),
        (Decimal("1E+33"), "1" + "0" * 33),
        (Decimal("0.10"), "0.1"),
        (DIGITS_34, DIGITS_34),
    ],
)
def test_a_literal_is_read_exactly(given_amount: str | int | Decimal, expected: str) -> None:
    """Decimals, ints and plain literals are taken without any loss."""
    assert plain(checked_amount(given_amount, scale=18)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " 1",
        "1 ",
        "1\n",
        "1_000",
        "１２",
        "٣",
        "1,5",
        ".5",
        "5.",
        "0x10",
        "1e",
        "e5",
        "1E+10000",
        "--1",
        "NaN",
        "sNaN",
        "Infinity",
        "-inf",
        "1\0",
        "9" * 1001,
    ],
)
def test_other_text_is_no_amount(text: str) -> None:
    """What Python's `Decimal` takes beyond plain ASCII literals is refused."""
    with pytest.raises(AmountNotANumber):
        read_amount(text)


@pytest.mark.parametrize("text", ["NaN", "-NaN", "sNaN", "sNaN123", "Infinity", "-Infinity"])
def test_a_decimal_that_is_no_finite_number_is_refused(text: str) -> None:
    """NaN, signalling or not, and both infinities are no amounts."""
    with pytest.raises(AmountNotANumber):
        checked_amount(Decimal(text), scale=8)


@pytest.mark.parametrize("amount", [0.1, 1.0, True, False, None, b"1", [1], 1 + 0j])
def test_a_float_and_what_is_no_number_is_a_type_error(amount: object) -> None:
    """A binary float has lost digits before we see it, so the caller is told what to pass."""
    with pytest.raises(FloatRefused, match=r"str, int or decimal\.Decimal") as refused:
        checked_amount(amount, scale=8)

    assert isinstance(refused.value, TypeError)


@pytest.mark.parametrize(
    "amount",
    [
        Decimal("1E+999999"),
        Decimal("1E-999999"),
        Decimal("1E+6000"),
        "1E+9999",
        "1E-9999",
        "1E+34",
        10**34,
        Decimal(10**34),
        "9" * 35,
        DIGITS_34 + "9",
        "1" + DIGITS_34,
    ],
)
def test_more_than_34_digits_are_refused(amount: object) -> None:
    """What the database cannot hold exactly is refused, however it is written."""
    with pytest.raises(AmountTooLong):
        checked_amount(amount, scale=40)


@pytest.mark.parametrize(
    "amount, scale",
    [("0.00000001", 8), ("0.000000010", 8), ("1.00", 0), ("1E-18", 18), ("9" * 34, 0)],
)
def test_an_amount_at_the_scale_is_taken(amount: str, scale: int) -> None:
    """Only the decimal places that an amount really uses count."""
    assert checked_amount(amount, scale=scale) == Decimal(amount)


@pytest.mark.parametrize(
    "amount, scale", [("0.000000001", 8), ("0.1", 0), ("1E-19", 18), ("1.001", 2)]
)
def test_an_amount_finer_than_the_scale_is_refused(amount: str, scale: int) -> None:
    """An amount that would have to be rounded is refused instead."""
    with pytest.raises(AmountTooFine):
        checked_amount(amount, scale=scale)


@pytest.mark.parametrize("amount", ["0", "-0", "0.00", "-1", Decimal("-1E-8")])
def test_an_amount_that_must_be_positive(amount: object) -> None:
    """Zero, minus zero and what is below are refused where they make no sense."""
    with pytest.raises(AmountNotPositive):
        checked_positive(amount, scale=8)


@pytest.mark.parametrize(
    "text, digits, places",
    [
        ("0", 1, 0),
        ("0.000", 1, 0),
        ("0.00120", 5, 4),
        ("0.10", 2, 1),
        ("100", 3, 0),
        ("1E+3", 4, 0),
        ("1E+6000", 6001, 0),
        ("-12.5", 3, 1),
        ("1E-8", 9, 8),
    ],
)
def test_digits_are_those_of_the_plain_form(text: str, digits: int, places: int) -> None:
    """Digits and decimal places are counted as the amount is written out, less needless zeros."""
    assert (digits_of(Decimal(text)), decimal_places_of(Decimal(text))) == (digits, places)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("1E+3", "Decimal('1000')"),
        ("0.10", "Decimal('0.1')"),
        ("-0", "Decimal('0')"),
        ("0E-18", "Decimal('0')"),
        ("100", "Decimal('100')"),
        ("-5.50", "Decimal('-5.5')"),
        ("1E-8", "Decimal('1E-8')"),
    ],
)
def test_one_value_has_one_form(text: str, expected: str) -> None:
    """Equal amounts are stored by equal bytes."""
    assert repr(canonical(Decimal(text))) == expected


@given(amounts)
def test_the_canonical_form_is_the_same_value(amount: Decimal) -> None:
    """Neither the canonical nor the plain form changes a value, and both are stable."""
    assert canonical(amount) == amount
    assert repr(canonical(canonical(amount))) == repr(canonical(amount))
    assert Decimal(plain(amount)) == amount
    assert "E" not in plain(amount)


@pytest.mark.usefixtures("ambient_context")
def test_no_digit_depends_on_the_ambient_context() -> None:
    """An application may run with any decimal context: amounts are exact all the same."""
    amount = checked_amount(DIGITS_34, scale=18)

    assert str(amount) == DIGITS_34
    assert plain(amount) == DIGITS_34
    assert str(exact_sum(amount, Decimal("-1E-18"))) == DIGITS_34[:-1] + "7"
    assert str(canonical(Decimal(DIGITS_34))) == DIGITS_34
    assert str(rounded_to_scale(Decimal("123456.123456785"), scale=8)) == "123456.12345678"


@given(amounts, amounts)
def test_a_sum_never_rounds(left: Decimal, right: Decimal) -> None:
    """A sum of amounts is the exact one, in a context of three digits too."""
    with localcontext(Context(prec=3, traps=[Inexact])):
        total = exact_sum(left, right)
    scaled = [int(each.scaleb(18, Context(prec=50))) for each in (left, right, total)]

    assert scaled[0] + scaled[1] == scaled[2]


def test_a_sum_of_more_than_34_digits_is_refused() -> None:
    """A balance that would need a 35th digit is refused, at either end of it."""
    with pytest.raises(AmountTooLong):
        exact_sum(Decimal("9" * 34), Decimal(1))
    with pytest.raises(AmountTooLong):
        exact_sum(Decimal("1E+20"), Decimal("1E-18"))

    assert exact_sum(Decimal("9" * 34), Decimal(-1)) == Decimal("9" * 33 + "8")


@pytest.mark.parametrize(
    "double, scale, expected",
    [
        ("0.1", 8, "0.1"),
        ("0.000000005", 8, "0"),
        ("0.000000015", 8, "0.00000002"),
        ("0.000000025", 8, "0.00000002"),
        ("-0.000000001", 8, "0"),
        ("2.5", 0, "2"),
        ("3.5", 0, "4"),
        ("5E-324", 18, "0"),
        ("2.2250738585072014E-308", 18, "0"),
        ("1E+308", 18, "1" + "0" * 308),
        ("1.7976931348623157E+308", 2, "17976931348623157" + "0" * 292),
    ],
)
def test_a_double_is_rounded_half_even(double: str, scale: int, expected: str) -> None:
    """A legacy double becomes the nearest decimal of its currency, whatever its size."""
    assert plain(rounded_to_scale(Decimal(double), scale=scale)) == expected


def test_a_currency_has_its_scale() -> None:
    """The usual currencies have their decimal places, others eighteen, and both can be set."""
    usual, own = CurrencyScales(), CurrencyScales({"JPY": 0}, default=4)

    assert [usual.of(each) for each in ("BTC", "ETH", "USDT", "GBP", "DOGE")] == [8, 18, 6, 2, 18]
    assert [own.of(each) for each in ("JPY", "BTC")] == [0, 4]
