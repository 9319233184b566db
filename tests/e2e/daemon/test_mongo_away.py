"""MongoDB away, at start and later: the daemon stays, says so, and recovers by itself."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from reconciler.embedded import EmbeddedMongo
from reconciler.sync import BalanceSync
from tests.e2e.daemon.asking import get, metrics, until_event, until_metric, watching
from tests.integration.sync.stored import make_indexes
from tests.observing.daemon import Daemon
from tests.observing.processes import Processes, free_port, until

AWAY_SECONDS = 20.0
SHORT = {
    "RECONCILER_MONGO__SERVER_SELECTION_TIMEOUT_SECONDS": "2",
    "RECONCILER_MONGO__CONNECT_TIMEOUT_SECONDS": "2",
}


@pytest.fixture
async def own_server(mongod_path: Path) -> AsyncIterator[EmbeddedMongo]:
    """A server that a test may stop."""
    async with EmbeddedMongo(mongod_path=mongod_path) as embedded:
        yield embedded


@pytest.fixture
async def daemon(place: Processes, own_server: EmbeddedMongo) -> Daemon:
    """A daemon on it, with an account to look at."""
    async with AsyncMongoClient[dict[str, Any]](own_server.uri) as client:
        await make_indexes(client["exchange"])
        await BalanceSync(client["exchange"]).credit("alice", "BTC", "1", "deposit")
    started = Daemon(place, own_server.uri, "exchange", SHORT)
    await started.start()
    await until_metric(started, "reconciler_scan_accounts", 1, within_seconds=10)
    await watching(started)
    return started


async def is_away(daemon: Daemon) -> None:
    """Assert everything that a daemon says while there is no database."""
    check = await get(daemon, "/api/integrity/check")
    assert check.status_code == 503
    assert check.json()["status"] == "incomplete"
    assert check.json()["reason"]
    assert (await get(daemon, "/healthz/ready")).status_code == 503
    assert (await get(daemon, "/healthz/live")).status_code == 200
    found = await metrics(daemon)
    assert found["reconciler_mongo_up"] == 0
    # What was known last is still told; how old it is tells its time.
    assert found["reconciler_integrity_failure"] == 0

    async def is_counted() -> bool:
        # One that a check has shared may be the leader's, which is interrupted and not counted.
        await get(daemon, "/api/integrity/check")
        counted = (await metrics(daemon))['reconciler_scans_total{mode="full",result="incomplete"}']
        return counted > 0

    await until(is_counted, "a scan that could not look", within_seconds=15)


async def recovers(daemon: Daemon, success_before: float) -> None:
    """Assert that everything is as it was, without anybody's help."""
    await until_metric(daemon, "reconciler_mongo_up", 1, within_seconds=30)
    name = 'reconciler_scan_last_success_timestamp_seconds{mode="full"}'
    for _ in range(300):
        if (await metrics(daemon))[name] > success_before:
            break
        await asyncio.sleep(0.1)
    check = await get(daemon, "/api/integrity/check")
    assert (check.status_code, check.json()["status"]) == (200, "healthy")

    async def is_ready() -> bool:
        return (await get(daemon, "/healthz/ready")).status_code == 200

    await until(is_ready, "the daemon is ready", within_seconds=15)
    assert daemon.events("mongo_available")
    assert (await metrics(daemon))[name] > success_before


@pytest.mark.parametrize("how", ["frozen", "killed"])
async def test_mongo_is_away_for_a_while(
    daemon: Daemon, own_server: EmbeddedMongo, how: str
) -> None:
    """Twenty seconds without an answer, or without a server: incomplete, said, and over."""
    (member,) = own_server.members
    name = 'reconciler_scan_last_success_timestamp_seconds{mode="full"}'
    begun = asyncio.get_running_loop().time()
    await (member.freeze() if how == "frozen" else member.kill())
    await until_metric(daemon, "reconciler_mongo_up", 0, within_seconds=10)
    await until_event(daemon, "mongo_unavailable", within_seconds=5)
    await is_away(daemon)
    before = (await metrics(daemon))[name]
    left = AWAY_SECONDS - (asyncio.get_running_loop().time() - begun)
    await asyncio.sleep(max(left, 0))
    await (member.resume() if how == "frozen" else member.restart())
    await recovers(daemon, before)


async def test_mongo_is_away_at_start(place: Processes, mongod_path: Path) -> None:
    """A daemon that starts before its database claims nothing, and goes to work when it comes."""
    port = free_port()
    uri = f"mongodb://127.0.0.1:{port}/?replicaSet=embedded"
    daemon = Daemon(place, uri, "exchange", SHORT)
    await daemon.start()
    check = await get(daemon, "/api/integrity/check")
    found = await metrics(daemon)

    assert (check.status_code, check.json()["status"]) == (503, "incomplete")
    assert found["reconciler_mongo_up"] == 0
    assert "reconciler_integrity_failure" not in found, "unknown is not healthy"
    ready = await get(daemon, "/healthz/ready")
    assert ready.status_code == 503
    assert len(ready.json()["reasons"]) == 2
    async with EmbeddedMongo(mongod_path=mongod_path, ports=[port]) as server:
        async with AsyncMongoClient[dict[str, Any]](server.uri) as client:
            await make_indexes(client["exchange"])
            await BalanceSync(client["exchange"]).credit("alice", "BTC", "1", "deposit")
        await recovers(daemon, 0)
        await daemon.kill()
