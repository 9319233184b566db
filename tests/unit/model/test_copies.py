"""How a stored value is judged and shown."""

from decimal import Decimal

import pytest
from hypothesis import given

from reconciler.model.copies import (
    NOT_STORED,
    TEXT_CHARACTERS_MAX,
    Balance,
    StoredNumber,
    stored_nonsense,
    stored_number,
)
from tests.unit.model.views import copy, numbers, view


@pytest.mark.parametrize(
    "text, value, shown",
    [
        ("1.50", "1.50", "1.50"),
        ("-0", "0", "0"),
        ("0E-6176", "0", "0"),
        ("0E+6111", "0", "0"),
        ("1E-8", "0.00000001", "0.00000001"),
        ("9999999999999999999999999999999999", "9999999999999999999999999999999999", None),
        ("1E+33", "1E+33", "1" + "0" * 33),
        ("1E-6000", "1E-6000", "1E-6000"),
        (
            "1.234567890123456789012345678901234E-60",
            None,
            "1.234567890123456789012345678901234E-60",
        ),
    ],
)
def test_a_usable_number(text: str, value: str | None, shown: str | None) -> None:
    """A finite number below 10^34 is kept exactly and shown plainly where that fits on a line."""
    number = stored_number("decimal", Decimal(text))

    assert number.value == Decimal(value or text)
    assert number.text == (shown or text)
    assert not (number.value == 0 and number.value.is_signed())


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+34", "-1E+6000"])
def test_a_number_that_cannot_be_used(text: str) -> None:
    """What is not finite, and 10^34 and above, has no value but is still shown."""
    assert stored_number("decimal", Decimal(text)) == StoredNumber("decimal", None, text)


@given(numbers)
def test_what_is_shown_fits_on_a_line(number: StoredNumber) -> None:
    """No stored value, however long, makes a text of more than 64 characters."""
    assert len(number.text) <= TEXT_CHARACTERS_MAX


def test_nonsense_keeps_the_start_of_its_text() -> None:
    """What stood where a number should is kept with its type, cut short."""
    assert stored_nonsense("string", "x" * 100) == StoredNumber("string", None, "x" * 64)


@pytest.mark.parametrize(
    "text, malformed",
    [
        ("1 1 2", False),
        ("1 - -", False),
        ("- 0 0", True),
        ("? 0 0", True),
        ("1 ? 1", True),
        ("1 0 ?", True),
        ("1E+34 0 0", True),
    ],
)
def test_what_makes_a_copy_malformed(text: str, malformed: bool) -> None:
    """A missing locked or total field is field practice; a missing available amount is not."""
    assert copy(text).is_malformed is malformed


def test_a_missing_locked_field_locks_nothing() -> None:
    """Its amount is zero, while that of a missing available field is not known."""
    found = copy("- - -")

    assert found.available_amount is None
    assert found.locked_amount == 0
    assert found.total == NOT_STORED


@pytest.mark.parametrize(
    "text, has", [("1 0 1", False), ("1d 0 1", True), ("1 0d 1", True), ("1 0 1d", True)]
)
def test_a_copy_knows_its_doubles(text: str, has: bool) -> None:
    """One legacy double in a copy is enough for the tolerance to apply to its total."""
    assert copy(text).has_double is has


def test_the_only_copy_is_given() -> None:
    """None stands for no copy and for more than one."""
    found = view("1", "1&1", None, "2")

    assert found.copy_in("wallets") == copy("1")
    assert found.copy_in("crypto_balances") is None
    assert found.copy_in("trader_balances") is None


def test_a_balance_adds_up_exactly() -> None:
    """The total of a balance has all of its digits."""
    assert Balance(Decimal("1E+33"), Decimal("1E-18")).total == Decimal(
        "1000000000000000000000000000000000.000000000000000001"
    )
