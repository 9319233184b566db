"""Finds the accounts that keep a unique index from being made."""

from typing import Any

from reconciler.model.identity import Account
from reconciler.model.mapping import CollectionMapping
from reconciler.model.schema import DuplicateAccount
from reconciler.storage.calls import Calls, Database
from reconciler.storage.elements import RawValue
from reconciler.storage.ordering import number_of
from reconciler.storage.wire import identifier_from

DUPLICATES_MAX = 100


async def doubled_accounts(
    calls: Calls, database: Database, mapping: CollectionMapping
) -> tuple[tuple[DuplicateAccount, ...], int]:
    """List accounts with more than one document in a collection, and count all of them."""
    listed: list[dict[str, Any]] = [
        {"$sort": {"n": -1, "u": 1, "c": 1}},
        {"$limit": DUPLICATES_MAX},
    ]
    rows = calls.rows(database, mapping.name, [*_doubled(mapping), *listed])
    found = [
        DuplicateAccount(
            Account(identifier_from(row.get("u")), identifier_from(row.get("c"))), _count(row["n"])
        )
        async for row in rows
    ]
    counted = calls.rows(database, mapping.name, [*_doubled(mapping), {"$count": "n"}])
    counts = [_count(row["n"]) async for row in counted]
    return tuple(found), sum(counts)


def _doubled(mapping: CollectionMapping) -> list[dict[str, Any]]:
    """Group by the key as a unique index sees it, which takes a missing field for null."""
    key = {
        "u": {"$ifNull": [f"${mapping.account}", None]},
        "c": {"$ifNull": [f"${mapping.currency}", None]},
    }
    return [
        {"$group": {"_id": key, "n": {"$sum": 1}}},
        {"$match": {"n": {"$gt": 1}}},
        {"$project": {"_id": 0, "u": "$_id.u", "c": "$_id.c", "n": 1}},
    ]


def _count(value: RawValue) -> int:
    return int(number_of(value))
