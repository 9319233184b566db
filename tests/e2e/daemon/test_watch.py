"""The watch within real daemons: it finds, tells, hands over, and keeps none from stopping."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.embedded import EmbeddedMongo
from reconciler.sync import BalanceSync
from tests.e2e.daemon.asking import get, metrics, until_event, until_metric, watching
from tests.e2e.daemon.conftest import NewDaemon, drift
from tests.e2e.daemon.test_life import STOP_SECONDS_MAX, stopped
from tests.integration.sync.stored import make_indexes
from tests.observing.daemon import Daemon
from tests.observing.processes import Processes, until

Database = AsyncDatabase[dict[str, Any]]

# No scan of the schedule finds anything here.
RARELY = {"SCAN__INTERVAL_SECONDS": "3600", "LEASE__TTL_SECONDS": "4"}
BYPASSED = 'reconciler_bypassing_writes_total{collection="crypto_balances"}'


async def test_a_drift_is_told_everywhere_without_a_scan(
    new_daemon: NewDaemon, exchange: Database
) -> None:
    """Metrics, log, findings, the trail and the list of bypassing writes, a moment after it."""
    daemon = new_daemon(**RARELY)
    await daemon.start()
    await watching(daemon)
    await drift(exchange)
    await until_metric(daemon, "reconciler_integrity_failure", 1, within_seconds=10)
    found = await metrics(daemon)
    findings = (await get(daemon, "/api/integrity/findings")).json()["findings"]
    scans = (await get(daemon, "/api/integrity/scans")).json()["scans"]
    written = (await get(daemon, "/api/integrity/bypassing-writes")).json()["bypassing_writes"]
    told = await until_event(daemon, "bypassing_write", within_seconds=5)

    assert [each["user_id"] for each in findings] == ["alice"]
    by_watch = {scan["scan_id"] for scan in scans if scan["mode"] == scan["trigger"] == "watch"}
    assert daemon.events("mismatch_confirmed")[0]["scan_id"] in by_watch
    assert (written[0]["collection"], written[0]["user_id"]) == ("crypto_balances", "alice")
    assert told["write_id"] == written[0]["write_id"]
    assert found[BYPASSED] == 1
    assert found["reconciler_detection_latency_seconds_count"] == 1
    assert found["reconciler_watch_lag_seconds"] < 30

    async def is_on_the_trail() -> bool:
        wanted = {"body": {"$regex": '"mode":"watch"'}}
        return await exchange["audit_trail"].find_one(wanted) is not None

    await until(is_on_the_trail, "its verdict on the trail", within_seconds=5)
    await drift(exchange, amount="0.0005")
    await until_metric(daemon, "reconciler_integrity_failure", 0, within_seconds=10)


async def test_another_daemon_goes_on_where_a_dead_one_was(
    new_daemon: NewDaemon, exchange: Database
) -> None:
    """What is written between two leaders is told by the second, and by nobody twice."""
    leader, follower = new_daemon(**RARELY), new_daemon(**RARELY)
    await leader.start()
    await watching(leader)
    await follower.start()
    await drift(exchange)
    await until_metric(leader, BYPASSED, 1, within_seconds=10)
    assert (await metrics(follower))["reconciler_watch_active"] == 0
    assert "reconciler_watch_lag_seconds" not in await metrics(follower)
    await leader.kill()
    await drift(exchange, "bob")
    await until_metric(follower, "reconciler_watch_active", 1, within_seconds=15)
    await until_metric(follower, BYPASSED, 1, within_seconds=10)
    await until_metric(follower, "reconciler_mismatched_users", 2, within_seconds=10)

    assert [each["user_id"] for each in follower.events("bypassing_write")] == ["bob"]
    assert follower.events("watch_failed") == []


async def test_a_frozen_leader_tells_nothing_when_it_wakes(
    new_daemon: NewDaemon, exchange: Database
) -> None:
    """The one that took over tells it; the one that wakes follows."""
    leader, follower = new_daemon(**RARELY), new_daemon(**RARELY)
    await leader.start()
    await watching(leader)
    await follower.start()
    process = leader.process
    assert process is not None
    await process.signal(signal.SIGSTOP)
    await drift(exchange)
    await until_metric(follower, BYPASSED, 1, within_seconds=15)
    await until_metric(follower, "reconciler_integrity_failure", 1, within_seconds=10)
    await process.signal(signal.SIGCONT)
    await until_event(leader, "lease_lost", within_seconds=10)
    await until_metric(leader, "reconciler_watch_active", 0, within_seconds=10)

    assert (await metrics(leader))[BYPASSED] == 0
    assert leader.events("mismatch_confirmed") == []


@pytest.fixture
async def own_server(mongod_path: Path) -> AsyncIterator[EmbeddedMongo]:
    """A server that a test may freeze."""
    async with EmbeddedMongo(mongod_path=mongod_path) as embedded:
        yield embedded


async def test_it_stops_in_time_while_the_server_is_frozen(
    place: Processes, own_server: EmbeddedMongo
) -> None:
    """Waiting for an answer that does not come keeps no daemon alive."""
    async with AsyncMongoClient[dict[str, Any]](own_server.uri) as client:
        database = client["exchange"]
        await make_indexes(database)
        for user in ("alice", "bob"):
            await BalanceSync(database).credit(user, "BTC", "1", "deposit")
        given = {f"RECONCILER_{name}": text for name, text in RARELY.items()}
        daemon = Daemon(place, own_server.uri, "exchange", given)
        await daemon.start()
        await watching(daemon)
        (member,) = own_server.members
        await member.freeze()
        await until_event(daemon, "mongo_unavailable", within_seconds=20)
        code, seconds = await stopped(daemon, signal.SIGTERM)
        await member.resume()

    assert code == 143
    assert seconds < STOP_SECONDS_MAX


async def test_the_primary_steps_down(place: Processes, mongod_path: Path) -> None:
    """Another member leads the set: the watch goes on there, and has lost nothing."""
    async with (
        EmbeddedMongo(mongod_path=mongod_path, members=3) as server,
        AsyncMongoClient[dict[str, Any]](server.uri) as client,
    ):
        database = client["exchange"]
        await make_indexes(database)
        for user in ("alice", "bob"):
            await BalanceSync(database).credit(user, "BTC", "1", "deposit")
        given = {"RECONCILER_SCAN__INTERVAL_SECONDS": "3600"}
        daemon = Daemon(place, server.uri, "exchange", given)
        await daemon.start()
        await watching(daemon)
        await client.admin.command("replSetStepDown", 30, force=True)
        for _ in range(300):
            try:
                await database["crypto_balances"].update_one(
                    {"user_id": "alice"}, {"$inc": {"available_balance": Decimal128("1")}}
                )
            except Exception:  # noqa: BLE001 - whatever an election does
                await asyncio.sleep(0.1)
            else:
                break
        await until_metric(daemon, BYPASSED, 1, within_seconds=30)
        await until_metric(daemon, "reconciler_mismatched_users", 1, within_seconds=30)
        assert daemon.events("watch_failed") == []
        await daemon.kill()
