"""One aggregation in the server: `$unionWith` of the four collections, and a `$group` by account.

`python -m benchmarks.peers.union_with URI DATABASE` prints JSON. An account is wrong if it has not
four documents with the same available, locked and total amount, or breaks a rule by itself. Fields
are cut out before they are put together, which makes it quicker, and the server may use its disk.
"""

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from bson import Decimal128
from pymongo import MongoClient

from reconciler.model.mapping import DEFAULT_MAPPINGS, CollectionMapping


def pipeline() -> list[dict[str, Any]]:
    """Make the pipeline, to be run on the first collection; it gives one document of counts."""
    first, *others = list(DEFAULT_MAPPINGS)
    unions: list[dict[str, Any]] = [
        {"$unionWith": {"coll": other.name, "pipeline": [_cut_out(other)]}} for other in others
    ]
    amounts = {
        f"{end}_{field}": {operator: f"${field}"}
        for field in ("a", "l", "t")
        for end, operator in (("least", "$min"), ("most", "$max"))
    }
    wrong = {
        "$or": [
            {"$ne": ["$n", len(others) + 1]},
            *[{"$ne": [f"$least_{field}", f"$most_{field}"]} for field in ("a", "l", "t")],
            {"$lt": ["$least_a", Decimal128("0")]},
            {"$lt": ["$least_l", Decimal128("0")]},
            {"$ne": ["$most_t", {"$add": ["$most_a", "$most_l"]}]},
        ]
    }
    return [
        _cut_out(first),
        *unions,
        {"$group": {"_id": {"u": "$u", "c": "$c"}, "n": {"$sum": 1}, **amounts}},
        {
            "$group": {
                "_id": None,
                "accounts": {"$sum": 1},
                "mismatches": {"$sum": {"$cond": [wrong, 1, 0]}},
            }
        },
    ]


def main(arguments: Sequence[str]) -> None:
    """Measure one round."""
    uri, name = arguments
    with MongoClient[dict[str, Any]](uri) as client, client.start_session(snapshot=True) as session:
        client.admin.command("ping")
        started = time.perf_counter()
        first = client[name][DEFAULT_MAPPINGS.names[0]]
        (found,) = first.aggregate(pipeline(), session=session, allowDiskUse=True)
        elapsed = time.perf_counter() - started
    counts = {"accounts": found["accounts"], "mismatches": found["mismatches"]}
    json.dump(counts | {"seconds": elapsed}, sys.stdout)


def _cut_out(mapping: CollectionMapping) -> dict[str, Any]:
    return {
        "$project": {
            "_id": 0,
            "u": f"${mapping.account}",
            "c": f"${mapping.currency}",
            "a": f"${mapping.available}",
            "l": f"${mapping.locked}",
            "t": f"${mapping.total}",
        }
    }


if __name__ == "__main__":
    main(sys.argv[1:])
