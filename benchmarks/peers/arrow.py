"""PyMongoArrow: all four collections into Arrow tables, and an anti-join of each with the first.

`python -m benchmarks.peers.arrow URI DATABASE` prints JSON. An account is wrong if no row of the
first table is equal to its row in another one, or the other way round; rules of a single document
are not checked. Two collections are read at a time, and Arrow joins on all cores. It holds
everything in memory.
"""

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow
from pymongo import MongoClient
from pymongoarrow.api import Schema, find_arrow_all
from pymongoarrow.types import Decimal128Type

from benchmarks.machine import peak_memory_mb
from reconciler.model.mapping import DEFAULT_MAPPINGS, CollectionMapping

COLLECTIONS_PARALLEL = 2


def main(arguments: Sequence[str]) -> None:
    """Measure one round."""
    uri, name = arguments
    with MongoClient[dict[str, Any]](uri) as client, client.start_session(snapshot=True) as session:
        database = client[name]
        client.admin.command("ping")
        started = time.perf_counter()
        database["wallets"].find_one({}, {"_id": 1}, session=session)  # fixes the moment

        def read(mapping: CollectionMapping) -> Any:
            names = _names(mapping)
            decimals = dict.fromkeys(names[2:], Decimal128Type())
            schema = Schema(dict.fromkeys(names[:2], pyarrow.string()) | decimals)
            projection = {"_id": 0} | dict.fromkeys(names, 1)
            found = find_arrow_all(
                database[mapping.name], {}, schema=schema, projection=projection, session=session
            )
            return _plain(found)

        with ThreadPoolExecutor(COLLECTIONS_PARALLEL) as threads:
            first, *others = threads.map(read, DEFAULT_MAPPINGS)
        mismatches = sum(_rows_without(first, other) for other in others)
        mismatches += sum(_rows_without(other, first) for other in others)
        elapsed = time.perf_counter() - started
    found = {"accounts": first.num_rows, "seconds": elapsed, "mismatches": mismatches}
    json.dump(found | {"peak_memory_mb": peak_memory_mb()}, sys.stdout)


def _names(mapping: CollectionMapping) -> list[str]:
    amounts = [mapping.available, mapping.locked, str(mapping.total)]
    return [mapping.account, mapping.currency, *amounts]


def _plain(table: Any) -> Any:
    """Name the columns alike, and take decimals as their bytes, which Arrow can join on."""
    columns = [column.combine_chunks() for column in table.columns]
    return pyarrow.table(
        [each.storage if isinstance(each, pyarrow.ExtensionArray) else each for each in columns],
        names=["u", "c", "a", "l", "t"],
    )


def _rows_without(left: Any, right: Any) -> int:
    joined = left.join(right, keys=left.column_names, join_type="left anti")
    return int(joined.num_rows)


if __name__ == "__main__":
    main(sys.argv[1:])
