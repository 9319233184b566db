"""Mutants of how the API reads what it is sent, and of what it says."""

from tests.mutants.mutant import Edit, Mutant

_HTTP = "reconciler/surfaces/http"
_BAD_INPUT = "tests/unit/http/test_bad_input.py"
_INTEGRITY = "tests/unit/http/test_integrity.py"
_DESCRIPTION = "tests/unit/http/test_description.py"

HTTP_MUTANTS = (
    Mutant(
        "http-last-key-wins",
        "of two equal keys in a body the last one is taken",
        (Edit(f"{_HTTP}/json_body.py", "if len(fields) < len(pairs):", "if not pairs:"),),
        (f"{_BAD_INPUT}::test_a_body_that_cannot_be_used",),
    ),
    Mutant(
        "http-unknown-filter-ignored",
        "a parameter that is not known is left out, and the answer is about everybody",
        (
            Edit(
                f"{_HTTP}/query.py",
                "if name not in known:",
                "if name not in known:\n            continue\n        if not name:",
            ),
        ),
        (f"{_BAD_INPUT}::test_a_query_that_cannot_be_used",),
    ),
    Mutant(
        "http-amount-through-a-float",
        "a JSON number loses digits before it is an amount",
        (
            Edit(
                f"{_HTTP}/json_body.py",
                "parse_float=lambda digits: Numeral(digits, is_integer=False)",
                "parse_float=lambda digits: Numeral(repr(float(digits)), is_integer=False)",
            ),
        ),
        ("tests/unit/http/test_credits.py::test_an_amount_is_taken_digit_by_digit",),
    ),
    Mutant(
        "http-old-scan-taken",
        "a scan that is too old is taken for an answer",
        (
            Edit(
                f"{_HTTP}/integrity.py",
                "return last.report if _seconds(age) <= max_age_seconds else None",
                "return last.report if _seconds(age) >= max_age_seconds else None",
            ),
        ),
        (f"{_INTEGRITY}::test_the_last_full_scan_will_do_if_it_is_young_enough",),
    ),
    Mutant(
        "http-incomplete-is-healthy",
        "a check that could not look everywhere answers 200",
        (Edit(f"{_HTTP}/integrity.py", "Verdict.INCOMPLETE: 503", "Verdict.INCOMPLETE: 200"),),
        (f"{_INTEGRITY}::test_an_incomplete_check_answers_503",),
    ),
    Mutant(
        "http-unknown-may-be-repeated",
        "a credit that was made asks machines to send it again",
        (
            Edit(
                f"{_HTTP}/credits.py",
                '"only with the same Idempotency-Key.",\n    )',
                '"only with the same Idempotency-Key.",\n'
                '        headers={"Retry-After": "5"},\n    )',
            ),
        ),
        ("tests/unit/http/test_credits.py::test_a_credit_whose_sum_cannot_be_read_was_made",),
    ),
    Mutant(
        "http-answer-not-described",
        "the description leaves out an answer that is given",
        (
            Edit(
                f"{_HTTP}/description.py",
                '    409: problem_reply("The state of things forbids it; nothing was done."),\n',
                "",
            ),
        ),
        (_DESCRIPTION,),
    ),
)
