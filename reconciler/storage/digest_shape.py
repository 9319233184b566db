"""The digest of a collection, computed by the server: per bucket of users a count and a sum.

The digest of a document is `$mod` of `$toHashedIndexKey` of an array of user id, currency,
available and locked, in one of their orders. The hash (MD5, of which the server gives 64 bits)
takes the array's elements with their types and lengths, so that no two sound documents look alike
because of a separator or a missing field. Numbers it cuts to integers, so that amounts go in as the
text of a decimal, which has all digits. Each scan draws the order: documents that were made to
collide in one do not in another. (A salt as a fifth element would be better and makes MD5 hash
another block for most documents, which was seen to take a twelfth of the time.)

A document that is not sound makes the sum of its bucket NaN: a bucket whose sum is no integer
proves nothing. The sum of too many hashes would be a double, and proves nothing, either.

What equal digests prove is not asked again in each collection: sign, size and the types of the ids
are checked in the source of truth alone. The types of the amounts are checked in all, because a
double may have a decimal's text, and so is the total, which is not in the digest.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

from bson import Decimal128, Int64

from reconciler.model.digest import HASH_MODULUS, Buckets
from reconciler.model.mapping import CollectionMapping, TotalMeaning
from reconciler.scanning.ports import KeyRange
from reconciler.storage.elements import (
    BINARY,
    BOOL,
    DATE,
    MISSING,
    OBJECT_ID,
    STRING,
    TIMESTAMP,
    TYPE_NAMES,
)
from reconciler.storage.shape import (
    TOO_LARGE,
    ZERO,
    Stage,
    bucket_of,
    exact_sum,
    within,
)

# Types of which the hash takes every byte. It cuts numbers to integers; and whoever is grouped by
# a symbol may be a string's namesake or not.
_FAITHFUL_NAMES = sorted(
    TYPE_NAMES[code] for code in (STRING, OBJECT_ID, BINARY, BOOL, DATE, TIMESTAMP)
)

# All orders of what is hashed.
ORDERS = tuple(permutations(range(4)))

# NaN, after a look at the whole document: for one that needs all of it the server does not first
# cut out the fields that the pipeline reads, which was seen to save a seventh of the time.
_NOTHING_PROVED = {"$cond": [{"$eq": ["$$ROOT", None]}, 0, Decimal128("NaN")]}


def digest_pipeline(
    mapping: CollectionMapping, key_range: KeyRange, *, modulus: int, order: int, is_truth: bool
) -> list[Stage]:
    """Make the pipeline that gives `{_id: bucket, n: documents, h: sum}` for each bucket.

    Of the source of truth it gives the currencies, too: as the array `c`. `order` is the place in
    `ORDERS` of the one in which the values are hashed.
    """
    usual, sound = (
        (_usual_truth(mapping), _truth_rules(mapping))
        if is_truth
        else (_usual(mapping), _rules(mapping))
    )
    whole = {"$cond": [{"$and": sound}, _hash(mapping, order, _locked_or_zero), _NOTHING_PROVED]}
    digest = {"$cond": [{"$and": usual}, _hash(mapping, order, _locked), whole]}
    bucket = bucket_of(f"${mapping.account}", modulus)
    group = {"_id": bucket, "n": {"$sum": 1}, "h": {"$sum": digest}}
    currencies = {"c": {"$addToSet": f"${mapping.currency}"}} if is_truth else {}
    return [*_matching(mapping, key_range), {"$group": group | currencies}]


def users_pipeline(mapping: CollectionMapping, key_range: KeyRange, *, modulus: int) -> list[Stage]:
    """Make the pipeline that counts the users of each bucket, as `{_id: bucket, n}`."""
    counts: Stage = {"$group": {"_id": "$b", "n": {"$sum": 1}}}
    return [*_matching(mapping, key_range), _users(mapping, modulus), counts]


def users_of_buckets_pipeline(mapping: CollectionMapping, key_range: KeyRange) -> list[Stage]:
    """Make the pipeline that gives each user `{_id}` in the range's buckets."""
    whole = replace(key_range, buckets=None)
    buckets = key_range.buckets or Buckets(1, frozenset({0}))
    wanted: Stage = {"$match": {"b": {"$in": sorted(map(Int64, buckets.numbers))}}}
    return [*_matching(mapping, whole), _users(mapping, buckets.modulus), wanted]


def doubled_pipeline(
    mapping: CollectionMapping, key_range: KeyRange, *, modulus: int
) -> list[Stage]:
    """Make the pipeline that gives the buckets `{_id}` of accounts with two documents or more."""
    key = {"u": f"${mapping.account}", "c": f"${mapping.currency}"}
    return [
        *_matching(mapping, key_range),
        {"$group": {"_id": key, "n": {"$sum": 1}, "b": _bucket_at_first(mapping, modulus)}},
        {"$match": {"n": {"$gt": 1}}},
        {"$group": {"_id": "$b"}},
    ]


def _users(mapping: CollectionMapping, modulus: int) -> Stage:
    """Make the stage that gives each user once, with the bucket: an index lets it skip the rest."""
    bucket = _bucket_at_first(mapping, modulus)
    return {"$group": {"_id": f"${mapping.account}", "b": bucket}}


def _bucket_at_first(mapping: CollectionMapping, modulus: int) -> Stage:
    """Make the accumulator of a user's bucket, by the id as it is stored.

    What a `$group` makes of a MinKey or of code can have another hash, as was seen with 6.0.5.
    """
    return {"$first": bucket_of(f"${mapping.account}", modulus)}


