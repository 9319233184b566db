"""The benchmark works at a small size, and its verdicts and its page can be trusted."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import load
from benchmarks.figures import Spread, ratios
from benchmarks.load_client import Client
from benchmarks.page import MarkerMissing, replaced
from benchmarks.peers.naive import main as naive
from benchmarks.population import Database, Population
from benchmarks.scans import bars_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.usefixtures("mongod_path")
def test_the_benchmark_runs_at_a_small_size(tmp_path: Path) -> None:
    """All subjects are measured, each against its peer, and written with what they ran on."""
    path = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json", str(path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(
        command, cwd=ROOT, env=environment, check=True, timeout=110, stdout=subprocess.DEVNULL
    )

    figures = json.loads(path.read_text())
    assert figures["machine"]["mongodb"].startswith("6.")
    assert figures["scan"]["ratio"]["median"] > 1
    assert 0 < figures["scan"]["scans"]["large"]["peak_memory_mb"]["median"] < 200
    for contest in figures["postings"]["contests"]:
        assert contest["library_per_second"]["median"] > 0
        assert contest["bare_per_second"]["median"] > 0
    assert figures["load"]["slowdown"]["median"] > 0
    assert figures["load"]["errors"] == []
    assert figures["audit"]["seconds"]["median"] > 0


async def test_the_naive_peer_finds_what_it_is_for(
    mongo_uri: str, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """The peer does its work: it sees a drift, and none where there is none."""
    population = Population(accounts=400, seed=7)
    await population.load(database)
    arguments = (mongo_uri, database.name, "400", "7", "300")

    assert checked(arguments, capsys) == (300, 0)
    await database["trader_balances"].update_many({}, {"$inc": {"locked_balance": 1}})
    assert checked(arguments, capsys) == (300, 300)


def checked(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> tuple[int, int]:
    """Run the naive check; give the accounts it looked at, and the mismatches."""
    naive(arguments)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found["accounts"], found["mismatches"]


async def test_a_population_is_the_same_in_all_collections(database: Database) -> None:
    """The four collections hold the same amounts, some of them as doubles if so wished."""
    await Population(accounts=200, seed=7, double_share=0.5).load(database)
    query = {"available_balance": {"$type": "double"}}
    doubles = {
        name: await database[name].count_documents(query)
        for name in ("wallets", "crypto_balances", "trader_balances", "internal_balances")
    }

    assert len(set(doubles.values())) == 1
    assert 50 < doubles["wallets"] < 150


def test_ratios_are_those_of_the_same_round() -> None:
    """A round in which everything was slow does not spoil the ratio."""
    assert ratios([100, 10], [10, 1]).values == (10, 10)
    assert Spread((3, 1, 2)).shown() == "2 (1 to 3)"


@pytest.mark.parametrize(
    "ratio, small_mb, large_mb, missed",
    [
        (50, 60, 60, set()),
        (49.9, 60, 60, {"exact scan against the naive check"}),
        (80, 190, 200, {"peak memory of the scanning process"}),
        (80, 60, 80, {"peak memory with 4 times the accounts"}),
    ],
)
def test_each_bar_can_be_missed(
    ratio: float, small_mb: float, large_mb: float, missed: set[str]
) -> None:
    """Too small a ratio, too much memory and memory that grows are told apart."""
    bars = bars_of(Spread((ratio,)), Spread((small_mb,)), Spread((large_mb,)))

    assert {bar.what for bar in bars if not bar.is_met} == missed


@pytest.mark.parametrize(
    "p99_seconds, slowdown, errors, missed",
    [
        (0.249, 1.3, 0, set()),
        (0.25, 1.0, 0, {"p99 of the clients' waits while the daemon scans"}),
        (0.1, 1.31, 0, {"scan under load against the scan alone"}),
        (0.1, 1.0, 1, {"errors of the clients"}),
    ],
)
def test_each_bar_of_the_load_can_be_missed(
    p99_seconds: float, slowdown: float, errors: int, missed: set[str]
) -> None:
    """Long waits, a slow scan and errors are told apart."""
    bars = load.bars_of(Spread((p99_seconds,)), Spread((slowdown,)), errors)

    assert {bar.what for bar in bars if not bar.is_met} == missed


@pytest.mark.parametrize("share, value", [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_quantile_is_a_value_that_was_measured(share: float, value: int) -> None:
    """At least so large a share of all values does not exceed it, and no lesser one will do."""
    assert load.quantile(list(range(100, 0, -1)), share) == value


@pytest.mark.parametrize("status", [b"200 OK", b"503 Service Unavailable"])
async def test_a_client_takes_nothing_but_200_for_an_answer(status: bytes) -> None:
    """An answer that says no is an error, however quickly it came."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()[:2]
        client = Client(host, port, "/")
        opening = asyncio.create_task(client.open())
        await asyncio.wait({opening})
        await client.close()

    error = opening.exception()
    assert (str(error) if error else None) == (None if b"200" in status else "status 503")


def test_a_page_is_rewritten_between_its_markers_only() -> None:
    """What people wrote around the tables stays; a page without a place for them is an error."""
    page = "before\n<!-- bench:scan -->\nold\n<!-- /bench:scan -->\nafter"

    assert replaced(page, "scan", r"new \1") == page.replace("old", r"new \1")
    with pytest.raises(MarkerMissing, match="postings"):
        replaced(page, "postings", "new")
