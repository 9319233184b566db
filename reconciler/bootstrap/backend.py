"""Builds what the commands ask: one connection, the scanner, the schema, the records."""

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from reconciler import errors
from reconciler.auditing.trail import Trail
from reconciler.auditing.verdicts import Verdicts
from reconciler.bootstrap.auditing import AuditReader, open_trail
from reconciler.bootstrap.clustering import build_scanner, open_cluster
from reconciler.bootstrap.gating import gate_records
from reconciler.bootstrap.repairing import open_repairs
from reconciler.model.gate import Checklist
from reconciler.model.guarding import HardeningReport
from reconciler.model.report import ScanMethod, ScanReport
from reconciler.model.scan_record import ScanTrigger
from reconciler.model.throttle import ThrottleLimits
from reconciler.scanning.leadership import Leadership
from reconciler.scanning.observer import UnobservedFindings
from reconciler.scanning.ports import Selection
from reconciler.scanning.recording import ScanRecorder
from reconciler.scanning.rules import DigestOptions, ScanOptions
from reconciler.scanning.scanner import Scanner
from reconciler.settings import InvalidSettings, Problem, Settings
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.explaining import Explainer
from reconciler.storage.hardening import Hardening
from reconciler.storage.leasing import MongoLease
from reconciler.storage.monitoring import OperationListener
from reconciler.storage.recorded_findings import MongoRecordedFindings
from reconciler.storage.recorded_scans import MongoRecordedScans
from reconciler.storage.roles import Roles
from reconciler.storage.schema import Schema
from reconciler.storage.server import Client, connect, probe
from reconciler.storage.transactions import Database
from reconciler.surfaces.audit_log import AuditLog
from reconciler.surfaces.log_events import PostingLog, ScanLog
from reconciler.surfaces.logs import Logs
from reconciler.surfaces.ports import (
    Backend,
    Explanation,
    Progress,
    Reconciliation,
    Repairs,
    Role,
    SchemaReport,
)
from reconciler.surfaces.repair_log import RepairLog
from reconciler.sync import BalanceSync


def open_client(settings: Settings, listeners: Sequence[OperationListener] = ()) -> Client:
    """Make the client; it connects with its first call. `listeners` are told of its commands.

    Raises:
        InvalidSettings: the driver does not take the connection string.
    """
    mongo = settings.mongo
    try:
        return connect(
            mongo.uri.get_secret_value(),
            server_selection_seconds=mongo.server_selection_timeout_seconds,
            connect_seconds=mongo.connect_timeout_seconds,
            listeners=listeners,
        )
    except errors.CannotLook as error:
        raise InvalidSettings([Problem("", "", str(error))]) from None


def scan_options(settings: Settings) -> ScanOptions:
    """Give the scanner its part of the settings."""
    scan = settings.scan
    return ScanOptions(
        settle_seconds=scan.settle_seconds,
        deadline_seconds=scan.deadline_seconds,
        # Whoever names a cluster wants it to read; digests are the server's own work.
        method=ScanMethod.EXACT if scan.dask_scheduler else scan.method,
        digest=DigestOptions(collections_parallel=scan.digests_parallel),
        ranges_parallel=scan.ranges_parallel,
        mismatches_max=scan.mismatches_max,
        double_tolerance=scan.double_tolerance,
        throttle=ThrottleLimits(
            lag_seconds_max=scan.throttle_lag_seconds_max,
            queue_max=scan.throttle_queue_max,
            wait_seconds_max=scan.throttle_wait_seconds_max,
        ),
    )


