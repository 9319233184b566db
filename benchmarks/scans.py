"""Accounts per second of the exact scan, against the naive check, and the memory it takes."""

from typing import Any

from benchmarks.children import child
from benchmarks.figures import Bar, Section, Spread, Table, ratios
from benchmarks.population import Population, connect
from reconciler.embedded import EmbeddedMongo

RATIO_MIN = 50.0
PEAK_MB_MAX = 200.0
# With four times the accounts, the peak may differ by what one run differs from another.
PEAK_GROWTH_MAX = 1.25
SMALL_SHARE = 4
DOUBLE_SHARE = 0.03


async def measure(*, accounts: int, rounds: int, sample: int, seed: int, bars: bool) -> Section:
    """Measure on a server of their own: naive check and scan by turns, each in a child process."""
    large = Population(accounts, seed)
    small = Population(accounts // SMALL_SHARE, seed)
    legacy = Population(accounts // SMALL_SHARE, seed, double_share=DOUBLE_SHARE)
    async with EmbeddedMongo(cache_gb=1.0) as server, connect(server.uri) as client:
        for name, population in (("large", large), ("small", small), ("legacy", legacy)):
            await population.load(client[name])
        naive, scans = await _take_turns(server.uri, large, rounds=rounds, sample=sample)
        of_small = [await _scan(server.uri, "small", small) for _ in range(rounds)]
        of_legacy = [await _scan(server.uri, "legacy", legacy) for _ in range(rounds)]
    return _section(
        naive,
        {
            "large": (large, scans),
            "small": (small, of_small),
            "legacy": (legacy, of_legacy),
        },
        has_bars=bars,
    )


async def _take_turns(
    uri: str, population: Population, *, rounds: int, sample: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Let the two begin alternately; what is measured of one is not warmed by the other only."""
    naive: list[dict[str, Any]] = []
    scans: list[dict[str, Any]] = []
    for number in range(rounds):
        for is_naive in (True, False) if number % 2 == 0 else (False, True):
            if is_naive:
                naive.append(await _naive(uri, "large", population, sample))
            else:
                scans.append(await _scan(uri, "large", population))
    return naive, scans


async def _naive(uri: str, name: str, population: Population, sample: int) -> dict[str, Any]:
    numbers = (population.accounts, population.seed, min(sample, population.accounts // 2))
    found = await child("benchmarks.peers.naive", uri, name, *map(str, numbers))
    if found["mismatches"]:
        raise RuntimeError(f"the naive check found mismatches where there are none: {found}")
    return found


async def _scan(uri: str, name: str, population: Population) -> dict[str, Any]:
    found = await child("benchmarks.scanning_client", uri, name, "exact")
    if (found["status"], found["accounts"]) != ("healthy", population.accounts):
        raise RuntimeError(f"the scan did not see {population.accounts} sound accounts: {found}")
    return found


def _rates(runs: list[dict[str, Any]]) -> list[float]:
    return [run["accounts"] / run["seconds"] for run in runs]


def _peak(runs: list[dict[str, Any]]) -> Spread:
    return Spread(tuple(run["peak_memory_mb"] for run in runs))


def _section(
    naive: list[dict[str, Any]],
    scans: dict[str, tuple[Population, list[dict[str, Any]]]],
    *,
    has_bars: bool,
) -> Section:
    large, of_large = scans["large"]
    naive_rate = Spread(tuple(_rates(naive)))
    ratio = ratios(_rates(of_large), _rates(naive))
    sampled = int(naive[0]["accounts"])
    rows = [
        (f"naive check, on a sample of {sampled:,} of {large.accounts:,}", naive_rate.shown(), "1")
    ]
    for name, label in (("large", ""), ("small", ""), ("legacy", f", {DOUBLE_SHARE:.0%} doubles")):
        population, runs = scans[name]
        shown = ratio.shown(1) if name == "large" else "–"
        rate = Spread(tuple(_rates(runs)))
        rows.append((f"exact scan, {population.accounts:,} accounts{label}", rate.shown(), shown))
    memory = [
        (f"{population.accounts:,} accounts", _peak(runs).shown(1))
        for population, runs in (scans["small"], scans["large"])
    ]
    speed_columns = ("way", "accounts/s: median (least to most)", "against naive")
    return Section(
        "scan",
        (
            Table("Reading everything, comparing everything", speed_columns, tuple(rows)),
            Table(
                "Peak memory of the scanning process",
                ("size", "MB: median (least to most)"),
                tuple(memory),
            ),
        ),
        {
            "naive": {
                "sampled_accounts": sampled,
                "accounts_per_second": naive_rate.as_json(),
                "seconds_for_all_extrapolated": large.accounts / naive_rate.median,
            },
            "ratio": ratio.as_json(),
            "scans": {
                name: {
                    "accounts": population.accounts,
                    "double_share": population.double_share,
                    "seconds": Spread(tuple(run["seconds"] for run in runs)).as_json(),
                    "accounts_per_second": Spread(tuple(_rates(runs))).as_json(),
                    "client_cpu_seconds": Spread(
                        tuple(run["cpu_seconds"] for run in runs)
                    ).as_json(),
                    "peak_memory_mb": _peak(runs).as_json(),
                }
                for name, (population, runs) in scans.items()
            },
        },
        bars_of(ratio, _peak(scans["small"][1]), _peak(of_large)) if has_bars else (),
    )


def bars_of(ratio: Spread, small_peak: Spread, large_peak: Spread) -> tuple[Bar, ...]:
    """Hold the measured figures against what they must be."""
    growth = large_peak.median / small_peak.median
    return (
        Bar(
            "exact scan against the naive check",
            f"at least {RATIO_MIN:g} times",
            f"{ratio.median:.1f} times",
            ratio.median >= RATIO_MIN,
        ),
        Bar(
            "peak memory of the scanning process",
            f"below {PEAK_MB_MAX:g} MB",
            f"{max(large_peak.values):.1f} MB",
            max(large_peak.values) < PEAK_MB_MAX,
        ),
        Bar(
            f"peak memory with {SMALL_SHARE} times the accounts",
            f"at most {PEAK_GROWTH_MAX:g} times",
            f"{growth:.2f} times",
            growth <= PEAK_GROWTH_MAX,
        ),
    )
