"""Mutants of the exact arithmetic."""

from tests.mutants.mutant import Edit, Mutant

_AMOUNTS = "reconciler/model/amounts.py"
_CHANGE = "reconciler/model/change.py"
_COMPARISON = "reconciler/model/comparison.py"
_LEGS = "reconciler/model/posting.py"
_MODEL_TESTS = "tests/unit/model"
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
                "quantize(finest, ROUND_HALF_EVEN, context",
                'quantize(finest, "ROUND_HALF_UP", context',
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
    Mutant(
        "minus-rounded",
        "a debit of more than 28 digits takes another amount",
        (
            Edit(
                _LEGS,
                "(CheckedLeg(account, Delta(available=amount.copy_negate())),)",
                "(CheckedLeg(account, Delta(available=-amount)),)",
            ),
        ),
        (f"{_MODEL_TESTS}/test_posting.py::test_each_operation_moves_its_amounts",),
    ),
    Mutant(
        "dust-below-zero-kept",
        "what float code left below zero refuses every credit on an account in sync",
        (Edit(_CHANGE, "rules.double_tolerance.copy_negate() <= number.value < 0", "False"),),
        (f"{_MODEL_TESTS}/test_change.py::test_what_float_code_left_below_zero_is_zero",),
    ),
    Mutant(
        "decimals-within-tolerance",
        "two decimals that differ by less than the tolerance are taken for equal",
        (Edit(_COMPARISON, "has_double and WIDE.subtract", "WIDE.subtract"),),
        (f"{_MODEL_TESTS}/test_comparison.py",),
    ),
    Mutant(
        "only-the-truth-compared",
        "two decimals near a double truth may differ from each other",
        (Edit(_COMPARISON, " or list(self._unequal(among_others))", ""),),
        (f"{_MODEL_TESTS}/test_comparison.py",),
    ),
    Mutant(
        "drift-ignores-what-totals-mean",
        "a locked amount beside a total that means available looks like another drift",
        (Edit(_COMPARISON, "if mapping.total_means is TotalMeaning.AVAILABLE:", "if False:"),),
        (f"{_MODEL_TESTS}/test_comparison.py",),
    ),
)
