"""What the daemon is made of, and how its parts are put together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from decimal import Decimal

from reconciler.auditing.verdicts import Verdicts
from reconciler.bootstrap.auditing import open_trail
from reconciler.bootstrap.backend import holder_name, scan_options
from reconciler.bootstrap.clustering import Clustered, build_scanner
from reconciler.bootstrap.frozen import freeze_standing
from reconciler.bootstrap.gating import gate_records
from reconciler.bootstrap.repairing import open_repairs, repair_standing
from reconciler.bootstrap.watching import open_bypassing_writes, open_watch
from reconciler.control.frozen import checksum
from reconciler.escrow.credits import TrialCredits
from reconciler.escrow.service import Escrow
from reconciler.model.report import ScanReport
from reconciler.model.scan_record import ScanTrigger
from reconciler.model.token_trail import Grant
from reconciler.scanning.latest import LatestScan
from reconciler.scanning.leadership import Leadership
from reconciler.scanning.ports import Selection
from reconciler.scanning.recording import ScanRecorder
from reconciler.settings import Settings
from reconciler.storage.auditing import MongoAuditTrail
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.explaining import Explainer
from reconciler.storage.holdings import MongoHoldings
from reconciler.storage.idempotency import MongoIdempotencyKeys
from reconciler.storage.leasing import MongoLease
from reconciler.storage.record_indexes import make_record_indexes
from reconciler.storage.recorded_findings import MongoRecordedFindings
from reconciler.storage.recorded_scans import MongoRecordedScans
from reconciler.storage.standing import MongoStanding
from reconciler.storage.trades import MongoTrades
from reconciler.storage.transactions import Database
from reconciler.surfaces.audit_log import AuditLog
from reconciler.surfaces.daemon.auditing import AuditWatch
from reconciler.surfaces.daemon.daemon import Daemon, Scans
from reconciler.surfaces.daemon.freeze_watch import FreezeWatch
from reconciler.surfaces.daemon.pulse import Pulse
from reconciler.surfaces.daemon.repair_pulse import RepairPulse
from reconciler.surfaces.daemon.service import DaemonService
from reconciler.surfaces.daemon.succession import Succession
from reconciler.surfaces.daemon.token_watch import TokenWatch
from reconciler.surfaces.fan_out import (
    SeveralAuditObservers,
    SeveralDaemonObservers,
    SeveralFindingObservers,
    SeveralRepairWatchers,
    SeveralScanObservers,
    SeveralSyncObservers,
)
from reconciler.surfaces.http.access import Gate
from reconciler.surfaces.http.app import build_app
from reconciler.surfaces.http.idempotency import Idempotency
from reconciler.surfaces.http.repairs import RepairAccess
from reconciler.surfaces.http.serving import serving
from reconciler.surfaces.log_events import DaemonLog, FindingLog, PostingLog, ScanLog
from reconciler.surfaces.logs import Logs
from reconciler.surfaces.metrics.metrics import Metrics
from reconciler.surfaces.repair_log import RepairLog
from reconciler.surfaces.watch_log import WatchLog
from reconciler.surfaces.watch_observers import SeveralWatchObservers
from reconciler.sync import BalanceSync

# Requests under way when the daemon stops have so long to end.
HTTP_STOP_SECONDS = 1.0


class DaemonParts:
    """Everything that the daemon is made of, from one set of settings."""

    def __init__(
        self,
        settings: Settings,
        logs: Logs,
        database: Database,
        metrics: Metrics,
        gate: Gate,
        clustered: Clustered,
    ) -> None:
        self.settings = settings
        self.logs = logs
        self.metrics = metrics
        self.gate = gate
        self.prices_usd: dict[str, Decimal] = dict(settings.valuation.prices_usd)
        self.url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._mappings = settings.mappings()
        self._database = database
        self._holder = holder_name()
        self.store = MongoBalanceStore(
            database,
            self._mappings,
            answer_seconds_max=settings.mongo.server_selection_timeout_seconds,
        )
        self._make_trail()
        self._make_scans(clustered)
        self._make_leadership()
        self._make_watch()
        self._make_repair()
        keys = MongoIdempotencyKeys(database)
        self.idempotency = Idempotency(keys, deadline_seconds=settings.api.request_deadline_seconds)
        self.trades = MongoTrades(database)

    def _make_trail(self) -> None:
        audit_observer = SeveralAuditObservers(self.metrics.audit, AuditLog(self.logs))
        self.trail = open_trail(self.settings, self._database, audit_observer)
        self._verdicts = Verdicts(self.trail, audit_observer)
        bodies = MongoAuditTrail(self._database).bodies
        self.token_watch = TokenWatch(
            self.trail, bodies, actor=self._holder, now=now, logs=self.logs
        )
        self.token_watch.take(grants_of(self.settings))
        self.freeze = freeze_standing(self.settings)
        self.metrics.set_freeze_valid(is_valid=self.freeze.is_valid)
        self._freeze_watch = FreezeWatch(
            self.trail, bodies, self.freeze, actor=self._holder, now=now, logs=self.logs
        )

    def _make_scans(self, clustered: Clustered) -> None:
        settings, logs, mappings = self.settings, self.logs, self._mappings
        metrics, database = self.metrics, self._database
        lines_max = settings.log.mismatches_max
        scan_log = ScanLog(
            logs, mappings=mappings, mismatches_max=lines_max, tells_mismatches=False
        )
        self._scan_observer = SeveralScanObservers(metrics.scans, scan_log)
        options = scan_options(settings)
        self.scanner = build_scanner(self.store, clustered, mappings, options, self._scan_observer)
        days = settings.scan.history_days
        self.records = MongoRecordedScans(database, history_days=days)
        self.findings = MongoRecordedFindings(database, self.records, mappings, history_days=days)
        finding_log = FindingLog(logs, mappings=mappings, mismatches_max=lines_max)
        self._finding_observer = SeveralFindingObservers(metrics.scans, finding_log)
        self._recorder = ScanRecorder(
            self.scanner,
            self.records,
            self.findings,
            self._finding_observer,
            holder=self._holder,
            trail=self._verdicts,
        )

    def _make_leadership(self) -> None:
        database, lease = self._database, MongoLease(self._database)
        self.observer = SeveralDaemonObservers(self.metrics, DaemonLog(self.logs))
        self.pulse = Pulse(MongoStanding(database, self.records, lease), self.observer)
        self.latest = LatestScan(self.records.last_full)
        self.scans = Scans(self._recorder, self.pulse, self.latest)
        self.succession = Succession(
            self.scans.shared,
            self.records,
            self.logs,
            prepare=lambda: make_record_indexes(database),
        )
        self.leadership = Leadership(
            lease,
            self.succession,
            holder=self._holder,
            ttl_seconds=self.settings.lease.ttl_seconds,
        )
        self.scans.leadership = self.leadership

    def _make_watch(self) -> None:
        settings, database = self.settings, self._database
        watch_log = WatchLog(self.logs, lines_max=settings.log.mismatches_max)
        self.bypassing = open_bypassing_writes(settings, database)
        self.watch = open_watch(
            settings,
            database,
            leading=self.leadership,
            store=self.store,
            scans=self.records,
            findings=self.findings,
            finding_observer=self._finding_observer,
            scan_observer=self._scan_observer,
            trail=self._verdicts,
            holder=self._holder,
            observer=SeveralWatchObservers(self.metrics.watch, watch_log),
            scan_soon=self.scans.soon,
            told=self.scans.watch_told,
        )

    def _make_repair(self) -> None:
        settings, database = self.settings, self._database
        self.repair_watcher = SeveralRepairWatchers(
            self.metrics.repairs, RepairLog(self.logs, mappings=self._mappings)
        )
        self.sync = _sync(settings, database, self.metrics, self.logs)
        self.repairs = open_repairs(
            settings,
            database,
            sync=self.sync,
            audit=self.trail,
            check=self._check,
            observer=self.repair_watcher,
            prices_usd=self.prices_usd,
        )
        self.repair_pulse = RepairPulse(repair_standing(settings, database), self.repair_watcher)

    def daemon(self) -> Daemon:
        """Join the parts."""
        service = DaemonService(
            pulse=self.pulse,
            leadership=self.leadership,
            shared=self.scans.shared,
            scans=self.records,
            latest=self.latest,
            findings=self.findings,
            explainer=Explainer(
                self.store,
                self.settings.mappings(),
                double_tolerance=self.settings.scan.double_tolerance,
            ),
            bypassing=self.bypassing,
            now=now,
        )
        daemon = Daemon(
            pulse=self.pulse,
            scans=self.scans,
            leadership=self.leadership,
            service=service,
            observer=self.observer,
            serve=lambda: self._serve(service),
            logs=self.logs,
            watches=(
                AuditWatch(
                    self.trail,
                    interval_seconds=lambda: self.settings.audit.checkpoint_interval_seconds,
                    logs=self.logs,
                ),
                self.repair_pulse,
                *([self.watch] if self.settings.watch.enabled else ()),
                self.token_watch,
                self._freeze_watch,
            ),
        )
        self.succession.schedule = daemon.schedule
        return daemon

    @contextlib.asynccontextmanager
    async def _serve(self, service: DaemonService) -> AsyncIterator[Awaitable[None]]:
        api = self.settings.api
        scales = self.settings.currency_scales()
        holdings = MongoHoldings(self.store, self.settings.mappings())
        app = build_app(
            service=service,
            repair=RepairAccess(
                self.repairs, self.repair_watcher, self.settings.repair.escalation_contact or None
            ),
            gate=self.gate,
            settings=self.settings,
            prices_usd=self.prices_usd,
            checksum=checksum(self.settings.freeze.checksum_prefix),
            observer=self.metrics.http,
            checklist=gate_records(self.settings, self._database),
            credits_given=TrialCredits(self.sync, holdings) if api.test_endpoints else None,
            escrow=Escrow(self.sync, self.trades, scales=scales) if api.escrow_endpoints else None,
            metrics_text=self._metrics_text,
            idempotency=self.idempotency,
            logs=self.logs,
        )
        async with serving(app, api, stop_seconds=HTTP_STOP_SECONDS) as served:
            self.logs.info("http_listening", url=served.url, host=served.host, port=served.port)
            self.url.set_result(served.url)
            yield served.wait_ended()

    async def _check(self, user_id: str | None, currency: str | None) -> ScanReport:
        """Scan for a repair as for a request: what is seen is recorded."""
        scan = await self.scans.shared.scan(Selection(user_id, currency), ScanTrigger.REQUEST)
        return scan.report

    def _metrics_text(self, accept: str | None) -> tuple[bytes, str]:
        self.metrics.set_leader(self.leadership.token is not None)
        return self.metrics.exposition(accept)


def grants_of(settings: Settings) -> list[Grant]:
    """List whose tokens let in, for what and until when."""
    tokens = settings.api.tokens
    return [Grant(each.name, tuple(each.scopes), each.expires) for each in tokens]


def _sync(settings: Settings, database: Database, metrics: Metrics, logs: Logs) -> BalanceSync:
    return BalanceSync(
        database,
        mappings=settings.mappings(),
        scales=settings.currency_scales(),
        double_tolerance=settings.scan.double_tolerance,
        deadline_seconds=settings.sync.deadline_seconds,
        observer=SeveralSyncObservers(metrics.postings, PostingLog(logs)),
    )


def now() -> datetime:
    """Give the time of day."""
    return datetime.now(UTC)
