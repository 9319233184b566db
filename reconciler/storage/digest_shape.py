"""The digest of a collection, computed by the server: per bucket of users a count and a sum.

The digest of a document is `$mod` of `$toHashedIndexKey` of its user id, currency, available and
locked behind a salt that is drawn for each snapshot: documents that were made to collide under one
do not under another, and nobody knows the next. Numbers the hash (MD5, of which the server gives 64
bits) cuts to integers, so that amounts go in as the text of a decimal, which has all digits. The
values are put together in one of two forms, by how users are divided into buckets:

- By hash, in an array, which takes each with its type and length. It does for ids of all types.
- By piece, in a text, which is hashed sooner. It is for ids and currencies that are texts, and the
  server fails of an ObjectId, say. An amount has no space in it, and of texts nobody has put the
  salt into one that is between them, so that there is one way to take it apart. A missing id makes
  the whole null, of which the hash is always the same; in the source of truth no id is missing, so
  that such a sum agrees no sooner than that of any other document.

A document that is not sound makes the sum of its bucket NaN: a bucket whose sum is no integer
proves nothing. The sum of too many hashes would be a double, and proves nothing, either.
"""

from collections.abc import Callable
from dataclasses import replace

from bson import Decimal128, Int64

from reconciler.model.digest import HASH_MODULUS, Bucketing, Buckets, ByPiece
from reconciler.model.mapping import CollectionMapping
from reconciler.scanning.ports import KeyRange
from reconciler.storage.bucketing import bucket_of, in_buckets
from reconciler.storage.digest_rules import (
    has_usual_total,
    locked_as_stored,
    locked_or_zero,
    rules,
    total_holds,
    truth_rules,
    usual,
    usual_truth,
)
from reconciler.storage.elements import STRING
from reconciler.storage.shape import Stage, within

# NaN, after a look at the whole document: for one that needs all of it the server does not first
# cut out the fields that the pipeline reads, which was seen to save a seventh of the time.
_NOTHING_PROVED = {"$cond": [{"$eq": ["$$ROOT", None]}, 0, Decimal128("NaN")]}

# The types of available, locked and total; a document may do without some of them.
_ALL_DECIMAL = "decimal" * 3

Locked = Callable[[CollectionMapping], object]


def digest_pipeline(
    mapping: CollectionMapping,
    key_range: KeyRange,
    *,
    by: Bucketing,
    salt: str,
    is_truth: bool,
    has_currencies: bool,
) -> list[Stage]:
    """Make the pipeline that gives `{_id: bucket, n: documents, h: sum}` for each bucket.

    With `has_currencies` it gives those, too: as the array `c`. The salt is letters, digits, `-`
    and `_`.
    """
    digest = _digest_of_texts if isinstance(by, ByPiece) else _digest_of_values
    group = {
        "_id": bucket_of(f"${mapping.account}", by),
        "n": {"$sum": 1},
        "h": {"$sum": digest(mapping, salt, is_truth=is_truth)},
    }
    currencies = {"c": {"$addToSet": f"${mapping.currency}"}} if has_currencies else {}
    return [*_matching(mapping, key_range), {"$group": group | currencies}]


def users_pipeline(
    mapping: CollectionMapping, key_range: KeyRange, *, by: Bucketing
) -> list[Stage]:
    """Make the pipeline that counts the users of each bucket, as `{_id: bucket, n}`."""
    counts: Stage = {"$group": {"_id": "$b", "n": {"$sum": 1}}}
    return [*_matching(mapping, key_range), _users(mapping, _bucket(mapping, by)), counts]


def users_of_buckets_pipeline(
    mapping: CollectionMapping, key_range: KeyRange, buckets: Buckets
) -> list[Stage]:
    """Make the pipeline that gives each user `{_id}` of a range in some buckets."""
    whole = replace(key_range, buckets=None)
    wanted = _users(mapping, in_buckets(f"${mapping.account}", buckets))
    return [*_matching(mapping, whole), wanted, {"$match": {"b": True}}]


