"""The benchmark of digests: its peers see what they are for, and each of its bars can be missed."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from bson import Decimal128

from benchmarks.digests import LABELS, WANTED, bars_of
from benchmarks.peers import arrow, bare_group, union_with
from benchmarks.pictures import draw_bars, draw_growth
from benchmarks.population import Database, Population

Run = dict[str, Any]
Peer = Callable[[Sequence[str]], None]
# Rates at which every bar is just met.
RATES = {"naive": 100, "union": 1_875, "arrow": 11_000, "exact": 7_010, "bare": 75_000}
DIGEST = 15_010
SIZES = {"small": 15_000, "half": 30_000, "large": 60_000}


@pytest.mark.parametrize("peer", [union_with.main, arrow.main], ids=["union", "arrow"])
async def test_a_peer_finds_what_it_is_for(
    mongo_uri: str, database: Database, capsys: pytest.CaptureFixture[str], peer: Peer
) -> None:
    """Each sees no drift where there is none, and the one that there is."""
    await Population(accounts=80, seed=7).load(database)

    assert seen(peer, mongo_uri, database, capsys) == (80, 0)
    await database["trader_balances"].update_one({}, {"$inc": {"locked_balance": Decimal128("1")}})
    accounts, mismatches = seen(peer, mongo_uri, database, capsys)
    assert accounts == 80
    assert mismatches > 0


async def test_the_floor_reads_every_account(
    mongo_uri: str, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """What checks nothing at least reads everything."""
    await Population(accounts=80, seed=7).load(database)

    assert seen(bare_group.main, mongo_uri, database, capsys) == (80, 0)


def seen(
    peer: Peer, uri: str, database: Database, capsys: pytest.CaptureFixture[str]
) -> tuple[int, int]:
    """Run a peer; give the accounts it looked at, and the mismatches."""
    peer((uri, database.name))
    found: Run = json.loads(capsys.readouterr().out)
    return found["accounts"], found["mismatches"]


def run(rate: float, *, accounts: int = 60_000, memory_mb: float = 50) -> Run:
    """One run at a rate; only asking is a quarter quicker than checking."""
    seconds = accounts / rate
    told = {"seconds": seconds, "bare_seconds": 0.801 * seconds}
    return {"accounts": accounts, "peak_memory_mb": memory_mb} | told


def runs(**others: Run) -> dict[str, list[Run]]:
    """Runs of all ways that meet every bar, and some others instead."""
    found = {name: run(rate) for name, rate in RATES.items()}
    found |= {"digest": run(DIGEST), "drifted": run(9_400)}
    for method, rate in (("digest", DIGEST), ("exact", RATES["exact"])):
        for size in ("small", "half"):
            found[f"{method}_{size}"] = run(rate, accounts=SIZES[size])
    return {name: [each] for name, each in (found | others).items()}


@pytest.mark.parametrize(
    "others, missed",
    [
        ({}, set()),
        ({"union": run(1_900)}, {"union"}),
        ({"arrow": run(12_000)}, {"arrow"}),
        ({"arrow": run(9_900)}, {"arrow naive"}),
        ({"bare": run(76_000)}, {"bare"}),
        ({"drifted": run(9_000)}, {"drifted"}),
        ({"exact": run(6_900)}, {"exact naive"}),
        ({"naive": run(101)}, {"naive", "exact naive"}),
        ({"naive": run(100) | {"bare_seconds": 470.0}}, {"asking"}),
        ({"digest_small": run(17_000, accounts=15_000)}, {"growth"}),
        ({"digest": run(DIGEST, memory_mb=200)}, {"memory", "memory growth"}),
        ({"exact": run(7_010, memory_mb=70)}, {"memory growth"}),
    ],
)
def test_each_bar_can_be_missed(others: dict[str, Run], missed: set[str]) -> None:
    """A way that is too slow, grows too fast or takes too much memory is told."""
    names = {f"{LABELS[wanted.way]} against {LABELS[wanted.against]}": wanted for wanted in WANTED}
    told = set()
    for bar in bars_of(runs(**others)):
        if bar.is_met:
            continue
        wanted = names.get(bar.what)
        if wanted is None:
            words = ("memory", "growth", "asking")
            told.add(" ".join(word for word in words if word in _about(bar.what)))
        elif wanted.way == "digest":
            told.add(wanted.against)
        else:
            told.add("drifted" if wanted.way == "drifted" else f"{wanted.way} {wanted.against}")

    assert told == missed


def _about(what: str) -> str:
    return what.replace("with 4 times the accounts", "growth")


def test_pictures_are_the_same_for_the_same_figures(tmp_path: Any) -> None:
    """A picture changes with what it shows, and not with the time."""
    data = {"runs": runs(), "sizes": SIZES}
    for draw in (draw_bars, draw_growth):
        draw(tmp_path / "one.svg", data)
        draw(tmp_path / "other.svg", data)

        assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()
        assert b"<svg" in (tmp_path / "one.svg").read_bytes()
