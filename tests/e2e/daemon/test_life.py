"""A daemon starts, scans, says where things stand, takes other settings, and stops in time."""

import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from tests.e2e.daemon.asking import get, metrics, until_event, until_metric
from tests.e2e.daemon.conftest import NewDaemon, drift
from tests.observing.daemon import Daemon
from tests.observing.processes import until

Database = AsyncDatabase[dict[str, Any]]
STOP_SECONDS_MAX = 10.0


async def stopped(daemon: Daemon, number: signal.Signals) -> tuple[int, float]:
    """Send a signal; give the exit code, and after how many seconds."""
    process = daemon.process
    assert process is not None
    begun = time.monotonic()
    await process.signal(number)

    async def has_ended() -> bool:
        return await process.exit_code() is not None

    await until(has_ended, "the daemon's end", within_seconds=STOP_SECONDS_MAX + 5)
    code = await process.exit_code()
    assert code is not None
    return code, time.monotonic() - begun


async def test_it_scans_at_start_and_on_schedule(new_daemon: NewDaemon, exchange: Database) -> None:
    """The first scan is made at once, the next ones by the clock, each of them recorded."""
    daemon = new_daemon()
    await daemon.start()
    await until_metric(daemon, "reconciler_scan_accounts", 2, within_seconds=10)
    await daemon.scans_again(within_seconds=10)
    answer = (await get(daemon, "/api/integrity/scans")).json()

    assert answer["scans"][0]["trigger"] == "schedule"
    assert {scan["state"] for scan in answer["scans"]} <= {"finished", "running"}
    found = await metrics(daemon)
    assert found["reconciler_integrity_failure"] == 0
    assert found["reconciler_leader"] == found["reconciler_mongo_up"] == 1
    assert (await get(daemon, "/healthz/ready")).status_code == 200


async def test_a_restart_never_looks_like_a_recovery(
    new_daemon: NewDaemon, exchange: Database
) -> None:
    """The verdict, the last success and the oldest finding are there with the first answer."""
    daemon = new_daemon()
    await drift(exchange)
    await daemon.start()
    await until_metric(daemon, "reconciler_integrity_failure", 1, within_seconds=10)
    before = await metrics(daemon)
    await daemon.kill()
    # The next one may follow, but not scan: only the database can tell it.
    restarted = new_daemon(SCAN__INTERVAL_SECONDS="1000", LEASE__TTL_SECONDS="1000")
    await exchange["leases"].update_one(
        {"_id": "scanner"}, [{"$set": {"expires_at": {"$add": ["$$NOW", 60_000]}}}]
    )
    await restarted.start()
    after = await metrics(restarted)

    assert restarted.events("scan_started") == []
    for name in (
        "reconciler_integrity_failure",
        "reconciler_mismatched_users",
        "reconciler_oldest_finding_timestamp_seconds",
        'reconciler_mismatch_amount{currency="BTC"}',
    ):
        assert after[name] == before[name] != 0
    last = 'reconciler_scan_last_success_timestamp_seconds{mode="full"}'
    assert after[last] >= before[last]


async def test_signals_stop_it_within_ten_seconds(
    new_daemon: NewDaemon, exchange: Database
) -> None:
    """SIGTERM and SIGINT end it with their exit codes; the scan under way is interrupted."""
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        # The suspect of this scan is looked at again after a minute.
        daemon = new_daemon(SCAN__SETTLE_SECONDS="60", SCAN__INTERVAL_SECONDS="1000")
        await exchange["crypto_balances"].update_one(
            {"user_id": "bob"}, {"$unset": {"available_balance": 1}}
        )
        await daemon.start()
        await until_event(daemon, "mismatch_detected", within_seconds=10)
        ended, seconds = await stopped(daemon, number)

        assert ended == code
        assert seconds < STOP_SECONDS_MAX
        last = await exchange["integrity_scans"].find_one({}, sort=[("sequence", -1)])
        assert last is not None
        assert last["state"] == "interrupted"
        assert daemon.events("daemon_stopped")
        await exchange["integrity_findings"].delete_many({})
    lease = await exchange["leases"].find_one({"_id": "scanner"})
    assert lease is not None
    assert lease["expires_at"] <= datetime.now(UTC), "given back, not left to expire"


async def test_sighup_takes_what_may_change(
    new_daemon: NewDaemon, exchange: Database, tmp_path: Path
) -> None:
    """SIGHUP reads the settings again: prices and the schedule change, the address does not."""
    config = tmp_path / "config.toml"
    config.write_text("")
    daemon = new_daemon(CONFIG=str(config), API__TEST_ENDPOINTS="true", API__PORT="0")
    daemon.settings = {
        name: text for name, text in daemon.settings.items() if "API__PORT" not in name
    }
    await daemon.start()
    process = daemon.process
    assert process is not None
    config.write_text(
        '[valuation]\nprices_usd = { BTC = "2" }\n[mongo]\nconnect_timeout_seconds = 9'
    )
    await process.signal(signal.SIGHUP)
    changed = await until_event(daemon, "settings_reloaded", within_seconds=5)
    await until_event(daemon, "settings_need_restart", within_seconds=5)
    credit = {"user_id": "carol", "currency": "BTC", "amount": "1"}
    answer = await daemon.post("/api/test/credit", credit)
    config.write_text("[scan]\ncron = 'every day'")
    await process.signal(signal.SIGHUP)
    refused = await until_event(daemon, "settings_refused", within_seconds=5)

    assert changed["changed"] == ["valuation.prices_usd"]
    assert daemon.events("settings_need_restart")[0]["changed"] == ["mongo.connect_timeout_seconds"]
    assert answer.json() == {"Success": True, "Total USD": 2.0, "BTC": 1}
    assert "cron" in refused["reason"]
    assert (await daemon.post("/api/test/credit", credit)).json()["Total USD"] == 4.0


async def test_a_daemon_that_may_not_write_is_not_ready(
    new_daemon: NewDaemon, exchange: Database
) -> None:
    """What it cannot take the lease with it cannot scan with: it says so where machines ask."""
    refusing = {"$jsonSchema": {"required": ["nothing of the kind"]}}
    await exchange.create_collection("leases", validator=refusing)
    daemon = new_daemon()
    await daemon.start()
    await until_event(daemon, "lease_unanswered", within_seconds=10)
    ready = await get(daemon, "/healthz/ready")

    assert ready.status_code == 503
    assert "never scans" in ready.json()["reasons"][0]
    assert (await get(daemon, "/healthz/live")).status_code == 200
