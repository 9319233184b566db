"""The answer of an integrity check, for `check --json` and `GET /api/integrity/check`.

The design's keys, and further ones. In `copies` each collection has

* an object `{available, locked, total, updated}` when the account has one copy in it,
* null when it has none,
* a list of such objects when it has several.

In such an object an amount is a JSON number with its exact digits; null where the field is not
stored; and `{"type": …, "text": …}` where it holds anything that is no usable number, so that a
number is always a number and what is broken never looks like one. `types` names the BSON type of
every amount that is not a decimal. Beside the four numbers of a mismatch, which are available
amounts, a missing, malformed or duplicated copy is null.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from reconciler.model.comparison import Mismatch
from reconciler.model.copies import BalanceView, Copy, StoredNumber
from reconciler.model.identity import Account
from reconciler.model.mapping import Mappings
from reconciler.model.report import ScanReport, Verdict
from reconciler.surfaces.json_text import number

Answer = dict[str, Any]

# True, and yet what somebody who mistyped a name must not take for the answer to their question.
NOTHING_COMPARED = (
    "No such account was found, so nothing was compared: check the spelling (BTC is not btc), and "
    "the name of the database"
)
FAILURE_MESSAGE = "Balance mismatch detected across collections"


def check_answer(report: ScanReport, *, mappings: Mappings, checksum: str) -> Answer:
    """Say what a scan found."""
    answer: Answer = {"status": report.verdict.value}
    match report.verdict:
        case Verdict.HEALTHY:
            answer["details"] = (
                f"All balances in sync across all {len(mappings.names)} collections"
                if report.coverage.accounts
                else NOTHING_COMPARED
            )
        case Verdict.INTEGRITY_FAILURE:
            answer["message"] = FAILURE_MESSAGE
        case Verdict.INCOMPLETE:
            answer["reason"] = "; ".join(report.incomplete)
    answer |= {
        "checked_users": report.coverage.users,
        "checked_currencies": report.coverage.currencies,
        "checked_balances": report.coverage.accounts,
        "timestamp": timestamp(report.started_at),
        "checksum": checksum,
        "scan_id": report.scan_id,
        "mode": report.mode.value,
        "consistency": report.consistency.value,
        "duration_seconds": round(report.duration_seconds, 3),
        "mismatch_count": report.mismatch_count,
        "truncated": report.truncated,
        "incomplete": list(report.incomplete),
    }
    if report.mismatch_count:
        answer["mismatched_users"] = report.mismatched_users
        answer["by_kind"] = {kind.value: count for kind, count in report.by_kind.items()}
    answer["mismatches"] = [mismatch_answer(each, mappings) for each in report.mismatches]
    return answer


def incomplete_answer(reasons: Sequence[str], *, now: datetime, checksum: str) -> Answer:
    """Say that a check could not look at all; it has no scan id, and nothing was looked at."""
    return {
        "status": Verdict.INCOMPLETE.value,
        "reason": "; ".join(reasons),
        "checked_users": 0,
        "checked_currencies": 0,
        "checked_balances": 0,
        "timestamp": timestamp(now),
        "checksum": checksum,
        "mismatch_count": 0,
        "truncated": False,
        "incomplete": list(reasons),
        "mismatches": [],
    }


def mismatch_answer(mismatch: Mismatch, mappings: Mappings) -> Answer:
    """Say what is wrong with one account."""
    available = {name: number(_available(mismatch.view, name)) for name in mappings.names}
    return (
        identity_answer(mismatch.account)
        | available
        | {
            "in_sync": False,
            "kind": mismatch.kind.value,
            "also": [kind.value for kind in mismatch.also],
            "differs": list(mismatch.differs),
            "copies": copies_answer(mismatch.view, mappings),
        }
    )


def identity_answer(account: Account) -> Answer:
    """Name an account: strings unchanged, anything else as text with its type beside it."""
    answer = {"user_id": account.user_id.text, "currency": account.currency.text}
    for key, identifier in (("user_id", account.user_id), ("currency", account.currency)):
        if identifier.bson_type != "string":
            answer[f"{key}_type"] = identifier.bson_type
    return answer


def copies_answer(view: BalanceView, mappings: Mappings) -> Answer:
    """Give the copies of an account by collection: an object, null, or a list of objects."""
    return {name: _copies(view.copies.get(name, ())) for name in mappings.names}


def timestamp(moment: datetime) -> str:
    """Write a moment in UTC, to the second: `2025-12-22T01:30:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _available(view: BalanceView, name: str) -> Any:
    copy = view.copy_in(name)
    return None if copy is None or copy.is_malformed else copy.available_amount


def _copies(copies: Sequence[Copy]) -> Answer | list[Answer] | None:
    found = [_copy(copy) for copy in copies]
    if len(found) > 1:
        return found
    return found[0] if found else None


def _copy(copy: Copy) -> Answer:
    fields: Mapping[str, StoredNumber] = {
        "available": copy.available,
        "locked": copy.locked,
        "total": copy.total,
    }
    answer: Answer = {name: _field(field) for name, field in fields.items()}
    answer["updated"] = copy.updated
    types = {
        name: field.bson_type
        for name, field in fields.items()
        if field.bson_type not in {"decimal", "missing"}
    }
    return answer | ({"types": types} if types else {}) | {"_id": copy.document_id}


def _field(field: StoredNumber) -> Any:
    if field.value is None and not field.is_missing:
        return {"type": field.bson_type, "text": field.text}
    return number(field.value)
