"""A running daemon that many clients ask while it scans: how long they wait, and what it costs.

The scan alone and the scan under load take turns, all in one daemon.
"""

import asyncio
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.daemon import running_daemon
from benchmarks.figures import Bar, Section, Spread, Table, ratios
from benchmarks.population import Population, connect
from reconciler.embedded import EmbeddedMongo

P99_SECONDS_MAX = 0.25
SLOWDOWN_MAX = 1.3
CHECK = "/api/integrity/check"
LOAD = f"{CHECK}?max_age_seconds=60"
# What a client waits between an answer and its next question, on average.
PAUSE_SECONDS = 1.0
DATABASE = "exchange"
# The daemon must be up, and each of its scans done, within so long.
WAIT_SECONDS_MAX = 120.0
_LINE_BYTES_MAX = 64 * 1024 * 1024
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Round:
    """One scan, and what clients met meanwhile; no client, no waits."""

    scan_seconds: float
    elapsed_seconds: float = 0.0
    waits: tuple[float, ...] = ()
    errors: tuple[str, ...] = ()


async def measure(*, accounts: int, rounds: int, clients: int, seed: int, bars: bool) -> Section:
    """Measure one daemon on a server of its own; the load comes from a process of its own."""
    async with EmbeddedMongo(cache_gb=1.0) as server:
        async with connect(server.uri) as client:
            await Population(accounts, seed).load(client[DATABASE])
        async with running_daemon(server.uri, DATABASE) as daemon:
            address = daemon.address
            await _scan(address, accounts)  # the first scan finds nothing warm
            alone: list[Round] = []
            loaded: list[Round] = []
            for number in range(rounds):
                for is_loaded in (False, True) if number % 2 == 0 else (True, False):
                    if is_loaded:
                        loaded.append(await _loaded(address, accounts, clients))
                    else:
                        alone.append(Round(await _scan(address, accounts)))
    return _section(alone, loaded, accounts=accounts, clients=clients, has_bars=bars)


async def _loaded(address: tuple[str, int], accounts: int, clients: int) -> Round:
    """Scan once while clients ask.

    Raises:
        RuntimeError: the clients could not begin, or the scan did not see all accounts.
    """
    arguments = [*map(str, address), LOAD, str(clients), str(PAUSE_SECONDS)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.load_client", *arguments),
        cwd=_ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES_MAX,
    )
    assert process.stdout is not None, "it was asked for"
    try:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            if await process.stdout.readline() != b"ready\n":
                raise RuntimeError("the clients could not begin")
            seconds = await _scan(address, accounts)
            output, _ = await process.communicate(b"")  # this ends its input
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    found = json.loads(output)
    return Round(seconds, found["elapsed_seconds"], tuple(found["seconds"]), tuple(found["errors"]))


async def _scan(address: tuple[str, int], accounts: int) -> float:
    """Have the daemon scan everything now; give the seconds until it answers.

    Raises:
        RuntimeError: it did not see that all is in sync.
    """
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection(*address, limit=_LINE_BYTES_MAX)
    host = f"{address[0]}:{address[1]}"
    writer.write(f"GET {CHECK} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        text = await reader.read()
    elapsed = time.perf_counter() - started
    writer.close()
    answer = json.loads(text.partition(b"\r\n\r\n")[2])
    if (answer.get("status"), answer.get("checked_balances")) != ("healthy", accounts):
        raise RuntimeError(f"the scan did not see {accounts} sound accounts: {answer}")
    return elapsed


def quantile(values: Sequence[float], share: float) -> float:
    """Give the least value that at least this share of all values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _section(
    alone: Sequence[Round], loaded: Sequence[Round], *, accounts: int, clients: int, has_bars: bool
) -> Section:
    scans = {
        "alone": Spread(tuple(each.scan_seconds for each in alone)),
        "loaded": Spread(tuple(each.scan_seconds for each in loaded)),
    }
    slowdown = ratios(scans["loaded"].values, scans["alone"].values)
    rates = Spread(tuple(len(each.waits) / each.elapsed_seconds for each in loaded))
    waits = {
        name: Spread(tuple(quantile(each.waits, share) for each in loaded))
        for name, share in (("p50", 0.5), ("p99", 0.99), ("most", 1.0))
    }
    requests = sum(len(each.waits) for each in loaded)
    errors = [error for each in loaded for error in each.errors]
    scan_rows = (
        ("scan alone", scans["alone"].shown(2), "1"),
        (f"scan, {clients} clients asking", scans["loaded"].shown(2), slowdown.shown(2)),
    )
    request_rows = (
        ("requests a second", rates.shown()),
        *((f"{name}, ms", _in_ms(spread).shown(1)) for name, spread in waits.items()),
        ("requests in all", f"{requests:,}"),
        ("errors", f"{len(errors):,}"),
    )
    return Section(
        "load",
        (
            Table(
                f"A full scan of {accounts:,} accounts by the daemon",
                ("way", "seconds: median (least to most)", "against alone"),
                scan_rows,
            ),
            Table(
                f"`GET {LOAD}` meanwhile, by {clients} clients that pause {PAUSE_SECONDS:g} s",
                ("figure", "by rounds: median (least to most)"),
                request_rows,
            ),
        ),
        {
            "accounts": accounts,
            "clients": clients,
            "pause_seconds": PAUSE_SECONDS,
            "scan_seconds": {name: spread.as_json() for name, spread in scans.items()},
            "slowdown": slowdown.as_json(),
            "requests": requests,
            "requests_per_second": rates.as_json(),
            "wait_seconds": {name: spread.as_json() for name, spread in waits.items()},
            "errors": errors,
        },
        bars_of(waits["p99"], slowdown, len(errors)) if has_bars else (),
    )


def _in_ms(spread: Spread) -> Spread:
    return Spread(tuple(value * 1000 for value in spread.values))


def bars_of(p99: Spread, slowdown: Spread, error_count: int) -> tuple[Bar, ...]:
    """Hold the measured figures against what they must be."""
    return (
        Bar(
            "p99 of the clients' waits while the daemon scans",
            f"below {P99_SECONDS_MAX * 1000:g} ms",
            f"{p99.median * 1000:.1f} ms",
            p99.median < P99_SECONDS_MAX,
        ),
        Bar(
            "scan under load against the scan alone",
            f"at most {SLOWDOWN_MAX:g} times",
            f"{slowdown.median:.2f} times",
            slowdown.median <= SLOWDOWN_MAX,
        ),
        Bar("errors of the clients", "none", f"{error_count}", error_count == 0),
    )
