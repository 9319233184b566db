"""Mutants of the exact arithmetic."""

from tests.mutants.mutant import Edit, Mutant

_AMOUNTS = "reconciler/model/amounts.py"
_CHANGE = "reconciler/model/change.py"
_CONVERSION = "tests/integration/sync/test_conversion.py"
_GUARDS = "tests/integration/sync/test_guards.py"

AMOUNT_MUTANTS = (
    Mutant(
        "float-arithmetic",
        "amounts are added as binary floats",
        (
            Edit(
                _AMOUNTS,
                "total = canonical(WIDE.add(left, right))",
                "total = canonical(Decimal(repr(float(left) + float(right))))",
            ),
        ),
        (f"{_GUARDS}::test_a_balance_of_more_than_34_digits", _CONVERSION),
    ),
    Mutant(
        "sums-rounded",
        "a sum of more than 34 digits is rounded instead of refused",
        (
            Edit(
                _AMOUNTS,
                "total = canonical(WIDE.add(left, right))",
                "total = canonical(Context(prec=DIGITS_MAX).add(left, right))",
            ),
        ),
        (f"{_GUARDS}::test_a_balance_of_more_than_34_digits",),
    ),
    Mutant(
        "double-rounded-half-up",
        "legacy doubles are converted with a bias",
        (
            Edit(
                _AMOUNTS,
                "scaleb(-scale), ROUND_HALF_EVEN, context",
                'scaleb(-scale), "ROUND_HALF_UP", context',
            ),
        ),
        (f"{_CONVERSION}::test_rounding_is_half_even_at_the_scale",),
    ),
    Mutant(
        "floats-accepted",
        "a float argument is taken for an amount",
        (Edit(_AMOUNTS, "isinstance(amount, Decimal | int | str)", "amount is not None"),),
        (f"{_GUARDS}::test_bad_input_is_refused",),
    ),
    Mutant(
        "finer-amounts-accepted",
        "an amount finer than its currency's scale is posted",
        (Edit(_AMOUNTS, "if decimal_places_of(value) > scale:", "if False:"),),
        (f"{_GUARDS}::test_bad_input_is_refused",),
    ),
    Mutant(
        "fine-copies-accepted",
        "a posting goes on from a stored decimal finer than the scale",
        (Edit(_CHANGE, "if decimal_places_of(value) > scale:", "if False:"),),
        (f"{_CONVERSION}::test_a_stored_decimal_finer_than_the_scale",),
    ),
)
