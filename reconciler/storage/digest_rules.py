"""When the digest of a document may stand for it: the conditions, as the server evaluates them.

What equal digests prove is not asked again in each collection: sign, size and the types of the ids
are checked in the source of truth alone. The types of all amounts are checked in each, or hashed
with them, because a double may have a decimal's text; and so is the total, which is not in the
digest. A total that is a double is never found right here: what it says is its shortest text, and
the server compares its binary value.

Nearly all documents have all fields. They are found sound by the few conditions of `usual`, and
only where these fail is a document asked for all that `rules` say.
"""

from reconciler.model.mapping import CollectionMapping, TotalMeaning
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
from reconciler.storage.shape import TOO_LARGE, ZERO, Stage, exact_sum

# Types of which the hash takes every byte. It cuts numbers to integers; and whoever is grouped by
# a symbol may be a string's namesake or not.
_FAITHFUL_NAMES = sorted(
    TYPE_NAMES[code] for code in (STRING, OBJECT_ID, BINARY, BOOL, DATE, TIMESTAMP)
)


def has_usual_total(mapping: CollectionMapping) -> bool:
    """Whether both amounts add up to the total."""
    return mapping.total is not None and mapping.total_means is TotalMeaning.AVAILABLE_PLUS_LOCKED


def total_holds(mapping: CollectionMapping, locked: object) -> Stage:
    """Make the condition that a total is what it means, whatever its type; no amount is missing.

    It does not look at digits that are rounded away, see `truth_rules`.
    """
    available = f"${mapping.available}"
    meant = {"$add": [available, locked]} if has_usual_total(mapping) else available
    return {"$eq": [meant, f"${mapping.total}"]}


def usual(mapping: CollectionMapping) -> list[Stage]:
    """Make the conditions of `rules` for a document with all fields, which is soonest seen."""
    available, locked = f"${mapping.available}", locked_as_stored(mapping)
    are_decimals = [_is(available, "decimal"), _is(locked, "decimal")]
    if mapping.total is None:
        return are_decimals
    holds = total_holds(mapping, locked)
    return [*are_decimals, _is(f"${mapping.total}", "decimal"), holds]


def usual_truth(mapping: CollectionMapping) -> list[Stage]:
    """Make the conditions of `truth_rules` for such a document whose ids are texts."""
    available, locked, total = (
        f"${mapping.available}",
        locked_as_stored(mapping),
        f"${mapping.total}",
    )
    amounts = [_is(available, "decimal"), _is(locked, "decimal")]
    ids = [_is(f"${field}", "string") for field in (mapping.account, mapping.currency)]
    if has_usual_total(mapping):
        is_total = [_is(total, "decimal"), {"$lt": [total, TOO_LARGE]}]
        return [*ids, *amounts, *is_total, _adds_up_exactly(total, available, locked)]
    added: Stage = {"$add": [available, locked]}
    is_sum = [{"$lt": [added, TOO_LARGE]}, _adds_up_exactly(added, available, locked)]
    if mapping.total is None:
        return [*ids, *amounts, *is_sum]
    return [*ids, *amounts, *is_sum, _is(total, "decimal"), {"$eq": [available, total]}]


def rules(mapping: CollectionMapping) -> list[Stage]:
    """Make the conditions under which an equal digest proves that a document is right.

    The sum of its amounts needs no look at digits, see `truth_rules`.
    """
    if mapping.total is None:
        return _decimals(mapping)
    holds = total_holds(mapping, locked_or_zero(mapping))
    return [*_decimals(mapping), _missing_or(f"${mapping.total}", holds)]


def truth_rules(mapping: CollectionMapping) -> list[Stage]:
    """Make the conditions of the source of truth: with equal digests they hold in all collections.

    The amounts are not negative, and their sum is exact and has at most 34 digits; so whatever
    collection adds the same amounts rounds nothing. By `shape.exact_sum` both differences show it.
    """
    available, locked = f"${mapping.available}", locked_or_zero(mapping)
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


def _adds_up_exactly(total: object, available: object, locked: object) -> Stage:
    """Make the condition that neither amount is negative and their sum, unrounded, is the total.

    The larger amount is at least half of such a total, so that the difference of these two is exact
    (Sterbenz's lemma), which that of the total and the smaller one need not be.
    """

    def of(larger: object, smaller: object) -> Stage:
        difference = {"$subtract": [total, larger]}
        return {"$and": [{"$gte": [smaller, ZERO]}, {"$eq": [difference, smaller]}]}

    is_locked_smaller = {"$gte": [available, locked]}
    return {"$cond": [is_locked_smaller, of(available, locked), of(locked, available)]}


def _exact_and_in_range(total: object, available: object, locked: object) -> Stage:
    """Make the condition of a sum; it bounds its parts as well, which are not negative."""
    return {"$and": [{"$lt": [total, TOO_LARGE]}, *exact_sum(total, available, locked)]}


def locked_as_stored(mapping: CollectionMapping) -> str:
    """Make the locked amount, which may be missing."""
    return f"${mapping.locked}"


def locked_or_zero(mapping: CollectionMapping) -> Stage:
    """Make the locked amount, a missing one being zero."""
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
