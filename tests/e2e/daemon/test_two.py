"""Several daemons on one database: one scans, all of them tell the same truth."""

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.embedded import EmbeddedMongo
from reconciler.model.scan_record import ScanTrigger
from reconciler.scanning.ports import Selection
from reconciler.storage.leasing import MongoLease
from reconciler.storage.recorded_scans import MongoRecordedScans
from reconciler.sync import BalanceSync
from tests.e2e.daemon.asking import get, metrics, until_event, until_metric
from tests.e2e.daemon.conftest import NewDaemon, drift
from tests.integration.sync.stored import make_indexes
from tests.observing.daemon import Daemon
from tests.observing.processes import Processes, until

Database = AsyncDatabase[dict[str, Any]]

TTL_SECONDS = 4.0


async def pair(new_daemon: NewDaemon, **settings: str) -> tuple[Daemon, Daemon]:
    """Start two daemons; the first of them leads."""
    given = {"LEASE__TTL_SECONDS": str(TTL_SECONDS), "SCAN__INTERVAL_SECONDS": "0.3", **settings}
    leader, follower = new_daemon(**given), new_daemon(**given)
    await leader.start()
    await until_metric(leader, "reconciler_leader", 1, within_seconds=10)
    await until_event(leader, "scan_finished", within_seconds=10)
    await follower.start()
    return leader, follower


async def scans_of(database: Database, token: int) -> list[dict[str, Any]]:
    found = database["integrity_scans"].find({"token": token}).sort("sequence", 1)
    return await found.to_list()


async def test_another_scans_when_the_leader_dies(
    new_daemon: NewDaemon, exchange: Database
) -> None:
    """After kill -9 of the leader the other one scans within the lease's time, never both."""
    leader, follower = await pair(new_daemon)
    assert follower.events("scan_started") == []
    assert (await metrics(follower))["reconciler_leader"] == 0
    await leader.kill()
    killed_at = datetime.now(UTC)
    await until_event(follower, "scan_started", within_seconds=TTL_SECONDS + 5)
    await until_event(follower, "scan_finished", within_seconds=5)
    first, second = await scans_of(exchange, 1), await scans_of(exchange, 2)

    assert second[0]["started_at"] - killed_at < timedelta(seconds=TTL_SECONDS)
    assert first[-1]["started_at"] < second[0]["started_at"]
    assert {scan["holder"] for scan in first}.isdisjoint({scan["holder"] for scan in second})
    assert all(scan["state"] != "running" for scan in first)
    ends = [scan["ended_at"] for scan in first if scan["state"] == "finished"]
    assert max(ends) <= second[0]["started_at"]


async def test_both_tell_the_same(new_daemon: NewDaemon, exchange: Database) -> None:
    """A follower knows the verdict from the records, and checks for whoever asks it."""
    leader, follower = await pair(new_daemon)
    await drift(exchange)
    for daemon in (leader, follower):
        await until_metric(daemon, "reconciler_integrity_failure", 1, within_seconds=10)
    answer = await get(follower, "/api/integrity/check")
    young = await get(follower, "/api/integrity/check", max_age_seconds="60")

    assert (answer.status_code, answer.json()["status"]) == (500, "INTEGRITY_FAILURE")
    assert young.status_code == 500
    assert follower.events("lease_gained") == []
    one, other = await metrics(leader), await metrics(follower)
    for name in (
        "reconciler_mismatched_users",
        'reconciler_mismatch_amount{currency="BTC"}',
        "reconciler_oldest_finding_timestamp_seconds",
    ):
        assert one[name] == other[name] != 0


async def test_a_frozen_leader_writes_nothing_when_it_wakes(
    new_daemon: NewDaemon, exchange: Database
) -> None:
    """A leader that was stopped in the middle of a scan, past its lease, is refused its writes."""
    leader, follower = await pair(new_daemon, SCAN__SETTLE_SECONDS="1.5")
    process = leader.process
    assert process is not None
    await drift(exchange)
    detected = await until_event(leader, "mismatch_detected", within_seconds=10)
    await process.signal(signal.SIGSTOP)
    await until_event(follower, "scan_started", within_seconds=TTL_SECONDS + 5)
    await until_metric(follower, "reconciler_integrity_failure", 1, within_seconds=10)
    frozen = await exchange["integrity_scans"].find_one({"_id": detected["scan_id"]})
    await process.signal(signal.SIGCONT)
    refused = await until_event(leader, "scan_not_recorded", within_seconds=10)
    await until_event(leader, "lease_lost", within_seconds=10)

    assert frozen is not None
    assert frozen["state"] == "interrupted"
    assert refused["scan_id"] == detected["scan_id"]
    assert "another daemon has taken its place" in refused["reason"]
    assert await exchange["integrity_scans"].find_one({"_id": detected["scan_id"]}) == frozen
    await asyncio.sleep(1)
    assert len(leader.events("scan_not_recorded")) == 1, "it follows now"

    async def follows() -> bool:
        return (await metrics(leader))["reconciler_leader"] == 0

    await until(follows, "the woken daemon follows", within_seconds=5)


async def test_what_a_dead_leader_locked_holds_nobody_up(
    place: Processes, mongod_path: Path
) -> None:
    """A leader that died within a transaction leaves its record locked: the next one scans anyway.

    The server undoes such a transaction after a minute, here as in production.
    """
    minute = {"transactionLifetimeLimitSeconds": "60"}
    async with (
        EmbeddedMongo(mongod_path=mongod_path, parameters=minute) as server,
        AsyncMongoClient[dict[str, Any]](server.uri, tz_aware=True) as client,
    ):
        database = client["exchange"]
        await make_indexes(database)
        await BalanceSync(database).credit("alice", "BTC", "1", "deposit")
        lease = await MongoLease(database).take("dead", seconds=0.05)
        scans = MongoRecordedScans(database, history_days=1)
        left = await scans.begin(
            "left", Selection(), trigger=ScanTrigger.SCHEDULE, holder="dead", token=lease.token
        )
        daemon = Daemon(
            place, server.uri, database.name, {"RECONCILER_SCAN__INTERVAL_SECONDS": "1000"}
        )
        async with client.start_session() as session:
            await session.start_transaction()
            await scans.hold(left, session)
            await daemon.start()
            await until_event(daemon, "scan_finished", within_seconds=8)
            await until_metric(daemon, "reconciler_integrity_failure", 0, within_seconds=5)
            assert daemon.events("lease_lost") == []
            await session.abort_transaction()

        async def is_marked() -> bool:
            record = await database["integrity_scans"].find_one({"_id": "left"})
            return record is not None and record["state"] == "interrupted"

        await until(is_marked, "the record of the dead is marked", within_seconds=20)
        await daemon.kill()
