"""Exact scans by the workers of a real Dask cluster say what a scan by one process says."""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128

from reconciler.cluster.connection import DaskWorkers
from reconciler.cluster.sources import ClusterBalanceStore, Workers
from reconciler.cluster.tasks import Access, RangeAnswer, RangeJob, read_range
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import ScanMethod, ScanReport, Verdict
from reconciler.scanning.ports import KeyRange, Selection
from reconciler.scanning.rules import ScanOptions
from reconciler.scanning.scanner import Scanner
from reconciler.storage.balances import MongoBalanceStore
from tests.integration.cluster.dask import Dask, dask, shown
from tests.integration.scanning.field import Database, Exchange
from tests.integration.scanning.scanning import assert_found, at_once
from tests.observing.processes import free_port, until

# What a cluster is for: digests are the server's own work.
AT_ONCE = at_once(method=ScanMethod.EXACT)

# Part of the connection string that workers get, as a password would be.
APPLICATION = "hunter2"
USERS = 120
ONE, TWO = Decimal128("1"), Decimal128("2")
SMALL: dict[str, Any] = {"range_accounts": 20, "batch_documents": 5}


@pytest.fixture(scope="module")
async def cluster() -> AsyncIterator[Dask]:
    async with dask("first", "second") as running:
        yield running


@pytest.fixture
async def workers(cluster: Dask) -> AsyncIterator[DaskWorkers]:
    async with DaskWorkers(cluster.address) as connected:
        yield connected


def exchange() -> Exchange:
    """Users with two accounts each, some of them wrong, and documents of no account."""
    made = Exchange()
    for number in range(USERS):
        for currency in ("BTC", "ETH"):
            made.everywhere(u=f"user-{number:03}", c=currency, a=TWO, l=ONE)
    for number in range(5, USERS, 10):
        made.put(["wallets"], u=f"user-{number:03}", c="USDT", a=ONE, l=ONE)
        made.everywhere(u=f"user-{number:03}", c="GBP", a=Decimal128("-1"), l=ONE)
    made.everywhere(u=7, c="BTC", a=0.1, l=0.2)
    made.put(["wallets", "crypto_balances"], u=["an", "array"], c="BTC", a=ONE, l=ONE)
    made.put(["trader_balances"], c="BTC", a=ONE, l=ONE)
    return made


def access_of(database: Database, uri: str) -> Access:
    return Access(f"{uri}&appName={APPLICATION}", database.name, 5.0, 5.0)


def scanner(
    database: Database, uri: str, workers: Workers, options: ScanOptions = AT_ONCE, **store: Any
) -> Scanner:
    here = MongoBalanceStore(database, DEFAULT_MAPPINGS, **SMALL)
    clustered = ClusterBalanceStore(
        here,
        workers,
        access_of(database, uri),
        DEFAULT_MAPPINGS,
        double_tolerance=lambda: options.double_tolerance,
        batch_documents=5,
        **store,
    )
    return Scanner(clustered, DEFAULT_MAPPINGS, options)


def told(report: ScanReport) -> object:
    """All that a report says of what is there, without when and how long."""
    none = {"scan_id": "", "duration_seconds": 0.0, "started_at": None}
    return replace(report, **none)  # type: ignore[arg-type]


async def local(database: Database, options: ScanOptions = AT_ONCE) -> ScanReport:
    here = MongoBalanceStore(database, DEFAULT_MAPPINGS, **SMALL)
    return await Scanner(here, DEFAULT_MAPPINGS, options).scan_all()


@contextlib.asynccontextmanager
async def slow_workers(database: Database, milliseconds: int) -> AsyncIterator[None]:
    """Each read of a worker takes so long while the block runs."""
    admin = database.client.admin
    data = {
        "failCommands": ["aggregate"],
        "appName": APPLICATION,
        "blockConnection": True,
        "blockTimeMS": milliseconds,
    }
    await admin.command({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data})
    try:
        yield
    finally:
        await admin.command({"configureFailPoint": "failCommand", "mode": "off"})


