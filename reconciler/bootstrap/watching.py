"""Builds the watch."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

from reconciler.model.report import ScanReport
from reconciler.scanning.judging import Judge
from reconciler.scanning.observer import FindingObserver, ScanObserver
from reconciler.scanning.records import ScanRecords, VerdictTrail
from reconciler.settings import Settings
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.bypassing_writes import MongoBypassingWrites
from reconciler.storage.changes import MongoChangeSource
from reconciler.storage.owners import MongoOwners
from reconciler.storage.recorded_findings import MongoRecordedFindings
from reconciler.storage.transactions import Database
from reconciler.storage.watch_positions import MongoPositions
from reconciler.watching.checking import Checker
from reconciler.watching.observer import WatchObserver
from reconciler.watching.recording import WatchRecorder
from reconciler.watching.rules import WatchOptions
from reconciler.watching.watch import Leading, Watch


def watch_options(settings: Settings) -> WatchOptions:
    """Give the watch its part of the settings."""
    watch = settings.watch
    return WatchOptions(
        settle_seconds=watch.settle_seconds,
        max_wait_seconds=watch.max_wait_seconds,
        pending_max=watch.pending_max,
        mismatches_max=settings.scan.mismatches_max,
        double_tolerance=settings.scan.double_tolerance,
    )


def open_bypassing_writes(settings: Settings, database: Database) -> MongoBypassingWrites:
    """Give the records of writes past the library."""
    return MongoBypassingWrites(database, history_days=settings.scan.history_days)


def open_watch(
    settings: Settings,
    database: Database,
    *,
    leading: Leading,
    store: MongoBalanceStore,
    scans: ScanRecords,
    findings: MongoRecordedFindings,
    finding_observer: FindingObserver,
    scan_observer: ScanObserver,
    trail: VerdictTrail,
    holder: str,
    observer: WatchObserver,
    scan_soon: Callable[[], None],
    told: Callable[[ScanReport | None], Awaitable[None]],
) -> Watch:
    """Build the watch of a daemon; nothing is asked of the database yet."""
    options = watch_options(settings)
    mappings = settings.mappings()
    judge = Judge(mappings, double_tolerance=options.double_tolerance)
    recorder = WatchRecorder(
        scans, findings, finding_observer, scan_observer, trail, holder=holder, told=told
    )
    new_checker = partial(
        Checker,
        store,
        judge,
        findings,
        recorder,
        observer,
        options,
        monotonic=time.monotonic,
        now=_now,
    )
    return Watch(
        leading,
        MongoChangeSource(database, mappings, batch_events_max=settings.watch.batch_max),
        MongoPositions(database),
        MongoOwners(database, mappings),
        open_bypassing_writes(settings, database),
        new_checker,
        observer,
        options,
        scan_soon=scan_soon,
    )


def _now() -> datetime:
    return datetime.now(UTC)
