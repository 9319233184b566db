"""Exact amounts: decimals of at most 34 digits, and a number of decimal places for each currency.

34 digits is what BSON's Decimal128 holds (IEEE 754-2008 decimal128). Nothing here rounds, except
`rounded_to_scale`, which is for turning a legacy double into a decimal and nothing else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, InvalidOperation
from types import MappingProxyType

from reconciler.model.faults import (
    AmountNotANumber,
    AmountNotPositive,
    AmountTooFine,
    AmountTooLong,
    FloatRefused,
)

DIGITS_MAX = 34
ZERO = Decimal(0)

# Wide enough to add any two usable amounts exactly: comparing must never round or raise.
WIDE = Context(prec=13_000, Emin=-20_000, Emax=20_000, traps=[Inexact, InvalidOperation])

# For `rounded_to_scale` alone: room for any double; Inexact is allowed, it rounds on purpose.
_ROUNDING = Context(prec=13_000, Emin=-20_000, Emax=20_000)

DEFAULT_SCALE = 18
DEFAULT_SCALES: Mapping[str, int] = MappingProxyType(
    {"BTC": 8, "ETH": 18, "USDT": 6, "USDC": 6, "GBP": 2, "EUR": 2, "USD": 2}
)

_LITERAL = re.compile(r"[+-]?[0-9]{1,1000}(\.[0-9]{1,1000})?([eE][+-]?[0-9]{1,4})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class CurrencyScales:
    """How many decimal places each currency has; `default` for those not named."""

    by_currency: Mapping[str, int] = field(default_factory=lambda: DEFAULT_SCALES)
    default: int = DEFAULT_SCALE

    def of(self, currency: str) -> int:
        """Give the number of decimal places of `currency`."""
        return self.by_currency.get(currency, self.default)


def digits_of(value: Decimal) -> int:
    """Count the digits of a finite value written out plainly, without needless zeros at its end.

    `0.00120` has 5 digits (one before the point), `1E+6000` has 6001.
    """
    digits, exponent = _significant(value)
    return max(digits + exponent, 1) + max(-exponent, 0)


def decimal_places_of(value: Decimal) -> int:
    """Count the decimal places that a finite value really uses: `0.10` uses one."""
    return max(-_significant(value)[1], 0)


def _significant(value: Decimal) -> tuple[int, int]:
    """Count the significant digits of a finite value, and give the exponent of the last of them.

    Works on the digits themselves: a context would overflow on what callers may pass (1E+999999).
    """
    _, digits, exponent = value.as_tuple()
    if not value:
        return 1, 0
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return len(digits) - zeros, int(exponent) + zeros


def canonical(value: Decimal) -> Decimal:
    """Give the one form in which an amount is stored: no needless zeros, no 1E+3, no -0.

    One form for one value keeps the copies of an account equal byte for byte.
    """
    if not value:
        return ZERO
    shortest = value.normalize(WIDE)
    exponent = shortest.as_tuple().exponent
    return shortest.quantize(Decimal(1), context=WIDE) if int(exponent) > 0 else shortest


def plain(value: Decimal) -> str:
    """Write a finite amount without an exponent: `0.00000001`, never `1E-8`, never `-0`."""
    return format(value, "f") if value else "0"


def read_amount(amount: object) -> Decimal:
    """Read what a caller passed as an amount, exactly.

    Takes `Decimal`, `int` and `str` (a plain ASCII literal such as `-12.50` or `1E-8`).

    Raises:
        FloatRefused: for a float, a bool or any other type.
        AmountNotANumber: for NaN, an infinity, or text that is not such a literal.
    """
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int | str):
        raise FloatRefused(
            f"an amount must be a str, int or decimal.Decimal, not {type(amount).__name__}: "
            "a binary float cannot hold most decimal amounts exactly"
        )
    if isinstance(amount, str) and not _LITERAL.fullmatch(amount):
        raise AmountNotANumber("the amount is not a plain decimal literal such as 12.50 or 1E-8")
    value = Decimal(amount)
    if not value.is_finite():
        raise AmountNotANumber("the amount is NaN or infinite")
    return value


def checked_amount(amount: object, *, scale: int) -> Decimal:
    """Read an amount and refuse it unless it fits 34 digits and `scale` decimal places.

    Raises:
        FloatRefused, AmountNotANumber: as `read_amount`.
        AmountTooLong: more than 34 digits.
        AmountTooFine: more than `scale` decimal places.
    """
    value = read_amount(amount)
    refuse_too_long(value)
    if decimal_places_of(value) > scale:
        raise AmountTooFine(
            f"{plain(value)} has {decimal_places_of(value)} decimal places; "
            f"this currency has {scale}, and an amount is never rounded"
        )
    return canonical(value)


def checked_positive(amount: object, *, scale: int) -> Decimal:
    """Read an amount that must be above zero.

    Raises:
        AmountNotPositive: zero or below; and all that `checked_amount` raises.
    """
    value = checked_amount(amount, scale=scale)
    if value <= 0:
        raise AmountNotPositive(f"the amount must be above zero, not {plain(value)}")
    return value


def refuse_too_long(value: Decimal) -> None:
    """Refuse a finite value of more than 34 digits.

    Raises:
        AmountTooLong: it has more.
    """
    if digits_of(value) > DIGITS_MAX:
        raise AmountTooLong(
            f"the amount needs {digits_of(value)} digits; at most {DIGITS_MAX} can be kept exactly"
        )


def exact_sum(left: Decimal, right: Decimal) -> Decimal:
    """Add two amounts for storing.

    Raises:
        AmountTooLong: the exact sum needs more than 34 digits.
    """
    total = canonical(WIDE.add(left, right))
    refuse_too_long(total)
    return total


def rounded_to_scale(value: Decimal, *, scale: int) -> Decimal:
    """Round a legacy double's decimal value half-even to the currency's decimal places."""
    finest = Decimal((0, (1,), -scale))
    return canonical(value.quantize(finest, ROUND_HALF_EVEN, context=_ROUNDING))
