"""What is logged, and in which words: the observers that write log lines."""

from collections import Counter
from collections.abc import Mapping

from reconciler.errors import PostingRefused, ReconcilerError
from reconciler.model.amounts import plain
from reconciler.model.comparison import Mismatch, drift_of
from reconciler.model.digest import DigestUse
from reconciler.model.finding import Change, Finding
from reconciler.model.mapping import Mappings
from reconciler.model.posting import EntryKind
from reconciler.model.report import Consistency, ScanMode, ScanReport, Verdict
from reconciler.model.scan_record import ScanRecord, ScanState
from reconciler.model.throttle import Busy
from reconciler.surfaces.answers import timestamp
from reconciler.surfaces.logs import Logs

# Scans whose lines are counted at the same time; of one that never ended the count is forgotten.
SCANS_MAX = 100


class LineLimit:
    """At most so many lines of each kind for one scan; what is left out is counted too."""

    def __init__(self, lines_max: int) -> None:
        self._lines_max = lines_max
        self._counts: dict[str, Counter[str]] = {}

    def allows(self, scan_id: str, kind: str) -> bool:
        """Count one more, and say whether it may have a line."""
        if scan_id not in self._counts:
            while len(self._counts) >= SCANS_MAX:
                del self._counts[next(iter(self._counts))]
            self._counts[scan_id] = Counter()
        counts = self._counts[scan_id]
        counts[kind] += 1
        return counts[kind] <= self._lines_max

    def end(self, scan_id: str) -> Mapping[str, int]:
        """Forget a scan, and give the true counts of the kinds that were cut."""
        counts = self._counts.pop(scan_id, Counter())
        return {kind: count for kind, count in counts.items() if count > self._lines_max}


class ScanLog:
    """Logs what a scanner reports: at most `mismatches_max` mismatches of each scan.

    Where findings are recorded, `FindingLog` tells of mismatches, with more to say:
    `tells_mismatches` is false there, so that none is told twice.
    """

    def __init__(
        self,
        logs: Logs,
        *,
        mappings: Mappings,
        mismatches_max: int,
        tells_mismatches: bool = True,
    ) -> None:
        self._logs = logs
        self._mappings = mappings
        self._mismatches_max = mismatches_max
        self._limit = LineLimit(mismatches_max)
        self._tells_mismatches = tells_mismatches

    def scan_started(self, scan_id: str, *, mode: ScanMode, consistency: Consistency) -> None:
        """A scan begins."""
        self._logs.info(
            "scan_started", scan_id=scan_id, mode=mode.value, consistency=consistency.value
        )

    def range_read_again(self, scan_id: str, key_range: object, *, why: str) -> None:
        """What is left of a range is read in a new snapshot."""
        self._logs.info("range_read_again", scan_id=scan_id, range=str(key_range), reason=why)

    def range_done(self, scan_id: str, key_range: object, *, accounts: int) -> None:
        """A range was read to its end."""
        self._logs.debug("range_done", scan_id=scan_id, range=str(key_range), accounts=accounts)

    def scan_throttled(self, scan_id: str, busy: Busy, *, seconds: float) -> None:
        """A scan begins to wait; how long it did is in the line of its end."""
        if not seconds:
            self._logs.warning("scan_throttled", scan_id=scan_id, reason=str(busy))

    def scan_resumed(self, scan_id: str, *, seconds: float) -> None:
        """A scan reads on."""
        self._logs.info("scan_resumed", scan_id=scan_id, waited_seconds=round(seconds, 3))

    def load_unknown(self, scan_id: str, *, why: str) -> None:
        """How busy the server is cannot be asked; told once."""
        self._logs.warning("scan_not_throttled", scan_id=scan_id, reason=why)

    def suspect_found(self, scan_id: str, mismatch: Mismatch) -> None:
        """A mismatch was seen once; what is confirmed gets a line that is not cut to debug."""
        if self._tells_mismatches:
            self._logs.debug(
                "mismatch_detected",
                scan_id=scan_id,
                user_id=mismatch.account.user_id.text,
                currency=mismatch.account.currency.text,
                kind=mismatch.kind.value,
            )

    def mismatch_confirmed(self, scan_id: str, mismatch: Mismatch) -> None:
        """A mismatch was seen in a second snapshot too."""
        if self._tells_mismatches and self._limit.allows(scan_id, Change.CONFIRMED):
            fields = _mismatch(mismatch, self._mappings)
            self._logs.with_fields(scan_id=scan_id, **fields).error("mismatch_confirmed")

    def stage_finished(self, scan_id: str, stage: str, *, mode: ScanMode, seconds: float) -> None:
        """A scan is through with a stage."""
        self._logs.debug(
            "scan_stage_finished",
            scan_id=scan_id,
            mode=mode.value,
            stage=stage,
            duration_seconds=round(seconds, 3),
        )

    def scan_finished(self, report: ScanReport) -> None:
        """A scan ended: the one line that says what it was and found."""
        if self._limit.end(report.scan_id):
            self._logs.error(
                "mismatches_truncated",
                scan_id=report.scan_id,
                mismatch_count=report.mismatch_count,
                logged=self._mismatches_max,
            )
        write = self._logs.info if report.verdict is Verdict.HEALTHY else self._logs.warning
        write(
            "scan_finished",
            scan_id=report.scan_id,
            result=report.verdict.value,
            mode=report.mode.value,
            consistency=report.consistency.value,
            method=report.method.value,
            **_digest(report.digest),
            accounts=report.coverage.accounts,
            users=report.coverage.users,
            currencies=report.coverage.currencies,
            mismatch_count=report.mismatch_count,
            mismatched_users=report.mismatched_users,
            by_kind={kind.value: count for kind, count in report.by_kind.items()},
            incomplete=list(report.incomplete),
            duration_seconds=round(report.duration_seconds, 3),
        )


