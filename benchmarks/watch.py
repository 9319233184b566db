"""The watch of a running daemon: how soon it has a drift confirmed, and what it costs who posts.

Everything runs on the same machine: the server, the daemon, and whoever posts.
"""

import asyncio
import random
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bson import Decimal128

from benchmarks.daemon import running_daemon
from benchmarks.figures import Bar, Section, Spread, Table, ratios
from benchmarks.load import quantile
from benchmarks.population import Database, connect, make_indexes
from benchmarks.traffic import Traffic, posting
from reconciler.embedded import EmbeddedMongo
from reconciler.sync import BalanceSync, Leg

P50_SECONDS_MAX = 1.0
P99_SECONDS_MAX = 2.0
COST_MAX = 0.20
DATABASE = "exchange"
CURRENCY = "BTC"
AMOUNT = Decimal("0.001")
# Traffic goes over so many accounts; the drifts are on others.
TRAFFIC_USERS = [f"traffic-{number}" for number in range(2_000)]
LOOK_SECONDS = 0.005
FOUND_SECONDS_MAX = 30.0
WARM_SECONDS = 1.0
_LEGS_EACH = 50


@dataclass(frozen=True)
class WatchSizes:
    """How much is measured: drifts, the traffic meanwhile, and the pairs of the cost."""

    drifts: int
    postings_per_second: int
    callers: int
    pairs: int
    seconds: float


async def measure(sizes: WatchSizes, *, seed: int, bars: bool) -> Section:
    """Measure on a server of its own, with a daemon in a process of its own."""
    async with EmbeddedMongo(cache_gb=1.0) as server, connect(server.uri) as client:
        database = client[DATABASE]
        await make_indexes(database)
        sync = BalanceSync(database)
        await _seed(sync, [f"drift-{n}" for n in range(sizes.drifts)])
        await _seed(sync, TRAFFIC_USERS)
        await _seed(sync, [f"caller-{n}" for n in range(sizes.callers)])
        async with running_daemon(server.uri, DATABASE):
            waits, rate = await _detections(database, sizes, seed)
        on, off = await _cost(server.uri, sync, sizes)
        await sync.close()
    return _section(waits, rate, on, off, sizes, has_bars=bars)


async def _seed(sync: BalanceSync, users: list[str]) -> None:
    for start in range(0, len(users), _LEGS_EACH):
        legs = [Leg(user, CURRENCY, 1_000_000) for user in users[start : start + _LEGS_EACH]]
        await sync.post(legs, reason="seed")


async def _detections(
    database: Database, sizes: WatchSizes, seed: int
) -> tuple[list[float], float]:
    """Drift one account after the other under traffic; give the waits, and the traffic's rate."""
    moments = random.Random(seed)
    waits = []
    traffic = Traffic(database, TRAFFIC_USERS, CURRENCY, sizes.postings_per_second)
    async with posting(traffic, AMOUNT, seed=seed):
        await asyncio.sleep(WARM_SECONDS)
        begun, count = time.perf_counter(), traffic.count
        for number in range(sizes.drifts):
            await asyncio.sleep(moments.uniform(0, 0.1))
            waits.append(await _detection(database, f"drift-{number}"))
        rate = (traffic.count - count) / (time.perf_counter() - begun)
    return waits, rate


async def _detection(database: Database, user: str) -> float:
    """Write past the library; give the seconds until the finding can be read as confirmed.

    Raises:
        RuntimeError: it was not found.
    """
    wanted = {"user_id": user, "state": "confirmed"}
    begun = time.perf_counter()
    await database["crypto_balances"].update_one(
        {"user_id": user, "currency": CURRENCY}, {"$inc": {"available_balance": Decimal128("-1")}}
    )
    while (waited := time.perf_counter() - begun) < FOUND_SECONDS_MAX:
        if await database["integrity_findings"].find_one(wanted, {"_id": 1}) is not None:
            return waited
        await asyncio.sleep(LOOK_SECONDS)
    raise RuntimeError(f"the drift of {user} was not found in {FOUND_SECONDS_MAX:g} seconds")


