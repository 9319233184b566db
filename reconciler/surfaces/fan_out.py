"""Observers that tell several others the same, in the order in which they are given."""

from collections.abc import Sequence
from typing import Protocol

from reconciler.auditing.ports import AuditObserver
from reconciler.errors import PostingRefused, ReconcilerError
from reconciler.model.audit import AuditHead, AuditKind, AuditRecord, ChainProblem, Checkpoint
from reconciler.model.comparison import Mismatch
from reconciler.model.finding import Change, Finding
from reconciler.model.posting import EntryKind
from reconciler.model.repair import (
    GuardRefusal,
    RepairPlan,
    RepairResult,
    RepairStep,
    RepairSwitch,
)
from reconciler.model.report import Consistency, ScanMode, ScanReport, Verdict
from reconciler.model.scan_record import ScanRecord
from reconciler.model.standing import Standing
from reconciler.model.throttle import Busy
from reconciler.scanning.observer import FindingObserver, ScanObserver, ScanStage
from reconciler.scanning.ports import KeyRange
from reconciler.surfaces.repair_watching import RepairStanding, RepairWatcher
from reconciler.sync.observer import SyncObserver
from reconciler.sync.results import PostingResult


class DaemonObserver(Protocol):
    """Is told what a daemon knows, and what its schedule passes over. It must not raise."""

    def mongo_up(self, is_up: bool, *, reason: str | None) -> None:  # noqa: FBT001 - a gauge
        """Whether the database answers; told again and again."""

    def standing_known(self, standing: Standing) -> None:
        """Where the exchange stands; told again and again."""

    def verdict_changed(self, *, was: Verdict, is_now: Verdict) -> None:
        """What is known of all accounts together changed."""

    def job_missed(self, reason: str, *, error: BaseException | None = None) -> None:
        """A scan that was due did not begin, or ended by a fault."""


class SeveralScanObservers:
    """Tells each of several what a scan does."""

    def __init__(self, *observers: ScanObserver) -> None:
        self._observers: Sequence[ScanObserver] = observers

    def scan_started(self, scan_id: str, *, mode: ScanMode, consistency: Consistency) -> None:
        """A scan begins to read."""
        for each in self._observers:
            each.scan_started(scan_id, mode=mode, consistency=consistency)

    def range_read_again(self, scan_id: str, key_range: KeyRange, *, why: str) -> None:
        """What is left of a range is read in a new snapshot."""
        for each in self._observers:
            each.range_read_again(scan_id, key_range, why=why)

    def range_done(self, scan_id: str, key_range: KeyRange, *, accounts: int) -> None:
        """A range was read to its end."""
        for each in self._observers:
            each.range_done(scan_id, key_range, accounts=accounts)

    def scan_throttled(self, scan_id: str, busy: Busy, *, seconds: float) -> None:
        """A scan waits, or has waited."""
        for each in self._observers:
            each.scan_throttled(scan_id, busy, seconds=seconds)

    def scan_resumed(self, scan_id: str, *, seconds: float) -> None:
        """A scan reads on."""
        for each in self._observers:
            each.scan_resumed(scan_id, seconds=seconds)

    def load_unknown(self, scan_id: str, *, why: str) -> None:
        """How busy the server is cannot be asked."""
        for each in self._observers:
            each.load_unknown(scan_id, why=why)

    def suspect_found(self, scan_id: str, mismatch: Mismatch) -> None:
        """A mismatch was seen once."""
        for each in self._observers:
            each.suspect_found(scan_id, mismatch)

    def mismatch_confirmed(self, scan_id: str, mismatch: Mismatch) -> None:
        """A mismatch was seen again in a later snapshot."""
        for each in self._observers:
            each.mismatch_confirmed(scan_id, mismatch)

    def stage_finished(
        self, scan_id: str, stage: ScanStage, *, mode: ScanMode, seconds: float
    ) -> None:
        """A scan is through with a stage."""
        for each in self._observers:
            each.stage_finished(scan_id, stage, mode=mode, seconds=seconds)

    def scan_finished(self, report: ScanReport) -> None:
        """A scan is over, whatever it found."""
        for each in self._observers:
            each.scan_finished(report)


class SeveralFindingObservers:
    """Tells each of several what became of findings."""

    def __init__(self, *observers: FindingObserver) -> None:
        self._observers: Sequence[FindingObserver] = observers

    def finding_changed(self, finding: Finding, change: Change, *, scan_id: str) -> None:
        """A finding was detected, confirmed or resolved."""
        for each in self._observers:
            each.finding_changed(finding, change, scan_id=scan_id)

    def scan_recorded(self, record: ScanRecord) -> None:
        """A scan ended and is written down."""
        for each in self._observers:
            each.scan_recorded(record)

    def scan_not_recorded(self, scan_id: str, *, mode: ScanMode, reason: str) -> None:
        """What a scan saw or how it ended could not be written down."""
        for each in self._observers:
            each.scan_not_recorded(scan_id, mode=mode, reason=reason)


