"""Mutants of the digest scan: what could be left out of a digest, and what it must not prove."""

from tests.mutants.mutant import Edit, Mutant

_SHAPE = "reconciler/storage/digest_shape.py"
_RULES = "reconciler/storage/digest_rules.py"
_BUCKETING = "reconciler/storage/bucketing.py"
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
        'return {"$mod": [{"$toHashedIndexKey": value}, Int64(HASH_MODULUS)]}',
        'return {"$toLong": {"$multiply": ["$available_balance", 1000]}}',
    ),
    _mutant(
        "digest-without-currency",
        "amounts of two currencies can be exchanged",
        _SHAPE,
        'ids = [f"${mapping.account}", f"${mapping.currency}"]',
        'ids = [f"${mapping.account}", "currency"]',
    ),
    _mutant(
        "digest-of-texts-without-currency",
        "amounts of two currencies can be exchanged where ids are texts",
        _SHAPE,
        'ids = [f"${mapping.currency}", salt, f"${mapping.account}"]',
        'ids = ["currency", salt, f"${mapping.account}"]',
    ),
    _mutant(
        "digest-without-user",
        "users of one bucket can have each other's amounts",
        _SHAPE,
        'ids = [f"${mapping.account}", f"${mapping.currency}"]',
        'ids = ["user", f"${mapping.currency}"]',
    ),
    _mutant(
        "digest-of-texts-without-user",
        "users of one bucket can have each other's amounts where ids are texts",
        _SHAPE,
        'ids = [f"${mapping.currency}", salt, f"${mapping.account}"]',
        'ids = [f"${mapping.currency}", salt, "user"]',
    ),
    _mutant(
        "digest-of-texts-with-a-separator-in-them",
        "what two ids have between them is taken for what is between the ids",
        _SHAPE,
        'ids = [f"${mapping.currency}", salt, f"${mapping.account}"]',
        'ids = [f"${mapping.currency}", "|", f"${mapping.account}"]',
    ),
    _mutant(
        "digest-without-locked",
        "what is locked is not compared",
        _SHAPE,
        'amounts = (f"${mapping.available}", locked(mapping))',
        'amounts = (f"${mapping.available}", "locked")',
        _EVERYWHERE,
    ),
    _mutant(
        "digest-of-numbers",
        "fractions of amounts are cut off",
        _SHAPE,
        "_remainder([salt, *ids, *_amounts(mapping, locked)])",
        '_remainder([salt, *ids, f"${mapping.available}", f"${mapping.locked}"])',
    ),
    _mutant(
        "digest-of-doubles",
        "the text of a double is taken for a decimal's",
        _RULES,
        '_is(f"${mapping.available}", "decimal"),',
        '{"$in": [{"$type": f"${mapping.available}"}, ["decimal", "double"]]},',
    ),
    _mutant(
        "digest-of-texts-without-types",
        "the text of a double is taken for a decimal's where ids are texts",
        _SHAPE,
        'return hashed(locked, *[{"$type": amount} for amount in amounts])',
        "return hashed(locked, _ALL_DECIMAL) if amounts else {}",
    ),
    _mutant(
        "usual-document-with-a-double",
        "the text of a double is taken for a decimal's in a document with all fields",
        _RULES,
        'are_decimals = [_is(available, "decimal"), _is(locked, "decimal")]',
        'are_decimals = [_is(locked, "decimal")]',
    ),
    _mutant(
        "usual-document-without-total",
        "a wrong total in a document with all fields passes",
        _RULES,
        'return [*are_decimals, _is(f"${mapping.total}", "decimal"), holds]',
        'return [*are_decimals, _is(f"${mapping.total}", "decimal")] if holds else []',
    ),
    _mutant(
        "usual-document-with-a-double-total",
        "a double of the right binary value is taken for a right total",
        _RULES,
        'return [*are_decimals, _is(f"${mapping.total}", "decimal"), holds]',
        "return [*are_decimals, holds]",
    ),
    _mutant(
        "usual-truth-with-a-double-total",
        "a double of the right binary value is taken for what is available",
        _RULES,
        'return [*ids, *amounts, *is_sum, _is(total, "decimal"), {"$eq": [available, total]}]',
        'return [*ids, *amounts, *is_sum, {"$eq": [available, total]}]',
    ),
    _mutant(
        "types-of-totals-are-not-hashed",
        "a double of the right binary value is taken for a right total where ids are texts",
        _SHAPE,
        'amounts = [f"${mapping.available}", locked(mapping), f"${mapping.total}"]',
        'amounts = [f"${mapping.available}", locked(mapping), f"${mapping.available}"]',
    ),
    _mutant(
        "drill-down-without-care",
        "an id without a piece that appears after the digests keeps the rest from being read",
        _DIGESTS,
        "if buckets.is_careful or isinstance(buckets.by, ByHash):",
        "if buckets.is_careful or buckets.by:",
        "tests/integration/scanning/test_bucketing.py",
    ),
    _mutant(
        "careful-pieces-anywhere",
        "a piece is looked for in too much of an id",
        _BUCKETING,
        'return is_there if is_whole else {"$and": [{"$eq": [length, end]}, is_there]}',
        "return is_there if is_whole or length else {}",
        "tests/integration/scanning/test_bucketing.py",
    ),
    _mutant(
        "usual-document-without-signs",
        "an amount below zero in all collections passes",
        _RULES,
        'return {"$and": [{"$gte": [smaller, ZERO]}, {"$eq": [difference, smaller]}]}',
        'return {"$eq": [difference, smaller]}',
        _EVERYWHERE,
    ),
    _mutant(
        "usual-document-with-a-rounded-total",
        "the smaller amount is taken from the total, which rounds",
        _RULES,
        'is_locked_smaller = {"$gte": [available, locked]}',
        'is_locked_smaller = {"$lt": [available, locked]}',
        _EVERYWHERE,
    ),
    _mutant(
        "texts-are-tried-again-and-again",
        "each scan computes digests in vain first",
        _BUCKETING,
        "self._known.are_texts = False",
        "self._known.are_texts = True",
        "tests/integration/scanning/test_bucketing.py",
    ),
    _mutant(
        "ids-of-other-types-are-in-no-bucket",
        "what is no text is not read where buckets are pieces",
        _BUCKETING,
        '{"$eq": [{"$type": user}, "string"]}, is_chosen, True]}',
        '{"$eq": [{"$type": user}, "string"]}, is_chosen, False]}',
        "tests/integration/scanning/test_bucketing.py",
    ),
    _mutant(
        "digest-of-numeric-ids",
        "2.1 and 2.9 are one id",
        _RULES,
        "for code in (STRING,",
        "for code in (1, STRING,",
    ),
    _mutant(
        "digest-without-total",
        "a wrong total in one collection passes",
        _RULES,
        'return [*_decimals(mapping), _missing_or(f"${mapping.total}", holds)]',
        "return _decimals(mapping) if holds else []",
    ),
    _mutant(
        "digest-with-a-rounded-total",
        "1E+33 and 1E-33 add up to 1E+33",
        _RULES,
        '{"$lt": [total, TOO_LARGE]}, *exact_sum(total, available, locked)]',
        '{"$lt": [total, TOO_LARGE]}, {"$eq": [{"$add": [available, locked]}, total]}]',
        _DRIFTS,
        _EVERYWHERE,
    ),
    _mutant(
        "digest-without-signs",
        "an amount below zero in all collections passes",
        _RULES,
        '        {"$gte": [available, ZERO]},\n',
        "",
        _EVERYWHERE,
    ),
    _mutant(
        "digest-without-presence",
        "a bucket that only some collections have agrees",
        _MODEL,
        "found = {collection.get(bucket) for collection in each}",
        "found = {collection[bucket] for collection in each if bucket in collection}",
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
        "if not _agree(each, bucket)} | digests.doubled",
        "if not _agree(each, bucket)}",
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
        "covered = [digests.covered[bucket] for bucket in agreeing]",
        "covered = list(digests.covered.values())",
        _USE,
    ),
    _mutant(
        "bucket-of-the-grouped-id",
        "an id that is code is counted in another bucket",
        _SHAPE,
        "return [*_matching(mapping, key_range), _users(mapping, _bucket(mapping, by)), counts]",
        'return [*_matching(mapping, key_range), {"$group": {"_id": f"${mapping.account}"}}, '
        '{"$group": {"_id": bucket_of("$_id", by), "n": {"$sum": 1}}}]',
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
