"""The naive check: for each account, `find_one` in each collection, and compare.

`python -m benchmarks.peers.naive URI DATABASE ACCOUNTS SEED SAMPLE` checks SAMPLE random accounts
of the population and prints JSON. It has its best settings: the blocking client, which is the
quicker one for a reader that waits for each answer, one warm connection, the unique index to find
each document by, and a projection to the fields that it compares. It is given the accounts; a real
one would have to list them first.
"""

import json
import random
import sys
import time
from collections.abc import Sequence
from itertools import islice
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection

from benchmarks.population import Population
from reconciler.model.mapping import DEFAULT_MAPPINGS

_WARM_UP_ACCOUNTS = 100


def main(arguments: Sequence[str]) -> None:
    """Measure one sample, after a warm-up on other accounts."""
    uri, name, accounts, seed, sample = arguments
    population = Population(int(accounts), int(seed))
    keys = list(islice(population.keys(), population.accounts))
    # Another sample for each process, so that rounds do not find the last round's pages warm only.
    chosen = random.Random().sample(keys, min(len(keys), int(sample) + _WARM_UP_ACCOUNTS))
    with MongoClient[dict[str, Any]](uri, maxPoolSize=1) as client:
        readers = [(client[name][m.name], m.account, m.total) for m in DEFAULT_MAPPINGS]
        check(readers, chosen[:_WARM_UP_ACCOUNTS])
        started = time.perf_counter()
        differing = check(readers, chosen[_WARM_UP_ACCOUNTS:])
        elapsed = time.perf_counter() - started
    checked = len(chosen) - _WARM_UP_ACCOUNTS
    json.dump({"accounts": checked, "seconds": elapsed, "mismatches": differing}, sys.stdout)


def check(
    readers: Sequence[tuple[Collection[dict[str, Any]], str, str | None]],
    keys: Sequence[tuple[str, str]],
) -> int:
    """Count the accounts whose copies are not all there and equal."""
    projections = [
        {"_id": 0, "available_balance": 1, "locked_balance": 1, str(total): 1}
        for _, _, total in readers
    ]
    differing = 0
    for user_id, currency in keys:
        found = []
        for (collection, account, total), projection in zip(readers, projections, strict=True):
            document = collection.find_one({account: user_id, "currency": currency}, projection)
            if document is not None:
                amounts = (document["available_balance"], document["locked_balance"])
                found.append((*amounts, document[str(total)]))
        differing += len(found) != len(readers) or any(each != found[0] for each in found)
    return differing


if __name__ == "__main__":
    main(sys.argv[1:])
