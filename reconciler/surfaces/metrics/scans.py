"""Counts scans and what became of findings."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from reconciler.model.comparison import Mismatch, MismatchKind
from reconciler.model.digest import DigestUse
from reconciler.model.finding import Change, Finding
from reconciler.model.report import Consistency, ScanMethod, ScanMode, ScanReport, Verdict
from reconciler.model.scan_record import ScanRecord, ScanResult, ScanState
from reconciler.model.throttle import Busy, ThrottleReason
from reconciler.scanning.observer import ScanStage
from reconciler.surfaces.metrics.labels import PREFIX

RESULTS = {
    Verdict.HEALTHY: ScanResult.HEALTHY,
    Verdict.INTEGRITY_FAILURE: ScanResult.MISMATCH,
    Verdict.INCOMPLETE: ScanResult.INCOMPLETE,
}
# Of a full scan that wanted digests and had to read every account.
GIVEN_UP = "exact_after_digest"
IN_SYNC, MISMATCHED = "in_sync", "mismatch"
SCAN_SECONDS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
# The client refuses an exemplar of more than 128 characters, its label's name included.
EXEMPLAR_CHARACTERS_MAX = 100


class ScanMetrics:
    """Observes scans and findings, and counts them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._scans = Counter(
            f"{PREFIX}_scans_total",
            "Scans that ended, by what they looked at and how they ended.",
            ["mode", "result"],
            registry=registry,
        )
        self._durations = Histogram(
            f"{PREFIX}_scan_duration_seconds",
            "How long scans took that ended with a report.",
            ["mode"],
            buckets=SCAN_SECONDS,
            registry=registry,
        )
        self._stages = Gauge(
            f"{PREFIX}_scan_stage_duration_seconds",
            "How long each stage of this daemon's last full scan took.",
            ["stage"],
            registry=registry,
        )
        self._accounts = Counter(
            f"{PREFIX}_accounts_checked_total",
            "Accounts that scans compared, by what they found.",
            ["result"],
            registry=registry,
        )
        self._detected = Counter(
            f"{PREFIX}_mismatches_detected_total",
            "Findings that were seen for the first time.",
            ["kind"],
            registry=registry,
        )
        self._not_recorded = Counter(
            f"{PREFIX}_scans_not_recorded_total",
            "Scans of which something could not be written down: what is stored is older.",
            ["mode"],
            registry=registry,
        )
        self._register_digests(registry)
        self._throttled = Counter(
            f"{PREFIX}_scan_throttled_seconds_total",
            "Seconds that scans waited because the server was busy, by what it was busy with.",
            ["reason"],
            registry=registry,
        )
        self._begin_at_zero()

    def _register_digests(self, registry: CollectorRegistry) -> None:
        self._methods = Counter(
            f"{PREFIX}_full_scans_total",
            "Full scans that ended with a report, by how accounts were compared.",
            ["method"],
            registry=registry,
        )
        self._buckets = Gauge(
            f"{PREFIX}_scan_buckets",
            "Buckets of which this daemon's last full scan compared digests.",
            registry=registry,
        )
        self._differing = Gauge(
            f"{PREFIX}_scan_buckets_differing",
            "Buckets whose digests differed, or proved nothing, in this daemon's last full scan.",
            registry=registry,
        )

    def _begin_at_zero(self) -> None:
        for mode in ScanMode:
            self._durations.labels(mode.value)
            self._not_recorded.labels(mode.value)
            for result in ScanResult:
                self._scans.labels(mode.value, result.value)
        for method in (*ScanMethod, GIVEN_UP):
            self._methods.labels(str(method))
        for found in (IN_SYNC, MISMATCHED):
            self._accounts.labels(found)
        for reason in ThrottleReason:
            self._throttled.labels(reason.value)
        for kind in MismatchKind:
            self._detected.labels(kind.value)

    def scan_started(self, scan_id: str, *, mode: ScanMode, consistency: Consistency) -> None:
        """Do nothing."""

    def range_read_again(self, scan_id: str, key_range: object, *, why: str) -> None:
        """Do nothing."""

    def range_done(self, scan_id: str, key_range: object, *, accounts: int) -> None:
        """Do nothing."""

    def scan_throttled(self, scan_id: str, busy: Busy, *, seconds: float) -> None:
        """Add up what scans wait, while they do."""
        self._throttled.labels(busy.reason.value).inc(seconds)

    def scan_resumed(self, scan_id: str, *, seconds: float) -> None:
        """Do nothing: the seconds were counted as they passed."""

    def load_unknown(self, scan_id: str, *, why: str) -> None:
        """Do nothing."""

    def suspect_found(self, scan_id: str, mismatch: Mismatch) -> None:
        """Do nothing: what was never seen before is told by `finding_changed`."""

    def mismatch_confirmed(self, scan_id: str, mismatch: Mismatch) -> None:
        """Do nothing."""

    def stage_finished(
        self, scan_id: str, stage: ScanStage, *, mode: ScanMode, seconds: float
    ) -> None:
        """Keep how long a full scan was at a stage."""
        if mode is ScanMode.FULL:
            self._stages.labels(stage.value).set(seconds)

    def scan_finished(self, report: ScanReport) -> None:
        """Count a scan that ended with a report, and its accounts."""
        mode = report.mode.value
        self._scans.labels(mode, RESULTS[report.verdict].value).inc()
        self._durations.labels(mode).observe(report.duration_seconds)
        if report.mode is ScanMode.FULL:
            self._keep_method(report)
        # A document without a sound identity is a mismatch and no account.
        in_sync = max(report.coverage.accounts - report.mismatch_count, 0)
        self._accounts.labels(IN_SYNC).inc(in_sync)
        self._accounts.labels(MISMATCHED).inc(report.mismatch_count)

    def _keep_method(self, report: ScanReport) -> None:
        use = report.digest or DigestUse()
        self._methods.labels(GIVEN_UP if use.given_up else report.method.value).inc()
        self._buckets.set(use.buckets)
        self._differing.set(use.differing)

    def finding_changed(self, finding: Finding, change: Change, *, scan_id: str) -> None:
        """Count a first sighting; the exemplar leads to the scan's log lines."""
        if change is Change.DETECTED:
            exemplar = {"scan_id": scan_id[:EXEMPLAR_CHARACTERS_MAX]}
            self._detected.labels(finding.mismatch.kind.value).inc(exemplar=exemplar)

    def scan_recorded(self, record: ScanRecord) -> None:
        """Count a scan that a fault of ours ended; the others are counted by their reports."""
        if record.state is ScanState.FAILED:
            self._scans.labels(record.mode.value, ScanResult.ERROR.value).inc()

    def scan_not_recorded(self, scan_id: str, *, mode: ScanMode, reason: str) -> None:
        """Count a scan that could not be written down."""
        self._not_recorded.labels(mode.value).inc()
