"""The naive check: for each account, `find_one` in each collection, and compare.

`python -m benchmarks.peers.naive URI DATABASE ACCOUNTS SEED SAMPLE` checks SAMPLE random accounts
of the population and prints JSON. It has its best settings: the blocking client, which is the
quicker one for a reader that waits for each answer, one warm connection, the unique index to find
each document by, and a projection to the fields that it compares. It is given the accounts; a real
one would have to list them first. What its own code costs is told beside it: `bare_seconds` is what
it takes to ask for the same accounts once more and to do nothing with the answers.
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
_TURN_ACCOUNTS = 100

Readers = Sequence[tuple[Collection[dict[str, Any]], str, str | None]]


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
        elapsed = bare_elapsed = 0.0
        differing = 0
        # By turns of a hundred, so that whatever else the machine does slows both.
        for begin in range(_WARM_UP_ACCOUNTS, len(chosen), _TURN_ACCOUNTS):
            turn = chosen[begin : begin + _TURN_ACCOUNTS]
            started = time.perf_counter()
            differing += check(readers, turn)
            between = time.perf_counter()
            ask(readers, turn)
            elapsed += between - started
            bare_elapsed += time.perf_counter() - between
    counts = {"accounts": len(chosen) - _WARM_UP_ACCOUNTS, "mismatches": differing}
    json.dump(counts | {"seconds": elapsed, "bare_seconds": bare_elapsed}, sys.stdout)


def ask(readers: Readers, keys: Sequence[tuple[str, str]]) -> None:
    """Find what the check finds, and nothing else: the least that `find_one` takes."""
    projections = projections_of(readers)
    for user_id, currency in keys:
        for (collection, account, _), projection in zip(readers, projections, strict=True):
            collection.find_one({account: user_id, "currency": currency}, projection)


def projections_of(readers: Readers) -> list[dict[str, int]]:
    """Name the fields that are compared, for each collection."""
    return [
        {"_id": 0, "available_balance": 1, "locked_balance": 1, str(total): 1}
        for _, _, total in readers
    ]


def check(readers: Readers, keys: Sequence[tuple[str, str]]) -> int:
    """Count the accounts whose copies are not all there and equal."""
    projections = projections_of(readers)
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