def holder_name() -> str:
    """Name this process as records do: its host, its number, and what tells it from all others."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


@contextlib.asynccontextmanager
async def open_backend(settings: Settings, logs: Logs) -> AsyncIterator[Backend]:
    """Connect to the database and build what the commands ask.

    Raises:
        InvalidSettings: the driver does not take the connection string.
        DatabaseUnavailable: no server answers; a scan would try for longer.
        CannotLook: the server does not let us in.
    """
    mappings = settings.mappings()
    async with open_client(settings) as client, open_cluster(settings) as clustered:
        await probe(client, deadline_seconds=settings.mongo.server_selection_timeout_seconds)
        database = client[settings.mongo.database]
        observer = ScanLog(logs, mappings=mappings, mismatches_max=settings.log.mismatches_max)
        store = MongoBalanceStore(database, mappings)
        scanner = build_scanner(store, clustered, mappings, scan_options(settings), observer)
        scans = MongoRecordedScans(database, history_days=settings.scan.history_days)
        findings = MongoRecordedFindings(
            database, scans, mappings, history_days=settings.scan.history_days
        )
        holder = holder_name()
        audit_log = AuditLog(logs)
        trail = open_trail(settings, database, audit_log)
        recorder = ScanRecorder(
            scanner,
            scans,
            findings,
            UnobservedFindings(),
            holder=holder,
            trail=Verdicts(trail, audit_log),
        )
        async with _repairs(settings, logs, database, recorder, trail) as repairs:
            yield _Backend(
                scanner,
                Explainer(store, mappings, double_tolerance=settings.scan.double_tolerance),
                Schema(database, mappings),
                recorder,
                MongoLease(database),
                holder,
                settings.lease.ttl_seconds,
                repairs,
                AuditReader(settings, database),
                Roles(database, mappings),
                gate_records(settings, database),
                Hardening(database, mappings),
            )


@contextlib.asynccontextmanager
async def _repairs(
    settings: Settings, logs: Logs, database: Database, recorder: ScanRecorder, trail: Trail
) -> AsyncIterator[Repairs]:
    mappings = settings.mappings()
    sync = BalanceSync(
        database,
        mappings=mappings,
        scales=settings.currency_scales(),
        double_tolerance=settings.scan.double_tolerance,
        deadline_seconds=settings.sync.deadline_seconds,
        observer=PostingLog(logs),
    )

    async def check(user_id: str | None, currency: str | None) -> ScanReport:
        selection = Selection(user_id, currency)
        scan = await recorder.scan(selection, trigger=ScanTrigger.COMMAND, token=None)
        return scan.report

    watcher = RepairLog(logs, mappings=mappings)
    try:
        yield open_repairs(
            settings, database, sync=sync, audit=trail, check=check, observer=watcher
        )
    finally:
        await sync.close()


@dataclass(frozen=True, slots=True)
class _Backend:
    """What the commands ask, on the scanner and the storage."""

    _scanner: Scanner
    _explainer: Explainer
    _schema: Schema
    _recorder: ScanRecorder
    _lease: MongoLease
    _holder: str
    _ttl_seconds: float
    repairs: Repairs
    audit: AuditReader
    _roles: Roles
    _look_at_records: Callable[[], Awaitable[Checklist]]
    _hardening: Hardening

    async def check(
        self, user_id: str | None, currency: str | None, *, progress: Progress
    ) -> ScanReport:
        return await self._scanner.scan(user_id, currency, progress=progress)

    async def reconcile(self, *, progress: Progress) -> Reconciliation:
        """Scan as a daemon would: under the lease, unless a daemon has it."""
        leadership = Leadership(
            self._lease, _Unheard(), holder=self._holder, ttl_seconds=self._ttl_seconds
        )
        await leadership.step()
        keeping = asyncio.create_task(leadership.run())
        try:
            scan = await self._recorder.scan(
                Selection(),
                trigger=ScanTrigger.COMMAND,
                token=leadership.token,
                progress=progress,
            )
            current = None if leadership.token is not None else await self._leader()
        finally:
            keeping.cancel()
            with contextlib.suppress(errors.ReconcilerError):
                await leadership.give_back()
        return Reconciliation(scan.report, unrecorded=scan.unrecorded, leader=current)

    async def explain(self, user_id: str, currency: str) -> Explanation:
        return await self._explainer.explain(user_id, currency)

    async def init_schema(self) -> SchemaReport:
        return await self._schema.init()

    async def schema_status(self) -> SchemaReport:
        return await self._schema.status()

    async def harden(self, *, applies: bool, replaces: bool) -> HardeningReport:
        if applies:
            return await self._hardening.apply(replaces=replaces)
        return await self._hardening.plan(replaces=replaces)

    def roles(self) -> Sequence[Role]:
        return self._roles.wanted()

    async def apply_roles(self) -> None:
        await self._roles.apply()

    async def checklist(self) -> Checklist:
        return await self._look_at_records()

    async def _leader(self) -> str | None:
        with contextlib.suppress(errors.ReconcilerError):
            lease = await self._lease.current()
            return None if lease is None or lease.has_expired else lease.holder
        return None


class _Unheard:
    """Nobody asks who leads while a command runs."""

    async def lease_gained(self, token: int) -> None:
        """Do nothing."""

    async def lease_lost(self) -> None:
        """Do nothing."""

    async def lease_unanswered(self, reason: str) -> None:
        """Do nothing: the scan will say it."""
