"""Mismatches, findings and reports as documents, and back: what was seen is kept to the digit."""

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from bson import Decimal128

from reconciler.model.comparison import Mismatch, MismatchKind
from reconciler.model.copies import BalanceView, Copy, StoredNumber
from reconciler.model.digest import DigestUse
from reconciler.model.finding import Finding, FindingState
from reconciler.model.identity import Account, Identifier
from reconciler.model.report import Consistency, Coverage, ScanMode, ScanReport

Document = dict[str, Any]

# An id may be a megabyte long; its finding's key is made of all of it, what is shown need not be.
TEXT_CHARACTERS_MAX = 1_000
# A document holds 16 MB: an account doubled a million times, or a million mismatches, must fit.
COPIES_MAX = 50
MISMATCHES_MAX = 100

# Sums of drifts are for people: their 35th digit may go. What was seen is kept as text, whole.
_SUMMABLE = Context(prec=34, Emin=-6143, Emax=6144, rounding=ROUND_HALF_EVEN)


def finding_document(finding: Finding) -> Document:
    """Write a finding; `open` and `complete` fields are for queries."""
    return {
        "_id": finding.finding_id,
        "key": finding.key,
        "episode": finding.episode,
        "open": finding.is_open,
        "state": finding.state.value,
        **_mismatch_document(finding.mismatch),
        "differences": storable(finding.differences),
        "drift": None if finding.drift is None else Decimal128(_SUMMABLE.plus(finding.drift)),
        "first_seen": finding.first_seen,
        "last_seen": finding.last_seen,
        "confirmed_at": finding.confirmed_at,
        "resolved_at": finding.resolved_at,
        "scan_id": finding.scan_id,
        "sequence": finding.sequence,
    }


def finding_of(document: Mapping[str, Any]) -> Finding:
    """Read a finding back."""
    drift = document["drift"]
    return Finding(
        key=document["key"],
        episode=int(document["episode"]),
        state=FindingState(document["state"]),
        mismatch=_mismatch_of(document),
        differences=document["differences"],
        drift=None if drift is None else drift.to_decimal(),
        first_seen=document["first_seen"],
        last_seen=document["last_seen"],
        confirmed_at=document["confirmed_at"],
        resolved_at=document["resolved_at"],
        scan_id=document["scan_id"],
        sequence=int(document["sequence"]),
    )


def report_document(report: ScanReport) -> Document:
    """Write what a scan said."""
    return {
        "consistency": report.consistency.value,
        "started_at": report.started_at,
        "duration_seconds": report.duration_seconds,
        "accounts": report.coverage.accounts,
        "users": report.coverage.users,
        "currencies": report.coverage.currencies,
        "mismatch_count": report.mismatch_count,
        "mismatched_users": report.mismatched_users,
        "by_kind": {kind.value: count for kind, count in report.by_kind.items()},
        "mismatches": [_mismatch_document(each) for each in report.mismatches[:MISMATCHES_MAX]],
        "incomplete": [storable(reason) for reason in report.incomplete],
        "digest": _digest_document(report.digest),
    }


def report_of(document: Mapping[str, Any], scan_id: str, mode: ScanMode) -> ScanReport:
    """Read back what a scan said."""
    return ScanReport(
        scan_id=scan_id,
        mode=mode,
        consistency=Consistency(document["consistency"]),
        started_at=document["started_at"],
        duration_seconds=float(document["duration_seconds"]),
        coverage=coverage_of(document),
        mismatch_count=int(document["mismatch_count"]),
        mismatched_users=int(document["mismatched_users"]),
        by_kind={MismatchKind(kind): int(n) for kind, n in document["by_kind"].items()},
        mismatches=tuple(_mismatch_of(each) for each in document["mismatches"]),
        incomplete=tuple(document["incomplete"]),
        digest=_digest_of(document.get("digest")),
    )


def _digest_document(use: DigestUse | None) -> Document | None:
    if use is None:
        return None
    given_up = None if use.given_up is None else storable(use.given_up)
    return {"buckets": use.buckets, "differing": use.differing, "given_up": given_up}


def _digest_of(document: Mapping[str, Any] | None) -> DigestUse | None:
    if document is None:
        return None
    counts = int(document["buckets"]), int(document["differing"])
    return DigestUse(*counts, document["given_up"])


def coverage_of(document: Mapping[str, Any]) -> Coverage:
    """Read how much a scan looked at."""
    return Coverage(int(document["accounts"]), int(document["users"]), int(document["currencies"]))


def storable(text: str) -> str:
    """Give a text that BSON can hold and that is not too long: surrogates escaped, its end cut."""
    if len(text) > TEXT_CHARACTERS_MAX:
        text = text[:TEXT_CHARACTERS_MAX] + "…"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def milliseconds(moment: datetime) -> datetime:
    """Cut a time to the milliseconds that BSON keeps."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _mismatch_document(mismatch: Mismatch) -> Document:
    account = mismatch.account
    return {
        "user_id": storable(account.user_id.text),
        "user_id_type": account.user_id.bson_type,
        "currency": storable(account.currency.text),
        "currency_type": account.currency.bson_type,
        "kind": mismatch.kind.value,
        "also": [kind.value for kind in mismatch.also],
        "differs": list(mismatch.differs),
        # A list of pairs: a collection's name may hold a dot.
        "copies": [
            {
                "collection": name,
                "documents": [_copy_document(copy) for copy in copies[:COPIES_MAX]],
                "documents_count": len(copies),
            }
            for name, copies in mismatch.view.copies.items()
        ],
    }


def _mismatch_of(document: Mapping[str, Any]) -> Mismatch:
    account = Account(
        Identifier(document["user_id"], document["user_id_type"]),
        Identifier(document["currency"], document["currency_type"]),
    )
    copies = {
        each["collection"]: tuple(_copy_of(copy) for copy in each["documents"])
        for each in document["copies"]
    }
    return Mismatch(
        kind=MismatchKind(document["kind"]),
        also=tuple(MismatchKind(kind) for kind in document["also"]),
        differs=tuple(document["differs"]),
        view=BalanceView(account, copies),
    )


def _copy_document(copy: Copy) -> Document:
    return {
        "document_id": storable(copy.document_id),
        "available": _number_document(copy.available),
        "locked": _number_document(copy.locked),
        "total": _number_document(copy.total),
        "updated": None if copy.updated is None else storable(copy.updated),
    }


def _copy_of(document: Mapping[str, Any]) -> Copy:
    return Copy(
        document_id=document["document_id"],
        available=_number_of(document["available"]),
        locked=_number_of(document["locked"]),
        total=_number_of(document["total"]),
        updated=document["updated"],
    )


def _number_document(number: StoredNumber) -> Document:
    """Keep the exact digits as text: a double's decimal may have more than a Decimal128 holds."""
    value = None if number.value is None else str(number.value)
    return {"type": number.bson_type, "value": value, "text": storable(number.text)}


def _number_of(document: Mapping[str, Any]) -> StoredNumber:
    value = document["value"]
    return StoredNumber(
        document["type"], None if value is None else Decimal(value), document["text"]
    )