class FindingLog:
    """Logs what became of findings: of each kind of change, at most `mismatches_max` a scan."""

    def __init__(self, logs: Logs, *, mappings: Mappings, mismatches_max: int) -> None:
        self._logs = logs
        self._mappings = mappings
        self._mismatches_max = mismatches_max
        self._limit = LineLimit(mismatches_max)

    def finding_changed(self, finding: Finding, change: Change, *, scan_id: str) -> None:
        """A finding was detected, confirmed or resolved."""
        if not self._limit.allows(scan_id, change):
            return
        logs = self._logs.with_fields(
            scan_id=scan_id,
            finding_id=finding.finding_id,
            first_seen=timestamp(finding.first_seen),
            **_mismatch(finding.mismatch, self._mappings),
            drift=None if finding.drift is None else plain(finding.drift),
        )
        match change:
            case Change.DETECTED:
                logs.warning("mismatch_detected")
            case Change.CONFIRMED:
                logs.error("mismatch_confirmed")
            case Change.RESOLVED:
                logs.info("mismatch_resolved")

    def scan_recorded(self, record: ScanRecord) -> None:
        """A scan ended; how, if it is without a report, which has a line of its own."""
        self._say_what_was_cut(record.scan_id)
        logs = self._logs.with_fields(
            scan_id=record.scan_id,
            mode=record.mode.value,
            trigger=record.trigger.value,
            reason=record.reason,
        )
        if record.state is ScanState.FAILED:
            logs.error("scan_failed")
        elif record.state is ScanState.INTERRUPTED:
            logs.warning("scan_interrupted")

    def scan_not_recorded(self, scan_id: str, *, mode: ScanMode, reason: str) -> None:
        """What a scan saw or how it ended could not be written down."""
        self._say_what_was_cut(scan_id)
        self._logs.error("scan_not_recorded", scan_id=scan_id, mode=mode.value, reason=reason)

    def _say_what_was_cut(self, scan_id: str) -> None:
        counts = self._limit.end(scan_id)
        if counts:
            self._logs.error(
                "mismatches_truncated",
                scan_id=scan_id,
                counts={str(change): count for change, count in counts.items()},
                logged=self._mismatches_max,
            )


