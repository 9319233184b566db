"""The floor: the server reads currency and available in all four collections, and adds up.

`python -m benchmarks.peers.bare_group URI DATABASE` prints JSON. It checks nothing: no locked
amount, no total, no rule, no account. As of one moment, two collections at a time, as our digests.
"""

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pymongo import MongoClient

from reconciler.model.mapping import DEFAULT_MAPPINGS, CollectionMapping

COLLECTIONS_PARALLEL = 2


def main(arguments: Sequence[str]) -> None:
    """Measure one round."""
    uri, name = arguments
    with MongoClient[dict[str, Any]](uri) as client, client.start_session(snapshot=True) as session:
        database = client[name]
        started = time.perf_counter()
        database["wallets"].find_one({}, {"_id": 1}, session=session)  # fixes the moment

        def read(mapping: CollectionMapping) -> int:
            group = {
                "_id": f"${mapping.currency}",
                "n": {"$sum": 1},
                "available": {"$sum": f"${mapping.available}"},
            }
            found = database[mapping.name].aggregate([{"$group": group}], session=session)
            return sum(each["n"] for each in found)

        with ThreadPoolExecutor(COLLECTIONS_PARALLEL) as threads:
            counts = list(threads.map(read, DEFAULT_MAPPINGS))
        elapsed = time.perf_counter() - started
    json.dump({"accounts": min(counts), "seconds": elapsed, "mismatches": 0}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