async def test_the_workers_say_what_one_process_says(
    database: Database, mongo_uri: str, workers: DaskWorkers
) -> None:
    """Counts of accounts, users and currencies, kinds and mismatches are the same, and true."""
    made = exchange()
    await made.write(database)

    report = await scanner(database, mongo_uri, workers).scan_all()

    assert_found(report, made)
    assert told(report) == told(await local(database))


async def test_a_list_is_cut_and_its_counts_are_not(
    database: Database, mongo_uri: str, workers: DaskWorkers
) -> None:
    """The same few mismatches are listed, and all of them are counted."""
    await exchange().write(database)
    few = replace(AT_ONCE, mismatches_max=3, suspects_max=4)

    report = await scanner(database, mongo_uri, workers, few).scan_all()

    assert report.truncated
    assert len(report.mismatches) == 3
    assert told(report) == told(await local(database, few))


async def test_a_currency_is_read_by_workers_and_a_user_is_not(
    database: Database, mongo_uri: str, workers: DaskWorkers
) -> None:
    """A narrowed scan counts what it selects; for one user no cluster is needed."""
    await exchange().write(database)
    away = DaskWorkers(f"tcp://127.0.0.1:{free_port()}")

    currency = await scanner(database, mongo_uri, workers).scan(None, "ETH")
    user = await scanner(database, mongo_uri, away).scan("user-005", None)

    assert currency.coverage.accounts == currency.coverage.users == USERS
    assert (user.coverage.accounts, user.mismatch_count, user.incomplete) == (4, 2, ())


@pytest.mark.parametrize("mismatches_max", [1, 7, 1_000])
async def test_answers_of_workers_are_bounded(
    database: Database, mongo_uri: str, mismatches_max: int
) -> None:
    """A worker stops after so many mismatches and a portion, and goes on where it stopped."""
    made = exchange()
    await made.write(database)
    job = RangeJob(
        access=access_of(database, mongo_uri),
        mappings=DEFAULT_MAPPINGS,
        double_tolerance=Decimal("0.00000001"),
        key_range=KeyRange(),
        selection=Selection(),
        deadline_seconds=20,
        batch_documents=5,
        mismatches_max=mismatches_max,
    )
    answers = [await asyncio.to_thread(read_range, job)]
    while answers[-1].resume_at is not None:
        rest = replace(job, key_range=KeyRange(answers[-1].resume_at))
        answers.append(await asyncio.to_thread(read_range, rest))
    expected = made.truth()

    assert sum(each.accounts for each in answers) == expected.accounts
    assert sum(len(each.mismatched) for each in answers) == len(expected.mismatches)
    assert max(len(each.mismatched) for each in answers) <= mismatches_max + 5
    assert (len(answers) > 1) == (mismatches_max < 1_000)


class AtOnce:
    """Does jobs in a thread, as a worker would; keeps them."""

    def __init__(self) -> None:
        self.jobs: list[RangeJob] = []

    async def connect(self, *, seconds: float) -> None:
        assert seconds > 0

    async def read(self, job: RangeJob, *, seconds: float) -> RangeAnswer:
        self.jobs.append(job)
        return await asyncio.to_thread(read_range, job)


async def test_an_answer_that_was_cut_is_gone_on_with(database: Database, mongo_uri: str) -> None:
    """What follows is asked for, and nothing counts twice or is left out."""
    made = exchange()
    await made.write(database)
    workers = AtOnce()
    few = scanner(database, mongo_uri, workers, answer_mismatches_max=1)

    report = await few.scan_all()

    assert_found(report, made)
    assert len(workers.jobs) > USERS / 10
    assert all(0 < job.deadline_seconds <= 30 for job in workers.jobs)


async def test_a_worker_that_dies_has_its_ranges_read_again(
    cluster: Dask, database: Database, mongo_uri: str, workers: DaskWorkers
) -> None:
    """One of two workers is killed while it reads: the other reads its ranges, and all is exact."""
    made = exchange()
    await made.write(database)
    scan = asyncio.create_task(scanner(database, mongo_uri, workers).scan_all())
    async with slow_workers(database, 300):

        async def both_work() -> bool:
            return await cluster.busy_workers() == {"first", "second"}

        await until(both_work, "both workers at work", within_seconds=10)
        await cluster.workers[0].kill()
    report = await asyncio.wait_for(scan, 20)
    await cluster.start_worker("first")

    assert_found(report, made)
    assert told(report) == told(await local(database))