class DaemonLog:
    """Logs what a daemon meets beside its scans: the database away and back, and missed scans."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._is_up: bool | None = None

    def mongo_up(self, is_up: bool, *, reason: str | None) -> None:  # noqa: FBT001 - a gauge
        """Log that the database is away or there again, once each time."""
        was, self._is_up = self._is_up, is_up
        if not is_up and was is not False:
            self._logs.error("mongo_unavailable", reason=reason)
        elif is_up and not was:
            self._logs.info("mongo_available")

    def standing_known(self, standing: object) -> None:
        """Do nothing: each change of it has a line of its own."""

    def verdict_changed(self, *, was: Verdict, is_now: Verdict) -> None:
        """Log the change of the verdict on all accounts together."""
        logs = self._logs.with_fields(**{"from": was.value, "to": is_now.value})
        if is_now is Verdict.HEALTHY:
            logs.info("integrity_state_changed")
        else:
            logs.error("integrity_state_changed")

    def job_missed(self, reason: str, *, error: BaseException | None = None) -> None:
        """Log a scan that was due and did not begin, or ended by a fault."""
        if error is None:
            self._logs.warning("job_missed", reason=reason)
        else:
            self._logs.error("job_missed", error=error, reason=reason)


def _mismatch(mismatch: Mismatch, mappings: Mappings) -> Mapping[str, object]:
    amounts = {}
    for name in mappings.names:
        copy = mismatch.view.copy_in(name)
        amounts[name] = copy.available.text if copy else None
    return {
        "user_id": mismatch.account.user_id.text,
        "user_id_type": mismatch.account.user_id.bson_type,
        "currency": mismatch.account.currency.text,
        "kind": mismatch.kind.value,
        "also": [kind.value for kind in mismatch.also],
        "available": amounts,
        "deltas": dict(drift_of(mismatch.view, mappings)),
    }


class PostingLog:
    """Logs what the sync library reports; postings that were made are in its journal."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    def posting_done(self, result: object, *, duration_seconds: float) -> None:
        """A posting was applied."""
        self._logs.debug(
            "posting_done",
            op_id=getattr(result, "op_id", None),
            duration_seconds=round(duration_seconds, 6),
        )

    def posting_refused(
        self, kind: EntryKind, error: PostingRefused, *, op_id: str | None, duration_seconds: float
    ) -> None:
        """Nothing was written."""
        self._logs.warning(
            "posting_refused",
            kind=kind.value,
            refusal=type(error).__name__,
            reason=str(error),
            op_id=op_id,
            duration_seconds=round(duration_seconds, 6),
        )

    def posting_unknown(
        self, kind: EntryKind, error: ReconcilerError, *, op_id: str, duration_seconds: float
    ) -> None:
        """Whether a posting was applied is not known."""
        self._logs.error(
            "posting_unknown",
            kind=kind.value,
            reason=str(error),
            op_id=op_id,
            duration_seconds=round(duration_seconds, 6),
        )

    def posting_retried(self, *, op_id: str, attempt: int, error: Exception) -> None:
        """An attempt failed and another one follows."""
        self._logs.debug(
            "posting_retried", op_id=op_id, attempt=attempt, reason=type(error).__name__
        )

    def drift_seen(self, mismatch: Mismatch, *, op_id: str) -> None:
        """A posting met an account whose copies disagree."""
        self._logs.warning(
            "drift_seen",
            op_id=op_id,
            user_id=mismatch.account.user_id.text,
            currency=mismatch.account.currency.text,
            kind=mismatch.kind.value,
            differs=list(mismatch.differs),
        )


def _digest(use: DigestUse | None) -> dict[str, object]:
    """Say how far digests went, and why no further; nothing where none were wanted."""
    if use is None:
        return {}
    fields: dict[str, object] = {"buckets": use.buckets, "buckets_differing": use.differing}
    return fields | ({"digest_given_up": use.given_up} if use.given_up else {})
