"""One exact scan in a process of its own, through the public scanner, and the memory it took.

`python -m benchmarks.scanning_client URI DATABASE` prints JSON.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence

from benchmarks.machine import peak_memory_mb
from benchmarks.population import connect
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.scanning.scanner import Scanner
from reconciler.storage.balances import MongoBalanceStore


async def scan(uri: str, name: str) -> dict[str, object]:
    """Scan all accounts once, with the default settings, on a connection that is open already."""
    async with connect(uri) as client:
        await client.admin.command("ping")
        scanner = Scanner(MongoBalanceStore(client[name], DEFAULT_MAPPINGS), DEFAULT_MAPPINGS)
        started, cpu_started = time.perf_counter(), time.process_time()
        report = await scanner.scan_all()
        elapsed, cpu_elapsed = time.perf_counter() - started, time.process_time() - cpu_started
    return {
        "status": report.verdict.value,
        "incomplete": report.incomplete,
        "accounts": report.coverage.accounts,
        "seconds": elapsed,
        "cpu_seconds": cpu_elapsed,
        "peak_memory_mb": peak_memory_mb(),
    }


def main(arguments: Sequence[str]) -> None:
    uri, name = arguments
    json.dump(asyncio.run(scan(uri, name)), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
