"""One scan in a process of its own, through the public scanner, and the memory it took.

`python -m benchmarks.scanning_client URI DATABASE METHOD` prints JSON. A suspect is looked at again
at once: how long one waits before is a setting, and no cost.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence

from benchmarks.machine import peak_memory_mb
from benchmarks.population import connect
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import ScanMethod
from reconciler.scanning.rules import ScanOptions
from reconciler.scanning.scanner import Scanner
from reconciler.storage.balances import MongoBalanceStore


async def scan(uri: str, name: str, method: ScanMethod) -> dict[str, object]:
    """Scan all accounts once, with the default settings, on a connection that is open already."""
    async with connect(uri) as client:
        await client.admin.command("ping")
        store = MongoBalanceStore(client[name], DEFAULT_MAPPINGS)
        scanner = Scanner(store, DEFAULT_MAPPINGS, ScanOptions(method=method, settle_seconds=0))
        started, cpu_started = time.perf_counter(), time.process_time()
        report = await scanner.scan_all()
        elapsed, cpu_elapsed = time.perf_counter() - started, time.process_time() - cpu_started
    return {
        "status": report.verdict.value,
        "method": report.method.value,
        "mismatches": report.mismatch_count,
        "users": report.coverage.users,
        "currencies": report.coverage.currencies,
        "incomplete": report.incomplete,
        "accounts": report.coverage.accounts,
        "seconds": elapsed,
        "cpu_seconds": cpu_elapsed,
        "peak_memory_mb": peak_memory_mb(),
    }


def main(arguments: Sequence[str]) -> None:
    uri, name, method = arguments
    json.dump(asyncio.run(scan(uri, name, ScanMethod(method))), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