async def test_no_log_shows_the_connection_string(
    cluster: Dask, database: Database, mongo_uri: str, workers: DaskWorkers
) -> None:
    """Not even when a task fails by a fault, which a worker logs with the task's argument."""
    job = RangeJob(
        access=access_of(database, mongo_uri),
        mappings=DEFAULT_MAPPINGS,
        double_tolerance="no number",  # type: ignore[arg-type]
        key_range=KeyRange(),
        selection=None,  # type: ignore[arg-type]
        deadline_seconds=20,
        batch_documents=5,
    )
    await workers.connect(seconds=5)

    with pytest.raises(Exception, match=r"it failed on 3 workers .* with AttributeError"):
        await workers.read(job, seconds=20)

    logged = shown(cluster) + repr(job)
    assert "Compute Failed" in logged
    assert APPLICATION not in logged


async def test_what_the_database_does_to_a_worker_is_told(
    database: Database, mongo_uri: str, workers: DaskWorkers
) -> None:
    """A right that is missing ends the scan as it does here: incomplete, with the reason."""
    await exchange().write(database)
    admin = database.client.admin
    data = {"failCommands": ["aggregate"], "appName": APPLICATION, "errorCode": 13}
    await admin.command({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data})
    try:
        report = await scanner(database, mongo_uri, workers).scan_all()
    finally:
        await admin.command({"configureFailPoint": "failCommand", "mode": "off"})

    assert report.verdict is Verdict.INCOMPLETE
    assert "the database user may not read" in report.incomplete[0]


async def test_a_snapshot_that_grows_too_old_on_a_worker(
    database: Database, mongo_uri: str, workers: DaskWorkers
) -> None:
    """The range is read again in another snapshot, and nothing counts twice."""
    made = exchange()
    await made.write(database)
    admin = database.client.admin
    data = {"failCommands": ["getMore"], "appName": APPLICATION, "errorCode": 239}
    await admin.command({"configureFailPoint": "failCommand", "mode": {"times": 3}, "data": data})
    try:
        report = await scanner(database, mongo_uri, workers).scan_all()
    finally:
        await admin.command({"configureFailPoint": "failCommand", "mode": "off"})

    assert_found(report, made)


async def test_the_deadline_holds_on_the_cluster(
    cluster: Dask, database: Database, mongo_uri: str, workers: DaskWorkers
) -> None:
    """Past it the scan is incomplete, and soon no worker works on it any more."""
    await exchange().write(database)
    short = replace(AT_ONCE, deadline_seconds=0.7)
    async with slow_workers(database, 400):
        begun = time.monotonic()
        report = await scanner(database, mongo_uri, workers, short).scan_all()
        seconds = time.monotonic() - begun

        assert report.verdict is Verdict.INCOMPLETE
        assert "the deadline of 0.7 seconds passed" in report.incomplete[0]
        assert seconds < 2.5

    async def none_works() -> bool:
        return not await cluster.busy_workers()

    await until(none_works, "workers at rest", within_seconds=5)


async def test_a_scan_that_is_cancelled_calls_its_ranges_off(
    cluster: Dask, database: Database, mongo_uri: str, workers: DaskWorkers
) -> None:
    """Workers end what they are at, and begin nothing more of it."""
    await exchange().write(database)
    scan = asyncio.create_task(scanner(database, mongo_uri, workers).scan_all())
    async with slow_workers(database, 200):

        async def some_work() -> bool:
            return bool(await cluster.busy_workers())

        await until(some_work, "a worker at work", within_seconds=10)
        scan.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(scan, 5)

    async def none_works() -> bool:
        return not await cluster.busy_workers()

    await until(none_works, "workers at rest", within_seconds=5)


