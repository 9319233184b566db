"""Records of scans as documents, and back."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from reconciler.model.report import ScanMode, ScanReport
from reconciler.model.scan_record import ScanRecord, ScanState, ScanTrigger
from reconciler.storage.finding_documents import report_document, report_of, storable

Document = dict[str, Any]


def started_document(record: ScanRecord, *, history: timedelta) -> Document:
    """Write a scan that begins; the server removes the record after `history`."""
    return {
        "_id": record.scan_id,
        "sequence": record.sequence,
        "mode": record.mode.value,
        "user_id": None if record.user_id is None else storable(record.user_id),
        "currency": None if record.currency is None else storable(record.currency),
        "trigger": record.trigger.value,
        "holder": record.holder,
        "token": record.token,
        "state": record.state.value,
        "started_at": record.started_at,
        "ended_at": None,
        "reason": None,
        "expires_at": record.started_at + history,
    }


def ended_fields(
    *, state: ScanState, ended_at: datetime, reason: str | None, report: ScanReport | None
) -> Document:
    """Write how a scan ended; `complete` says that it had looked everywhere, whatever it found."""
    fields: Document = {
        "state": state.value,
        "ended_at": ended_at,
        "reason": None if reason is None else storable(reason),
    }
    if report is not None:
        fields |= {"complete": not report.incomplete, "report": report_document(report)}
    return fields


def scan_of(document: Mapping[str, Any]) -> ScanRecord:
    """Read a record back."""
    mode = ScanMode(document["mode"])
    report = document.get("report")
    token = document["token"]
    return ScanRecord(
        scan_id=document["_id"],
        sequence=int(document["sequence"]),
        mode=mode,
        user_id=document["user_id"],
        currency=document["currency"],
        trigger=ScanTrigger(document["trigger"]),
        holder=document["holder"],
        token=None if token is None else int(token),
        state=ScanState(document["state"]),
        started_at=document["started_at"],
        ended_at=document["ended_at"],
        reason=document["reason"],
        report=None if report is None else report_of(report, document["_id"], mode),
    )
