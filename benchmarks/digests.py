"""The whole check by digests against the ways to do without: all in one run, on the same data."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bson import Decimal128

from benchmarks.children import child
from benchmarks.figures import Bar, Section, Spread, Table, ratios
from benchmarks.population import Database, Population, connect
from reconciler.embedded import EmbeddedMongo

DRIFTS = 5
GROWTH = 4
# A peer that wastes time of its own would be no peer.
NAIVE_OF_BARE_MIN = 0.8
MEMORY_MB_MAX = 200.0
# The same at both sizes, but for what one run differs from another.
MEMORY_GROWTH_MAX = 1.25

Run = dict[str, Any]
Way = Callable[[], Awaitable[Run]]

# What each way is called in tables and pictures.
LABELS = {
    "naive": "naive check, `find_one` by `find_one`",
    "union": "one `$unionWith` and `$group`",
    "arrow": "PyMongoArrow and an anti-join",
    "exact": "exact scan",
    "digest": "digest scan",
    "drifted": f"digest scan, {DRIFTS} drifts",
    "bare": "bare `$group`, the floor",
}


@dataclass(frozen=True)
class Wanted:
    """How one way must compare with another one, in accounts per second."""

    way: str
    against: str
    times_min: float


WANTED = (
    Wanted("digest", "naive", 150),
    Wanted("digest", "union", 8),
    Wanted("digest", "arrow", 1.3),
    Wanted("arrow", "naive", 100),
    Wanted("digest", "bare", 0.2),
    Wanted("drifted", "digest", 1 / 1.6),
    Wanted("exact", "naive", 70),
)


async def measure(*, accounts: int, rounds: int, sample: int, seed: int, bars: bool) -> Section:
    """Measure on a server of its own, the ways by turns, each in a process of its own."""
    sizes = {"small": accounts // GROWTH, "half": accounts // 2, "large": accounts}
    populations = {name: Population(size, seed) for name, size in sizes.items()}
    # All sizes fit into the cache, as they would by the server's own default on most machines: how
    # fast a disk is, and what was thrown out for what, is no part of the question.
    async with EmbeddedMongo(cache_gb=3.0) as server, connect(server.uri) as client:
        for name, population in populations.items():
            await population.load(client[name])
        ways = _ways(server.uri, client["large"], populations, sample)
        runs: dict[str, list[Run]] = {name: [] for name in ways}
        for number in range(rounds):
            # Each round begins with another way; so none is always warmed by the same one.
            names = list(ways)[number % len(ways) :] + list(ways)[: number % len(ways)]
            for name in names:
                runs[name].append(await ways[name]())
    return _section(runs, sizes, has_bars=bars)


def _ways(
    uri: str, large: Database, populations: Mapping[str, Population], sample: int
) -> dict[str, Way]:
    population = populations["large"]
    numbers = [population.accounts, population.seed, min(sample, population.accounts // 2)]

    def peer(module: str, *arguments: object) -> Way:
        async def run() -> Run:
            found = await child(f"benchmarks.peers.{module}", uri, "large", *map(str, arguments))
            return _checked(found, accounts=numbers[2] if arguments else numbers[0])

        return run

    def scan(name: str, method: str) -> Way:
        async def run() -> Run:
            return _checked(await _scan(uri, name, method), populations[name].accounts)

        return run

    async def drifted() -> Run:
        drawn = await large["wallets"].aggregate([{"$sample": {"size": DRIFTS}}])
        wallets = await drawn.to_list()
        await _drift(large, wallets, by="1")
        try:
            return _checked(await _scan(uri, "large", "digest"), numbers[0], mismatches=DRIFTS)
        finally:
            await _drift(large, wallets, by="-1")

    return {
        "naive": peer("naive", *numbers),
        "digest": scan("large", "digest"),
        "union": peer("union_with"),
        "arrow": peer("arrow"),
        "bare": peer("bare_group"),
        "drifted": drifted,
        "exact": scan("large", "exact"),
        "digest_small": scan("small", "digest"),
        "digest_half": scan("half", "digest"),
        "exact_small": scan("small", "exact"),
        "exact_half": scan("half", "exact"),
    }


async def _scan(uri: str, name: str, method: str) -> Run:
    found = await child("benchmarks.scanning_client", uri, name, method)
    if found["method"] != method or found["incomplete"]:
        raise RuntimeError(f"this was no whole scan by {method}: {found}")
    return found


async def _drift(database: Database, wallets: Sequence[Mapping[str, Any]], *, by: str) -> None:
    for wallet in wallets:
        account = {"user_id": wallet["user_id"], "currency": wallet["currency"]}
        increments = dict.fromkeys(("available_balance", "balance"), Decimal128(by))
        await database["crypto_balances"].update_one(account, {"$inc": increments})


def _checked(found: Run, accounts: int, *, mismatches: int = 0) -> Run:
    """Give a run back, or refuse it: what did not look at everything is not compared."""
    if (found["accounts"], found["mismatches"]) != (accounts, mismatches):
        raise RuntimeError(f"not {accounts} accounts with {mismatches} mismatches: {found}")
    return found


def _rates(runs: Sequence[Run]) -> list[float]:
    return [run["accounts"] / run["seconds"] for run in runs]


def _section(
    runs: Mapping[str, Sequence[Run]], sizes: Mapping[str, int], *, has_bars: bool
) -> Section:
    rates = {name: _rates(each) for name, each in runs.items()}
    rows = [
        (
            LABELS[name],
            Spread(tuple(rates[name])).shown(),
            ratios(rates[name], rates["naive"]).shown(1),
        )
        for name in sorted(LABELS, key=lambda name: Spread(tuple(rates[name])).median)
    ]
    growth = []
    for method in ("digest", "exact"):
        for size, accounts in sizes.items():
            of_size = runs[method if size == "large" else f"{method}_{size}"]
            seconds = Spread(tuple(run["seconds"] for run in of_size))
            memory = Spread(tuple(run["peak_memory_mb"] for run in of_size))
            label = f"{LABELS[method]}, {accounts:,} accounts"
            growth.append((label, seconds.shown(2), memory.shown(1)))
    columns = ("way", "accounts/s: median (least to most)", "against naive")
    title = f"The whole check of {sizes['large']:,} accounts"
    return Section(
        "digest",
        (
            Table(title, columns, tuple(rows)),
            Table("Time and peak memory of the client", ("scan", "seconds", "MB"), tuple(growth)),
        ),
        {"sizes": dict(sizes), "runs": {name: list(each) for name, each in runs.items()}},
        bars_of(runs) if has_bars else (),
    )


def bars_of(runs: Mapping[str, Sequence[Run]]) -> tuple[Bar, ...]:
    """Hold the measured figures against what they must be."""
    rates = {name: _rates(each) for name, each in runs.items()}
    bars = []
    for wanted in WANTED:
        times = ratios(rates[wanted.way], rates[wanted.against]).median
        bars.append(
            Bar(
                f"{LABELS[wanted.way]} against {LABELS[wanted.against]}",
                f"at least {wanted.times_min:.3g} times its rate",
                f"{times:.3g} times",
                times >= wanted.times_min,
            )
        )
    bare = [run["accounts"] / run["bare_seconds"] for run in runs["naive"]]
    of_bare = ratios(rates["naive"], bare).median
    bars.append(
        Bar(
            f"{LABELS['naive']} against only asking",
            f"at least {NAIVE_OF_BARE_MIN:g} times its rate",
            f"{of_bare:.3g} times",
            of_bare >= NAIVE_OF_BARE_MIN,
        )
    )
    seconds = {name: [run["seconds"] for run in each] for name, each in runs.items()}
    growth = ratios(seconds["digest"], seconds["digest_small"]).median
    bars.append(
        Bar(
            f"time of the digest scan with {GROWTH} times the accounts",
            "at most 4.4 times",
            f"{growth:.2f} times",
            growth <= 4.4,
        )
    )
    for method in ("digest", "exact"):
        bars += _memory_bars(method, runs[method], runs[f"{method}_small"])
    return tuple(bars)


def _memory_bars(method: str, large: Sequence[Run], small: Sequence[Run]) -> list[Bar]:
    peaks = [Spread(tuple(run["peak_memory_mb"] for run in each)) for each in (large, small)]
    most = max(peaks[0].values)
    growth = peaks[0].median / peaks[1].median
    return [
        Bar(
            f"client memory of the {LABELS[method]}",
            f"below {MEMORY_MB_MAX:g} MB",
            f"{most:.1f} MB",
            most < MEMORY_MB_MAX,
        ),
        Bar(
            f"client memory of the {LABELS[method]} with {GROWTH} times the accounts",
            f"at most {MEMORY_GROWTH_MAX:g} times",
            f"{growth:.2f} times",
            growth <= MEMORY_GROWTH_MAX,
        ),
    ]