async def _cost(uri: str, sync: BalanceSync, sizes: WatchSizes) -> tuple[list[float], list[float]]:
    """Give the postings per second beside a daemon that watches, and beside one that does not."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    for number in range(sizes.pairs):
        for is_on in (True, False) if number % 2 == 0 else (False, True):
            async with running_daemon(uri, DATABASE, WATCH__ENABLED=str(is_on).lower()):
                rates[is_on].append(await _rate(sync, sizes.callers, sizes.seconds))
    return rates[True], rates[False]


async def _rate(sync: BalanceSync, callers: int, seconds: float) -> float:
    begins_at = time.perf_counter() + WARM_SECONDS
    ends_at = begins_at + seconds

    async def caller(number: int) -> int:
        count = 0
        while (now := time.perf_counter()) < ends_at:
            await sync.credit(f"caller-{number}", CURRENCY, AMOUNT, "bench")
            count += now >= begins_at
        return count

    counts = await asyncio.gather(*(caller(number) for number in range(callers)))
    return sum(counts) / (time.perf_counter() - begins_at)


def _section(
    waits: list[float],
    rate: float,
    on: list[float],
    off: list[float],
    sizes: WatchSizes,
    *,
    has_bars: bool,
) -> Section:
    p50, p99 = quantile(waits, 0.5), quantile(waits, 0.99)
    share = ratios(on, off)
    cost = 1 - share.median
    detection = Table(
        "From a bypassing write to its confirmed finding, settings as they are by default",
        ("figure", "observed"),
        (
            ("drifts, one after the other", f"{len(waits)}"),
            ("postings a second meanwhile", f"{rate:,.0f}"),
            ("p50, s", f"{p50:.2f}"),
            ("p99, s", f"{p99:.2f}"),
            ("most, s", f"{max(waits):.2f}"),
        ),
    )
    costs = Table(
        f"Postings per second by {sizes.callers} callers, in {sizes.pairs} pairs that take turns",
        ("daemon", "median (least to most)"),
        (
            ("without the watch", Spread(tuple(off)).shown()),
            ("with the watch", Spread(tuple(on)).shown()),
            ("with / without", share.shown(2)),
        ),
    )
    data: dict[str, Any] = {
        "wait_seconds": waits,
        "traffic_per_second": rate,
        "postings_per_second_with": Spread(tuple(on)).as_json(),
        "postings_per_second_without": Spread(tuple(off)).as_json(),
        "ratio": share.as_json(),
    }
    found = bars_of(p50, p99, rate, cost, sizes) if has_bars else ()
    return Section("watch", (detection, costs), data, found)


def bars_of(p50: float, p99: float, rate: float, cost: float, sizes: WatchSizes) -> tuple[Bar, ...]:
    """Hold the measured figures against what they must be."""
    wanted_rate = sizes.postings_per_second
    return (
        Bar(
            "p50 from a bypassing write to its confirmed finding",
            f"below {P50_SECONDS_MAX:g} s",
            f"{p50:.2f} s",
            p50 < P50_SECONDS_MAX,
        ),
        Bar(
            "p99 of that",
            f"below {P99_SECONDS_MAX:g} s",
            f"{p99:.2f} s",
            p99 < P99_SECONDS_MAX,
        ),
        Bar(
            "the traffic meanwhile",
            f"at least 95 % of {wanted_rate} postings/s",
            f"{rate:.0f} postings/s",
            rate >= 0.95 * wanted_rate,
        ),
        Bar(
            f"cost of the watch to {sizes.callers} posting callers",
            f"at most {COST_MAX:.0%} fewer postings/s",
            f"{cost:.1%} fewer",
            cost <= COST_MAX,
        ),
    )