def _matching(mapping: CollectionMapping, key_range: KeyRange) -> list[Stage]:
    return [{"$match": condition} for condition in within(mapping, key_range)]


def _hash(
    mapping: CollectionMapping, order: int, locked: Callable[[CollectionMapping], object]
) -> Stage:
    values = [
        f"${mapping.account}",
        f"${mapping.currency}",
        {"$toString": f"${mapping.available}"},
        {"$toString": locked(mapping)},
    ]
    ordered = [values[place] for place in ORDERS[order]]
    return {"$mod": [{"$toHashedIndexKey": ordered}, Int64(HASH_MODULUS)]}


def _usual(mapping: CollectionMapping) -> list[Stage]:
    """Make the conditions of `_rules` for a document with all fields, which is soonest seen.

    A total of another type than decimal is right, too, if it is the very sum.
    """
    available, locked = f"${mapping.available}", _locked(mapping)
    are_decimals = [_is(available, "decimal"), _is(locked, "decimal")]
    if mapping.total is None:
        return are_decimals
    is_available = mapping.total_means is TotalMeaning.AVAILABLE
    meant = available if is_available else {"$add": [available, locked]}
    return [*are_decimals, {"$eq": [meant, f"${mapping.total}"]}]


def _usual_truth(mapping: CollectionMapping) -> list[Stage]:
    """Make the conditions of `_truth_rules` for such a document whose ids are texts."""
    available, locked = f"${mapping.available}", _locked(mapping)
    amounts = [_is(available, "decimal"), _is(locked, "decimal")]
    ids = [_is(f"${field}", "string") for field in (mapping.account, mapping.currency)]
    signs: list[Stage] = [{"$gte": [available, ZERO]}, {"$gte": [locked, ZERO]}]
    if mapping.total is None or mapping.total_means is TotalMeaning.AVAILABLE:
        added = _exact_and_in_range({"$add": [available, locked]}, available, locked)
        is_total: list[Stage] = (
            [{"$eq": [available, f"${mapping.total}"]}] if mapping.total is not None else []
        )
        return [*ids, *amounts, *signs, added, *is_total]
    total = f"${mapping.total}"
    stored = _exact_and_in_range(total, available, locked)
    return [*ids, *amounts, *signs, _is(total, "decimal"), stored]


def _rules(mapping: CollectionMapping) -> list[Stage]:
    """Make the conditions under which an equal digest proves that a document is right.

    The sum of its amounts needs no look at digits, see `_truth_rules`.
    """
    total = f"${mapping.total}"
    if mapping.total_means is TotalMeaning.AVAILABLE:
        holds: Stage = {"$eq": [total, f"${mapping.available}"]}
    else:
        holds = {"$eq": [{"$add": [f"${mapping.available}", _locked_or_zero(mapping)]}, total]}
    has_right_total = [_missing_or(total, holds)] if mapping.total else []
    return [*_decimals(mapping), *has_right_total]


def _truth_rules(mapping: CollectionMapping) -> list[Stage]:
    """Make the conditions of the source of truth: with equal digests they hold in all collections.

    The amounts are not negative, and their sum is exact and has at most 34 digits; so whatever
    collection adds the same amounts rounds nothing. By `shape.exact_sum` both differences show it.
    """
    available, locked = f"${mapping.available}", _locked_or_zero(mapping)
    total = f"${mapping.total}"
    added = _exact_and_in_range({"$add": [available, locked]}, available, locked)
    conditions: list[Stage] = [
        _is_faithful(f"${mapping.account}"),
        _is_faithful(f"${mapping.currency}"),
        *_decimals(mapping),
        {"$gte": [available, ZERO]},
        {"$gte": [locked, ZERO]},
    ]
    if mapping.total is None:
        return [*conditions, added]
    if mapping.total_means is TotalMeaning.AVAILABLE:
        return [*conditions, added, _missing_or(total, {"$eq": [total, available]})]
    stored = _exact_and_in_range(total, available, locked)
    has_none = {"$and": [_is(total, MISSING), added]}
    return [*conditions, {"$cond": [_is(total, "decimal"), stored, has_none]}]


def _exact_and_in_range(total: object, available: object, locked: object) -> Stage:
    """Make the condition of a sum; it bounds its parts as well, which are not negative."""
    return {"$and": [{"$lt": [total, TOO_LARGE]}, *exact_sum(total, available, locked)]}


def _locked(mapping: CollectionMapping) -> str:
    return f"${mapping.locked}"


def _locked_or_zero(mapping: CollectionMapping) -> Stage:
    return {"$ifNull": [f"${mapping.locked}", ZERO]}


def _decimals(mapping: CollectionMapping) -> list[Stage]:
    locked = f"${mapping.locked}"
    return [
        _is(f"${mapping.available}", "decimal"),
        {"$or": [_is(locked, "decimal"), _is(locked, MISSING)]},
    ]


def _is_faithful(value: str) -> Stage:
    return {"$or": [_is(value, "string"), {"$in": [{"$type": value}, _FAITHFUL_NAMES]}]}


def _missing_or(total: str, holds: Stage) -> Stage:
    return {"$cond": [_is(total, "decimal"), holds, _is(total, MISSING)]}


def _is(value: str, type_name: str) -> Stage:
    return {"$eq": [{"$type": value}, type_name]}