def doubled_pipeline(
    mapping: CollectionMapping, key_range: KeyRange, *, by: Bucketing
) -> list[Stage]:
    """Make the pipeline that gives the buckets `{_id}` of accounts with two documents or more."""
    key = {"u": f"${mapping.account}", "c": f"${mapping.currency}"}
    bucket = {"$first": _bucket(mapping, by)}
    return [
        *_matching(mapping, key_range),
        {"$group": {"_id": key, "n": {"$sum": 1}, "b": bucket}},
        {"$match": {"n": {"$gt": 1}}},
        {"$group": {"_id": "$b"}},
    ]


def _users(mapping: CollectionMapping, of_each: Stage) -> Stage:
    """Make the stage that gives each user once, with `b`: an index lets it skip the rest.

    `b` is of the id as it is stored: what a `$group` makes of a MinKey or of code can have another
    hash, as was seen with 6.0.5.
    """
    return {"$group": {"_id": f"${mapping.account}", "b": {"$first": of_each}}}


def _bucket(mapping: CollectionMapping, by: Bucketing) -> Stage:
    return bucket_of(f"${mapping.account}", by)


def _matching(mapping: CollectionMapping, key_range: KeyRange) -> list[Stage]:
    return [{"$match": condition} for condition in within(mapping, key_range)]


def _digest_of_values(mapping: CollectionMapping, salt: str, *, is_truth: bool) -> Stage:
    def hashed(locked: Locked) -> Stage:
        ids = [f"${mapping.account}", f"${mapping.currency}"]
        return _remainder([salt, *ids, *_amounts(mapping, locked)])

    if is_truth:
        return _if_sound(usual_truth(mapping), truth_rules(mapping), hashed, hashed)
    return _if_sound(usual(mapping), rules(mapping), hashed, hashed)


def _digest_of_texts(mapping: CollectionMapping, salt: str, *, is_truth: bool) -> Stage:
    def hashed(locked: Locked, *types: object) -> Stage:
        available, locked_text = _amounts(mapping, locked)
        amounts = [available, " ", locked_text, " "]
        # The salt between the ids keeps them apart, and that before all keeps MD5 from having
        # taken a block by then in which documents that were made to collide are already one.
        ids = [f"${mapping.currency}", salt, f"${mapping.account}"]
        return _remainder({"$concat": [salt, *amounts, *types, *ids]})

    def of_decimals(locked: Locked) -> Stage:
        return hashed(locked, _ALL_DECIMAL)

    def of_whatever(locked: Locked) -> Stage:
        amounts = [f"${mapping.available}", locked(mapping), f"${mapping.total}"]
        return hashed(locked, *[{"$type": amount} for amount in amounts])

    if is_truth:
        return _if_sound(usual_truth(mapping), truth_rules(mapping), of_decimals, of_decimals)
    # Types that are hashed need not be asked for: of what is sound they are decimals.
    if has_usual_total(mapping):
        total = total_holds(mapping, locked_as_stored(mapping))
        return _if_sound([total], rules(mapping), of_whatever, of_decimals)
    return _if_sound(usual(mapping), rules(mapping), of_decimals, of_decimals)


def _if_sound(
    usual: list[Stage],
    sound: list[Stage],
    of_usual: Callable[[Locked], Stage],
    of_sound: Callable[[Locked], Stage],
) -> Stage:
    whole = {"$cond": [{"$and": sound}, of_sound(locked_or_zero), _NOTHING_PROVED]}
    return {"$cond": [{"$and": usual}, of_usual(locked_as_stored), whole]}


def _amounts(mapping: CollectionMapping, locked: Locked) -> list[Stage]:
    amounts = (f"${mapping.available}", locked(mapping))
    # By its number the server need not look up a type by its name for each document.
    return [{"$convert": {"input": amount, "to": STRING}} for amount in amounts]


def _remainder(value: object) -> Stage:
    return {"$mod": [{"$toHashedIndexKey": value}, Int64(HASH_MODULUS)]}
