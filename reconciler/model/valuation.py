"""What holdings are worth in US dollars, rounded once, at the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

from reconciler.model.amounts import ZERO

CENT = Decimal("0.01")
# Exact for any sum of products of two amounts of 34 digits; cents are cut from it once.
_EXACT = Context(prec=13_000, Emin=-20_000, Emax=20_000)


@dataclass(frozen=True, slots=True)
class Valuation:
    """A value in US dollars, to the cent; None where a held currency has no price."""

    total_usd: Decimal | None
    unpriced: tuple[str, ...]


def value_in_usd(totals: Mapping[str, Decimal], prices_usd: Mapping[str, Decimal]) -> Valuation:
    """Value holdings: amounts by currency, in its unit, with prices of one unit in dollars.

    Cents are rounded half-even, once, at the end. A currency of which nothing is held needs no
    price; one that is held without a price makes the value unknown rather than smaller.
    """
    unpriced = tuple(
        sorted(currency for currency, held in totals.items() if held and currency not in prices_usd)
    )
    if unpriced:
        return Valuation(None, unpriced)
    exact = ZERO
    for currency, held in totals.items():
        if held:
            exact = _EXACT.add(exact, _EXACT.multiply(held, prices_usd[currency]))
    return Valuation(exact.quantize(CENT, ROUND_HALF_EVEN, context=_EXACT), ())
