"""Mutants of the digest scan: what could be left out of a digest, and what it must not prove."""

from tests.mutants.mutant import Edit, Mutant

_SHAPE = "reconciler/storage/digest_shape.py"
_DIGESTS = "reconciler/storage/digests.py"
_MODEL = "reconciler/model/digest.py"
_DIGESTING = "reconciler/scanning/digesting.py"
_DRIFTS = "tests/integration/scanning/test_digest.py"
_USE = "tests/integration/scanning/test_digest_use.py"
_EVERYWHERE = "tests/integration/scanning/test_equal_everywhere.py"
_FAULTS = "tests/integration/scanning/test_faults.py"


def _mutant(name: str, breaks: str, file: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(name, breaks, (Edit(file, old, new),), tests or (_DRIFTS,))


DIGEST_MUTANTS = (
    _mutant(
        "digest-is-a-sum-of-amounts",
        "more here and less there cancel out",
        _SHAPE,
        'return {"$mod": [{"$toHashedIndexKey": ordered}, Int64(HASH_MODULUS)]}',
        'return {"$toLong": {"$multiply": [f"${mapping.available}", 1000]}}',
    ),
    _mutant(
        "digest-without-currency",
        "amounts of two currencies can be exchanged",
        _SHAPE,
        '        f"${mapping.currency}",\n        {"$toString"',
        '        "currency",\n        {"$toString"',
    ),
    _mutant(
        "digest-without-user",
        "users of one bucket can have each other's amounts",
        _SHAPE,
        '        f"${mapping.account}",\n        f"${mapping.currency}",\n        {',
        '        "user",\n        f"${mapping.currency}",\n        {',
    ),
    _mutant(
        "digest-without-locked",
        "what is locked is not compared",
        _SHAPE,
        '        {"$toString": locked(mapping)},\n',
        '        "locked",\n',
        _EVERYWHERE,
    ),
    _mutant(
        "digest-of-numbers",
        "fractions of amounts are cut off",
        _SHAPE,
        '{"$toString": f"${mapping.available}"}',
        'f"${mapping.available}"',
    ),
    _mutant(
        "digest-of-doubles",
        "the text of a double is taken for a decimal's",
        _SHAPE,
        '_is(f"${mapping.available}", "decimal"),',
        '{"$in": [{"$type": f"${mapping.available}"}, ["decimal", "double"]]},',
    ),
    _mutant(
        "usual-document-with-a-double",
        "the text of a double is taken for a decimal's in a document with all fields",
        _SHAPE,
        'are_decimals = [_is(available, "decimal"), _is(locked, "decimal")]',
        'are_decimals = [_is(locked, "decimal")]',
    ),
    _mutant(
        "usual-document-without-total",
        "a wrong total in a document with all fields passes",
        _SHAPE,
        'return [*are_decimals, {"$eq": [meant, f"${mapping.total}"]}]',
        "return are_decimals",
    ),
    _mutant(
        "usual-document-without-signs",
        "an amount below zero in all collections passes",
        _SHAPE,
        "return [*ids, *amounts, *signs, _is(total,",
        "return [*ids, *amounts, _is(total,",
        _EVERYWHERE,
    ),
    _mutant(
        "digest-of-numeric-ids",
        "2.1 and 2.9 are one id",
        _SHAPE,
        "for code in (STRING,",
        "for code in (1, STRING,",
    ),
    _mutant(
        "digest-without-total",
        "a wrong total in one collection passes",
        _SHAPE,
        "return [*_decimals(mapping), *has_right_total]",
        "return _decimals(mapping)",
    ),
    _mutant(
        "digest-with-a-rounded-total",
        "1E+33 and 1E-33 add up to 1E+33",
        _SHAPE,
        '{"$lt": [total, TOO_LARGE]}, *exact_sum(total, available, locked)]',
        '{"$lt": [total, TOO_LARGE]}, {"$eq": [{"$add": [available, locked]}, total]}]',
        _DRIFTS,
        _EVERYWHERE,
    ),
    _mutant(
        "digest-without-signs",
        "an amount below zero in all collections passes",
        _SHAPE,
        '        {"$gte": [available, ZERO]},\n',
        "",
        _EVERYWHERE,
    ),
    _mutant(
        "digest-without-presence",
        "a bucket that only some collections have agrees",
        _MODEL,
        "found = {collection.get(number) for collection in each}",
        "found = {collection[number] for collection in each if number in collection}",
    ),
    _mutant(
        "digest-that-proves-nothing-agrees",
        "what is broken alike in all collections passes",
        _MODEL,
        "return digest is not None and digest.total is not None",
        "return digest is not None",
        _EVERYWHERE,
    ),
    _mutant(
        "digest-without-duplicates",
        "accounts doubled in all collections pass",
        _MODEL,
        "if not _agree(each, number)} | digests.doubled",
        "if not _agree(each, number)}",
    ),
    _mutant(
        "partial-index-is-taken-for-unique",
        "accounts that the index does not hold may be doubled",
        _DIGESTS,
        'and "partialFilterExpression" not in index',
        'and "key" in index',
    ),
    _mutant(
        "differing-buckets-are-not-read",
        "what digests find is not looked at",
        _DIGESTING,
        "return portion, None if is_all else part.of_buckets(agreement.differing)",
        "return portion, None if is_all or part else part.of_buckets(agreement.differing)",
    ),
    _mutant(
        "differing-buckets-are-counted-twice",
        "users in buckets that differ are counted with the others",
        _MODEL,
        "covered = [digests.covered[number] for number in agreeing]",
        "covered = list(digests.covered.values())",
        _USE,
    ),
    _mutant(
        "bucket-of-the-grouped-id",
        "an id that is code is counted in another bucket",
        _SHAPE,
        "return [*_matching(mapping, key_range), _users(mapping, modulus), counts]",
        'return [*_matching(mapping, key_range), {"$group": {"_id": f"${mapping.account}"}}, '
        '{"$group": {"_id": bucket_of("$_id", modulus), "n": {"$sum": 1}}}]',
        _USE,
    ),
    _mutant(
        "parts-left-over-are-forgotten",
        "a scan that gave its digests up has looked at nothing",
        _DIGESTING,
        "self.left_over.append(part)",
        "pass",
        _USE,
    ),
)
