"""Log lines: one JSON object a line on standard error, or one line of text on a terminal.

The only file that knows structlog. No line holds local variables, and no text in one can break it
into two.
"""

import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from decimal import Decimal
from typing import Any, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from reconciler import __version__
from reconciler.errors import PostingRefused, ReconcilerError
from reconciler.model.amounts import plain
from reconciler.model.comparison import Mismatch, drift_of
from reconciler.model.mapping import Mappings
from reconciler.model.posting import EntryKind
from reconciler.model.report import Consistency, ScanMode, ScanReport, Verdict
from reconciler.surfaces.escape import escaped
from reconciler.surfaces.json_text import encode_line

SERVICE = "reconciler"
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

_Event = MutableMapping[str, Any]
_Processor = Callable[[Any, str, _Event], Any]


class Logs:
    """Writes events; `with_fields` gives one that adds fields to each line."""

    def __init__(self, logger: Any) -> None:
        """Take structlog's bound logger; `open_logs` makes one."""
        self._logger = logger

    def with_fields(self, **fields: object) -> "Logs":
        """Give logs that write these fields into every line."""
        return Logs(self._logger.bind(**fields))

    def debug(self, event: str, **fields: object) -> None:
        """Write a line for whoever looks for a fault in this program."""
        self._logger.debug(event, **fields)

    def info(self, event: str, **fields: object) -> None:
        """Write a line of ordinary work."""
        self._logger.info(event, **fields)

    def warning(self, event: str, **fields: object) -> None:
        """Write a line about what somebody should look at."""
        self._logger.warning(event, **fields)

    def error(self, event: str, *, error: BaseException | None = None, **fields: object) -> None:
        """Write a line about what failed, with the traceback of `error`."""
        self._logger.error(event, exc_info=error, **fields)


def open_logs(*, level: str, as_text: bool, stream: TextIO | None = None) -> Logs:
    """Send our events, and those of the standard library's logging, to `stream` (standard error).

    The root logger's handlers are replaced: call it once, at the start of a process.
    """
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_service,
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(as_text=as_text),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    # At debug the driver logs whole commands, balances among them.
    logging.getLogger("pymongo").setLevel(logging.WARNING)
    logging.captureWarnings(True)
    logger = structlog.wrap_logger(
        logging.getLogger(SERVICE),
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
        cache_logger_on_first_use=False,
    )
    return Logs(logger.bind())


def _add_service(_logger: Any, _method: str, event: _Event) -> _Event:
    return {"service": SERVICE, "version": __version__, **event}


def _rendering(*, as_text: bool) -> list[_Processor]:
    if as_text:
        return [structlog.processors.format_exc_info, _as_text]
    return [
        structlog.processors.ExceptionRenderer(
            ExceptionDictTransformer(show_locals=False, max_frames=30)
        ),
        _as_json,
    ]


def _as_json(_logger: Any, _method: str, event: _Event) -> str:
    order = ("timestamp", "level", "event", "service", "version", "scan_id")
    ordered = {key: event[key] for key in order if key in event}
    return encode_line({**ordered, **event})


def _as_text(_logger: Any, _method: str, event: _Event) -> str:
    left = dict(event)
    time, level, name = (str(left.pop(key, "")) for key in ("timestamp", "level", "event"))
    traceback = str(left.pop("exception", ""))
    for common in ("service", "version"):
        left.pop(common, None)
    fields = " ".join(f"{key}={escaped(_as_str(value))}" for key, value in left.items())
    lines = [f"{time[11:19]} {level:<7} {escaped(name)} {fields}".rstrip()]
    # A traceback is our own text, but what an exception says may be anybody's.
    lines += [f"  {escaped(line.strip())}" for line in traceback.splitlines()]
    return "\n".join(lines)


def _as_str(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) and value.is_finite() else str(value)


class ScanLog:
    """Logs what a scanner reports: at most `mismatches_max` mismatches of each scan."""

    def __init__(self, logs: Logs, *, mappings: Mappings, mismatches_max: int) -> None:
        self._logs = logs
        self._mappings = mappings
        self._mismatches_max = mismatches_max
        self._mismatches = 0

    def scan_started(self, scan_id: str, *, mode: ScanMode, consistency: Consistency) -> None:
        """A scan begins."""
        self._mismatches = 0
        self._logs.info(
            "scan_started", scan_id=scan_id, mode=mode.value, consistency=consistency.value
        )

    def range_read_again(self, scan_id: str, key_range: object, *, why: str) -> None:
        """What is left of a range is read in a new snapshot."""
        self._logs.info("range_read_again", scan_id=scan_id, range=str(key_range), reason=why)

    def range_done(self, scan_id: str, key_range: object, *, accounts: int) -> None:
        """A range was read to its end."""
        self._logs.debug("range_done", scan_id=scan_id, range=str(key_range), accounts=accounts)

    def suspect_found(self, scan_id: str, mismatch: Mismatch) -> None:
        """A mismatch was seen once; what is confirmed gets a line that is not cut to debug."""
        self._logs.debug(
            "mismatch_detected",
            scan_id=scan_id,
            user_id=mismatch.account.user_id.text,
            currency=mismatch.account.currency.text,
            kind=mismatch.kind.value,
        )

    def mismatch_confirmed(self, scan_id: str, mismatch: Mismatch) -> None:
        """A mismatch was seen in a second snapshot too."""
        self._mismatches += 1
        if self._mismatches <= self._mismatches_max:
            fields = _mismatch(mismatch, self._mappings)
            self._logs.with_fields(scan_id=scan_id, **fields).error("mismatch_confirmed")

    def scan_finished(self, report: ScanReport) -> None:
        """A scan ended: the one line that says what it was and found."""
        if report.mismatch_count > self._mismatches_max:
            self._logs.error(
                "mismatches_truncated",
                scan_id=report.scan_id,
                mismatch_count=report.mismatch_count,
                logged=min(self._mismatches, self._mismatches_max),
            )
        write = self._logs.info if report.verdict is Verdict.HEALTHY else self._logs.warning
        write(
            "scan_finished",
            scan_id=report.scan_id,
            result=report.verdict.value,
            mode=report.mode.value,
            consistency=report.consistency.value,
            accounts=report.coverage.accounts,
            users=report.coverage.users,
            currencies=report.coverage.currencies,
            mismatch_count=report.mismatch_count,
            mismatched_users=report.mismatched_users,
            by_kind={kind.value: count for kind, count in report.by_kind.items()},
            incomplete=list(report.incomplete),
            duration_seconds=round(report.duration_seconds, 3),
        )


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