async def check(database: Database, uri: str, cluster: Dask) -> tuple[int | None, Any, list[Any]]:
    """Run `reconciler check`; give its exit code, its answer, and its log lines."""
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "reconciler", "check", "--json", "--limit", "3"),
        env=os.environ
        | {
            "RECONCILER_MONGO__URI": f"{uri}&appName={APPLICATION}",
            "RECONCILER_MONGO__DATABASE": database.name,
            "RECONCILER_SCAN__DASK_SCHEDULER": cluster.address,
            "RECONCILER_SCAN__SETTLE_SECONDS": "0.001",
            "RECONCILER_LOG__LEVEL": "debug",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        output, log = await command.communicate()
    assert APPLICATION not in log.decode()
    return command.returncode, json.loads(output), [json.loads(each) for each in log.splitlines()]


async def test_the_command_uses_the_cluster(
    cluster: Dask, database: Database, mongo_uri: str
) -> None:
    """`scan.dask_scheduler` is all it takes, and each log line still is a JSON object."""
    made = exchange()
    await made.write(database)
    exit_code, answer, log = await check(database, mongo_uri, cluster)
    expected = made.truth()
    (end,) = [line for line in log if line["event"] == "scan_finished"]

    assert exit_code == 3
    assert answer["checked_users"] == len(expected.users)
    assert (end["accounts"], end["mismatch_count"]) == (
        expected.accounts,
        len(expected.mismatches),
    )


async def test_a_scheduler_that_is_away(database: Database, mongo_uri: str) -> None:
    """The scan is incomplete and names the setting; it is not waited for again and again."""
    await exchange().write(database)
    address = f"tcp://127.0.0.1:{free_port()}"
    async with DaskWorkers(address, connect_seconds_max=0.5) as away:
        begun = time.monotonic()
        report = await scanner(database, mongo_uri, away).scan_all()
        seconds = time.monotonic() - begun

    assert report.verdict is Verdict.INCOMPLETE
    assert f"the Dask scheduler {address} (scan.dask_scheduler) cannot be" in report.incomplete[0]
    assert report.coverage.accounts == 0
    assert seconds < 3


async def test_an_address_of_something_else(database: Database, mongo_uri: str) -> None:
    """A server that is no scheduler (MongoDB itself) is not waited for for long."""
    await exchange().write(database)
    address = mongo_uri.partition("/?")[0].replace("mongodb", "tcp")
    async with DaskWorkers(address, connect_seconds_max=0.5) as wrong:
        report = await asyncio.wait_for(scanner(database, mongo_uri, wrong).scan_all(), 10)

    assert report.verdict is Verdict.INCOMPLETE
    assert "cannot be reached" in report.incomplete[0]


async def test_a_cluster_comes_and_goes(database: Database, mongo_uri: str) -> None:
    """Without workers, with them, without a scheduler, and again: each scan says how it is then."""
    made = exchange()
    await made.write(database)
    async with (
        dask() as cluster,
        DaskWorkers(
            cluster.address, connect_seconds_max=1, workers_away_seconds_max=0.5
        ) as workers,
    ):
        by_cluster = scanner(database, mongo_uri, workers)

        nobody = await by_cluster.scan_all()
        exit_code, answer, _ = await check(database, mongo_uri, cluster)
        await cluster.start_worker("third")
        somebody = await by_cluster.scan_all()

        assert "it has no workers: start some" in nobody.incomplete[0]
        assert exit_code == 4
        assert "it has no workers: start some" in str(answer)
        assert_found(somebody, made)

        async with slow_workers(database, 300):
            scan = asyncio.create_task(by_cluster.scan_all())
            await until(cluster.busy_workers, "the worker at work", within_seconds=10)
            await cluster.workers[-1].kill()
            deserted = await asyncio.wait_for(scan, 10)

        assert deserted.verdict is Verdict.INCOMPLETE
        assert "has had no worker for 0.5 seconds" in deserted.incomplete[0]

        await cluster.start_worker("fourth")
        assert cluster.scheduler is not None
        async with slow_workers(database, 300):
            scan = asyncio.create_task(by_cluster.scan_all())
            await until(cluster.busy_workers, "the worker at work", within_seconds=10)
            await cluster.scheduler.kill()
            beheaded = await asyncio.wait_for(scan, 10)

        assert beheaded.verdict is Verdict.INCOMPLETE
        assert f"scheduler {cluster.address} (scan.dask_scheduler)" in beheaded.incomplete[0]

        await cluster.start_scheduler()
        await cluster.start_worker("fifth")
        again = await by_cluster.scan_all()

    assert_found(again, made)
