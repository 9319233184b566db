"""Mutants of the exact scan: reading, comparing, confirming."""

from tests.mutants.mutant import Edit, Mutant

_AGREEMENT = "reconciler/storage/agreement.py"
_BALANCES = "reconciler/storage/balances.py"
_SHAPE = "reconciler/storage/shape.py"
_EXISTENCE = "reconciler/scanning/existence.py"
_SCANNER = "reconciler/scanning/scanner.py"
_EVERYWHERE = "tests/integration/scanning/test_equal_everywhere.py"
_SECOND_LOOK = "tests/integration/scanning/test_second_look.py"
_TRAFFIC = "tests/integration/scanning/test_under_traffic.py"

SCANNING_MUTANTS = (
    Mutant(
        "scan-without-a-snapshot",
        "a scan under traffic sees accounts in the middle of a posting",
        (
            Edit(
                _BALANCES,
                "yield self._moment(session)",
                "yield self._moment(None)",
            ),
        ),
        (_TRAFFIC,),
    ),
    Mutant(
        "no-read-before-parallel-reads",
        "the four collections are read as of four moments",
        (
            Edit(
                _BALANCES,
                'await self._database[truth].find_one({}, {"_id": 1}, session=session)',
                "pass",
            ),
        ),
        (_TRAFFIC,),
    ),
    Mutant(
        "negative-alike-not-flagged",
        "an available amount below zero in all four collections passes",
        (
            Edit(
                _SHAPE,
                '{"$gte": [available, ZERO]},',
                '{"$gte": [available, Decimal128("-1E+34")]},',
            ),
        ),
        (_EVERYWHERE,),
    ),
    Mutant(
        "negative-locked-alike-not-flagged",
        "a locked amount below zero in all four collections passes",
        (
            Edit(
                _SHAPE,
                '{"$gte": [locked_or_zero, ZERO]},',
                '{"$gte": [locked_or_zero, Decimal128("-1E+34")]},',
            ),
        ),
        (_EVERYWHERE,),
    ),
    Mutant(
        "total-alike-not-flagged",
        "a wrong total in all four collections passes",
        (Edit(_SHAPE, "[is_decimal, in_range, *holds]", "[is_decimal, in_range]"),),
        (_EVERYWHERE,),
    ),
    Mutant(
        "total-compared-with-rounding",
        "a total that differs only past the 34th digit passes",
        (
            Edit(
                _SHAPE,
                '        {"$eq": [{"$subtract": [total, available]}, locked]},\n'
                '        {"$eq": [{"$subtract": [total, locked]}, available]},\n',
                '        {"$eq": [{"$add": [available, locked]}, total]},\n',
            ),
        ),
        (_EVERYWHERE,),
    ),
    Mutant(
        "duplicates-alike-not-noticed",
        "an account doubled in all four collections passes",
        (Edit(_AGREEMENT, "break  # a second document with this key", "pass"),),
        (_EVERYWHERE,),
    ),
    Mutant(
        "two-collections-agreeing-are-enough",
        "a drift of one collection hides behind the others",
        (
            Edit(
                _AGREEMENT,
                "if all(other.buffer.startswith(",
                "if any(other.buffer.startswith(",
            ),
        ),
        (_EVERYWHERE,),
    ),
    Mutant(
        "ranges-overlap",
        "accounts at the bounds are counted twice",
        (Edit(_SHAPE, '("$lt", key_range.upper)', '("$lte", key_range.upper)'),),
        (_EVERYWHERE,),
    ),
    Mutant(
        "ranges-leave-a-gap",
        "accounts at the bounds are never looked at",
        (Edit(_SHAPE, '("$gte", key_range.lower)', '("$gt", key_range.lower)'),),
        (_EVERYWHERE,),
    ),
    Mutant(
        "confirmation-skipped",
        "a first look is reported without a second one",
        (
            Edit(
                _SCANNER,
                "confirmation.suspect(number, seen, mismatch)",
                "self._findings.add(number, seen.key, mismatch)",
            ),
        ),
        (_SECOND_LOOK,),
    ),
    Mutant(
        "missing-collection-called-healthy",
        "a scan that could not look everywhere reports peace",
        (
            Edit(
                _EXISTENCE,
                "if name not in there:",
                "if False:",
            ),
        ),
        (_EVERYWHERE,),
    ),
)
