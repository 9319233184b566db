"""The pipelines of the scan: documents of all collections in one shape, so that bytes compare.

A document comes as `{x, u, c, a, l}`: user id, currency, available and locked as they are stored.
`x` is there only where the server does not find the document sound in itself, and holds `t`, the
total, and `i`, the `_id`. What is read again by key comes as `{i, u, c, a, l, t, d}`.

`$expr` compares across types, which `$gte` and `$lt` of a query do not, so that ranges that meet
hold every document exactly once, also those whose id is missing or an array.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bson import Decimal128

from reconciler.model.mapping import CollectionMapping, TotalMeaning
from reconciler.scanning.ports import KeyRange
from reconciler.storage.bucketing import in_buckets
from reconciler.storage.elements import SCALAR_TYPES, TYPE_NAMES, RawValue

Stage = Mapping[str, Any]

SIMPLE_COLLATION = {"locale": "simple"}

_SCALAR_NAMES = sorted(TYPE_NAMES[code] for code in SCALAR_TYPES)
ZERO = Decimal128("0")
TOO_LARGE = Decimal128("1E+34")


def scan_pipeline(
    mapping: CollectionMapping,
    key_range: KeyRange,
    selected: Sequence[Stage],
    *,
    is_projected_first: bool = False,
) -> list[Stage]:
    """Make the pipeline that gives a range of a collection in the order of (user id, currency).

    The sort comes before the projection so that the server can take an index on these fields for
    it. A document in which both are arrays cannot be sorted so; `is_projected_first` does without
    the index, and such a document comes with nulls.
    """
    match = [*selected, *within(mapping, key_range)]
    first: list[Stage] = [{"$match": {"$and": match}}] if match else []
    if is_projected_first:
        projection = {**_projection(mapping), "u": _no_array(mapping.account)}
        projection["c"] = _no_array(mapping.currency)
        return [*first, {"$project": projection}, {"$sort": {"u": 1, "c": 1}}]
    order: Stage = {"$sort": {mapping.account: 1, mapping.currency: 1}}
    return [*first, order, {"$project": _projection(mapping)}]


def full_projection(mapping: CollectionMapping) -> Stage:
    """Make the stage that gives all mapped fields of a document."""
    fields = {
        "_id": 0,
        "i": "$_id",
        "u": f"${mapping.account}",
        "c": f"${mapping.currency}",
        "a": f"${mapping.available}",
        "l": f"${mapping.locked}",
        "d": f"${mapping.updated}",
    }
    return {"$project": fields | ({"t": f"${mapping.total}"} if mapping.total else {})}


def users_sample(mapping: CollectionMapping, key_range: KeyRange, size: int) -> list[Stage]:
    """Make the pipeline that draws user ids of a range at random."""
    return [
        *[{"$match": condition} for condition in within(mapping, key_range)],
        {"$sample": {"size": size}},
        {"$project": {"_id": 0, "u": f"${mapping.account}"}},
    ]


def one_of(field: str, values: Sequence[RawValue]) -> Stage:
    """Make the condition that a field has one of these values, which are only ever data."""
    return {"$or": [{field: value.under("$eq")} for value in values]}


def within(mapping: CollectionMapping, key_range: KeyRange) -> list[Stage]:
    """Make the conditions that a document lies in a range, and in its buckets if it has any."""
    field = f"${mapping.account}"
    bounds = (("$gte", key_range.lower), ("$lt", key_range.upper))
    comparisons: list[Stage] = [
        {operator: [field, bound.address.under("$literal")]}
        for operator, bound in bounds
        if bound is not None and isinstance(bound.address, RawValue)
    ]
    if key_range.buckets is not None:
        comparisons.append(in_buckets(field, key_range.buckets))
    return [{"$expr": {"$and": comparisons}}] if comparisons else []


def _projection(mapping: CollectionMapping) -> dict[str, Any]:
    total = {"t": f"${mapping.total}"} if mapping.total else {}
    return {
        "_id": 0,
        "x": {"$cond": [_is_sound(mapping), "$$REMOVE", total | {"i": "$_id"}]},
        "u": f"${mapping.account}",
        "c": f"${mapping.currency}",
        "a": f"${mapping.available}",
        "l": f"${mapping.locked}",
    }


def _no_array(field: str) -> Stage:
    return {"$cond": [{"$isArray": f"${field}"}, None, f"${field}"]}


def _is_sound(mapping: CollectionMapping) -> Stage:
    """Make the condition that one document alone breaks no rule of `compare` and holds no double.

    Types are checked first: a comparison alone would take a string for larger than any number.
    """
    available, locked = f"${mapping.available}", f"${mapping.locked}"
    locked_or_zero = {"$ifNull": [locked, ZERO]}
    conditions: list[Stage] = [
        {"$eq": [{"$type": available}, "decimal"]},
        {"$in": [{"$type": locked}, ["decimal", "missing"]]},
        # NaN is below all numbers, so that these leave finite amounts of at most 34 digits.
        {"$gte": [available, ZERO]},
        {"$lt": [available, TOO_LARGE]},
        {"$gte": [locked_or_zero, ZERO]},
        {"$lt": [locked_or_zero, TOO_LARGE]},
        {"$in": [{"$type": f"${mapping.account}"}, _SCALAR_NAMES]},
        {"$in": [{"$type": f"${mapping.currency}"}, _SCALAR_NAMES]},
    ]
    if mapping.total:
        total = f"${mapping.total}"
        holds = _total_holds(mapping.total_means, total, available, locked_or_zero)
        is_decimal = {"$eq": [{"$type": total}, "decimal"]}
        has_none = {"$eq": [{"$type": total}, "missing"]}
        in_range = {"$lt": [total, TOO_LARGE]}
        conditions.append({"$or": [has_none, {"$and": [is_decimal, in_range, *holds]}]})
    return {"$and": conditions}


def _total_holds(means: TotalMeaning, total: str, available: str, locked: Stage) -> list[Stage]:
    """Make the conditions that a total is exactly what it means."""
    if means is TotalMeaning.AVAILABLE:
        return [{"$eq": [total, available]}]
    return exact_sum(total, available, locked)


def exact_sum(total: object, available: object, locked: object) -> list[Stage]:
    """Make the conditions that a decimal is exactly the sum of two others, none being negative.

    `$add` rounds to 34 digits and would take 1E+33 + 1E-33 for 1E+33. `$subtract` rounds too, but
    not both of these: let q be the smallest quantum (unit in the last place) of t, a and l, all of
    which are below 10^34 of their own quanta and not negative.

    - t has q: t - a, if it is not negative, is at most t, a whole number of q below 10^34: exact.
      If it is negative, it does not equal l.
    - l has q: t - a equals l only if it lies near l, below 10^34 q, where every multiple of q has
      at most 34 digits: exact. (At 10^34 q and above it does not equal l, rounded or not.)
    - a has q: the same for t - l and a.

    So if both hold, one of them holds exactly, which is t = a + l; and if t = a + l, then both
    differences have at most 34 digits and are exact.
    """
    return [
        {"$eq": [{"$subtract": [total, available]}, locked]},
        {"$eq": [{"$subtract": [total, locked]}, available]},
    ]
