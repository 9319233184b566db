"""Measures what docs/scaling.md derives from: `python -m benchmarks.cluster [ACCOUNTS [ROUNDS]]`.

One exact scan by one process, then by one and by two workers of a Dask cluster on the same machine,
in turns on the same data; and how much room an account takes. It needs the extra `cluster`.
"""

import asyncio
import sys
import time
from typing import Any

import distributed

from benchmarks.figures import Spread, ratios
from benchmarks.machine import description, peak_memory_mb
from benchmarks.population import Population, connect
from reconciler.cluster.connection import DaskWorkers
from reconciler.cluster.sources import ClusterBalanceStore
from reconciler.cluster.tasks import Access
from reconciler.embedded import EmbeddedMongo
from reconciler.model.comparison import DEFAULT_DOUBLE_TOLERANCE
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import ScanMethod, Verdict
from reconciler.scanning.ports import BalanceStore
from reconciler.scanning.rules import ScanOptions
from reconciler.scanning.scanner import Scanner
from reconciler.storage.balances import MongoBalanceStore

DATABASE = "bench_cluster"
ACCOUNTS, ROUNDS, SEED, CACHE_GB = 200_000, 5, 2025, 1.0


async def rate(store: BalanceStore, accounts: int) -> float:
    """Scan once; give accounts per second.

    Raises:
        RuntimeError: the scan did not see all of them sound.
    """
    scanner = Scanner(
        store, DEFAULT_MAPPINGS, ScanOptions(method=ScanMethod.EXACT, ranges_parallel=2)
    )
    begun = time.monotonic()
    report = await scanner.scan_all()
    if report.verdict is not Verdict.HEALTHY or report.coverage.accounts != accounts:
        raise RuntimeError(f"the scan did not see {accounts} sound accounts: {report.incomplete}")
    return accounts / (time.monotonic() - begun)


async def in_turns(
    uri: str, here: MongoBalanceStore, accounts: int, rounds: int
) -> dict[str, Spread]:
    """Scan in each way, round by round; and see how much memory workers ever held."""
    found: dict[str, Spread] = {}
    access = Access(uri, DATABASE, 5.0, 5.0)
    for count in (1, 2):
        async with (
            distributed.LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=count, threads_per_worker=1, dashboard_address=None, asynchronous=True
            ) as cluster,
            DaskWorkers(cluster.scheduler_address) as workers,
        ):
            by_workers = ClusterBalanceStore(
                here,
                workers,
                access,
                DEFAULT_MAPPINGS,
                double_tolerance=lambda: DEFAULT_DOUBLE_TOLERANCE,
            )
            await rate(by_workers, accounts)
            alone, together = [], []
            for _ in range(rounds):
                alone.append(await rate(here, accounts))
                together.append(await rate(by_workers, accounts))
            found[f"accounts/s of one process, beside {count} worker(s)"] = Spread(tuple(alone))
            found[f"accounts/s of {count} worker(s)"] = Spread(tuple(together))
            found[f"{count} worker(s) against one process"] = ratios(together, alone)
            async with distributed.Client(cluster, asynchronous=True) as asking:  # type: ignore[no-untyped-call]
                peaks = await asking.run(peak_memory_mb)
            found[f"peak MB of each of {count} worker(s)"] = Spread(tuple(peaks.values()))
    return found


async def room(database: Any, accounts: int) -> dict[str, float]:
    """Give the bytes that an account takes in all four collections together."""
    names = DEFAULT_MAPPINGS.names
    stats = [await database.command("collStats", name) for name in names]
    fields = ("size", "storageSize", "totalIndexSize")
    return {name: sum(each[name] for each in stats) / accounts for name in fields}


async def main(accounts: int = ACCOUNTS, rounds: int = ROUNDS) -> None:
    """Measure, and print."""
    async with EmbeddedMongo(cache_gb=CACHE_GB) as server, connect(server.uri) as client:
        await Population(accounts, SEED).load(client[DATABASE])
        here = MongoBalanceStore(client[DATABASE], DEFAULT_MAPPINGS)
        print(await description(server.uri))
        sizes = await room(client[DATABASE], accounts)
        for name, size in sizes.items():
            print(f"{name}: {size:.0f} bytes an account")
        for name, spread in (await in_turns(server.uri, here, accounts, rounds)).items():
            print(f"{name}: {spread.shown(2 if 'against' in name else 0)}")


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