class SeveralSyncObservers:
    """Tells each of several what the sync library did."""

    def __init__(self, *observers: SyncObserver) -> None:
        self._observers: Sequence[SyncObserver] = observers

    def posting_done(self, result: PostingResult, *, duration_seconds: float) -> None:
        """A posting was applied."""
        for each in self._observers:
            each.posting_done(result, duration_seconds=duration_seconds)

    def posting_refused(
        self, kind: EntryKind, error: PostingRefused, *, op_id: str | None, duration_seconds: float
    ) -> None:
        """Nothing was written."""
        for each in self._observers:
            each.posting_refused(kind, error, op_id=op_id, duration_seconds=duration_seconds)

    def posting_unknown(
        self, kind: EntryKind, error: ReconcilerError, *, op_id: str, duration_seconds: float
    ) -> None:
        """Whether a posting was applied is not known."""
        for each in self._observers:
            each.posting_unknown(kind, error, op_id=op_id, duration_seconds=duration_seconds)

    def posting_retried(self, *, op_id: str, attempt: int, error: Exception) -> None:
        """An attempt is repeated."""
        for each in self._observers:
            each.posting_retried(op_id=op_id, attempt=attempt, error=error)

    def drift_seen(self, mismatch: Mismatch, *, op_id: str) -> None:
        """A posting met an account whose copies disagree."""
        for each in self._observers:
            each.drift_seen(mismatch, op_id=op_id)


class SeveralDaemonObservers:
    """Tells each of several what a daemon knows."""

    def __init__(self, *observers: DaemonObserver) -> None:
        self._observers: Sequence[DaemonObserver] = observers

    def mongo_up(self, is_up: bool, *, reason: str | None) -> None:  # noqa: FBT001 - a gauge
        """Whether the database answers."""
        for each in self._observers:
            each.mongo_up(is_up, reason=reason)

    def standing_known(self, standing: Standing) -> None:
        """Where the exchange stands."""
        for each in self._observers:
            each.standing_known(standing)

    def verdict_changed(self, *, was: Verdict, is_now: Verdict) -> None:
        """What is known of all accounts together changed."""
        for each in self._observers:
            each.verdict_changed(was=was, is_now=is_now)

    def job_missed(self, reason: str, *, error: BaseException | None = None) -> None:
        """A scan that was due did not begin, or ended by a fault."""
        for each in self._observers:
            each.job_missed(reason, error=error)


class SeveralRepairWatchers:
    """Tells each of several what becomes of repairs."""

    def __init__(self, *watchers: RepairWatcher) -> None:
        self._watchers: Sequence[RepairWatcher] = watchers

    def planned(self, plan: RepairPlan) -> None:
        """A plan was stored."""
        for each in self._watchers:
            each.planned(plan)

    def shown(self, plan: RepairPlan) -> None:
        """A plan was made to be seen only."""
        for each in self._watchers:
            each.shown(plan)

    def refused(self, refusal: GuardRefusal, *, actor: str, plan_id: str | None) -> None:
        """A guard said no."""
        for each in self._watchers:
            each.refused(refusal, actor=actor, plan_id=plan_id)

    def approved(self, plan: RepairPlan) -> None:
        """A second person agreed."""
        for each in self._watchers:
            each.approved(plan)

    def step_done(self, plan: RepairPlan, step: RepairStep) -> None:
        """A step was applied or found stale."""
        for each in self._watchers:
            each.step_done(plan, step)

    def finished(self, result: RepairResult) -> None:
        """A plan was carried out and looked at again."""
        for each in self._watchers:
            each.finished(result)

    def failed(self, plan_id: str, *, actor: str, error: Exception) -> None:
        """Carrying a plan out ended by an error."""
        for each in self._watchers:
            each.failed(plan_id, actor=actor, error=error)

    def switched(self, switch: RepairSwitch) -> None:
        """Repairs were switched on or off."""
        for each in self._watchers:
            each.switched(switch)

    def checkpoint_failed(self, reason: str, *, plan_id: str) -> None:
        """After a repair the trail could not be signed."""
        for each in self._watchers:
            each.checkpoint_failed(reason, plan_id=plan_id)

    def standing_known(self, standing: RepairStanding | None) -> None:
        """Whether repairs are possible, and what waits."""
        for each in self._watchers:
            each.standing_known(standing)


class SeveralAuditObservers:
    """Tells each of several what happens to the audit trail."""

    def __init__(self, *observers: AuditObserver) -> None:
        self._observers: Sequence[AuditObserver] = observers

    def appended(self, record: AuditRecord, kind: AuditKind) -> None:
        """A record was written."""
        for each in self._observers:
            each.appended(record, kind)

    def append_failed(self, kind: AuditKind, *, reason: str) -> None:
        """What happened could not be written down."""
        for each in self._observers:
            each.append_failed(kind, reason=reason)

    def checkpointed(self, checkpoint: Checkpoint) -> None:
        """The head was signed."""
        for each in self._observers:
            each.checkpointed(checkpoint)

    def checkpoint_failed(self, why: str, *, reason: str) -> None:
        """The head could not be signed."""
        for each in self._observers:
            each.checkpoint_failed(why, reason=reason)

    def chain_proven(self, head: AuditHead) -> None:
        """All that was read of the trail is right."""
        for each in self._observers:
            each.chain_proven(head)

    def chain_broken(self, problem: ChainProblem) -> None:
        """The trail was changed."""
        for each in self._observers:
            each.chain_broken(problem)
