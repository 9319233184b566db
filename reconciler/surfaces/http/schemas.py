"""The schemas of the answers, by name, as they stand in the OpenAPI description."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.model.bypassing import WriteOperation
from reconciler.model.comparison import MismatchKind
from reconciler.model.finding import FindingState
from reconciler.model.mapping import Mappings
from reconciler.model.repair import Guard
from reconciler.model.report import Consistency, ScanMode, Verdict
from reconciler.model.scan_record import ScanState, ScanTrigger
from reconciler.surfaces.http.description import named_schema
from reconciler.surfaces.http.inputs import Schema

TEXT = {"type": "string"}
TEXT_OR_NULL = {"type": ["string", "null"]}
AMOUNT = {"type": "number", "description": "With its exact decimal digits."}
AMOUNT_OR_NULL = {"type": ["number", "null"], "description": "With its exact decimal digits."}
COUNT = {"type": "integer", "minimum": 0}
_SECONDS = {"type": "number", "minimum": 0}
FLAG = {"type": "boolean"}
_TEXTS = {"type": "array", "items": TEXT}
MOMENT = {"type": "string", "format": "date-time"}
MOMENT_OR_NULL = {"type": ["string", "null"], "format": "date-time"}


def schemas_of(mappings: Mappings) -> Mapping[str, Schema]:
    """Give every schema; some have the collections' names as keys."""
    names = mappings.names
    return {
        "Problem": _problem(),
        "Healthy": _check(Verdict.HEALTHY, details=TEXT),
        "IntegrityFailure": _check(
            Verdict.INTEGRITY_FAILURE,
            message=TEXT,
            mismatched_users=COUNT,
            by_kind=_by_kind(),
        ),
        "Incomplete": _incomplete(),
        "Mismatch": _mismatch(names),
        "Copies": record_schema(dict.fromkeys(names, named_schema("CopyOrCopies"))),
        "Copy": _copy(),
        "CopyOrCopies": {
            "oneOf": [
                {"type": "null"},
                named_schema("Copy"),
                {"type": "array", "items": named_schema("Copy"), "minItems": 2},
            ]
        },
        "StoredAmount": {
            "oneOf": [AMOUNT_OR_NULL, record_schema({"type": TEXT, "text": TEXT})],
            "description": "An object where it is no usable number.",
        },
        "Explanation": _explanation(names),
        "JournalLine": _journal_line(),
        "Finding": _finding(names),
        "Findings": _page("findings", "Finding"),
        "Scan": _scan(),
        "Scans": _page("scans", "Scan"),
        "BypassingWrites": _page("bypassing_writes", "BypassingWrite"),
        "BypassingWrite": _bypassing_write(),
        "Credited": _credited(),
        "Trade": _trade(),
        "Live": record_schema({"status": {"const": "live"}}),
        "Readiness": record_schema(
            {"status": {"type": "string", "enum": ["ready", "not_ready"]}, "reasons": _TEXTS}
        ),
    }


def record_schema(required: Mapping[str, Schema], **optional: Schema) -> dict[str, Any]:
    """Describe an object with these keys, and others that it may have."""
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
    }


def enum_schema(values: Any) -> Schema:
    """Describe a text that is a value of an enumeration."""
    return {"type": "string", "enum": [each.value for each in values]}


def _by_kind() -> Schema:
    return {
        "type": "object",
        "propertyNames": {"enum": [kind.value for kind in MismatchKind]},
        "additionalProperties": COUNT,
    }


def _problem() -> Schema:
    return record_schema(
        {
            "type": {"type": "string", "format": "uri"},
            "title": TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": TEXT,
        },
        outcome={"const": "unknown", "description": "It may have been done."},
        op_id={"type": "string", "description": "The posting whose outcome is unknown."},
        scope={"type": "string", "description": "What the caller would need."},
        guard=enum_schema(Guard),
        reason={"type": "string", "description": "Why a guard says no, and what to do."},
        escalation_contact={"type": "string", "description": "Whom to call now."},
    )


def _check(verdict: Verdict, **further: Schema) -> Schema:
    return record_schema(
        {
            "status": {"const": verdict.value},
            "checked_users": COUNT,
            "checked_currencies": COUNT,
            "checked_balances": COUNT,
            "timestamp": MOMENT,
            "checksum": TEXT,
            "mismatch_count": COUNT,
            "truncated": FLAG,
            "incomplete": _TEXTS,
            "mismatches": {"type": "array", "items": named_schema("Mismatch")},
            "scan_id": TEXT,
            "mode": enum_schema(ScanMode),
            "consistency": enum_schema(Consistency),
            "duration_seconds": _SECONDS,
            "age_seconds": _SECONDS,
            **further,
        }
    )


def _incomplete() -> Schema:
    schema = dict(_check(Verdict.INCOMPLETE, reason=TEXT))
    # A check that could not begin was no scan.
    of_a_scan = {"scan_id", "mode", "consistency", "duration_seconds"}
    schema["required"] = [name for name in schema["required"] if name not in of_a_scan]
    return schema


def account_schemas(**further: Schema) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """Give the keys that name an account and further ones, and those of its types."""
    types: dict[str, Schema] = {
        "user_id_type": {"type": "string", "description": "Its BSON type if it is no string."},
        "currency_type": {"type": "string", "description": "Its BSON type if it is no string."},
    }
    return {"user_id": TEXT, "currency": TEXT, **further}, types


def _mismatch(names: Sequence[str], **further: Schema) -> Schema:
    required, optional = account_schemas(
        **dict.fromkeys(names, AMOUNT_OR_NULL),
        in_sync={"const": False},
        kind=enum_schema(MismatchKind),
        also={"type": "array", "items": enum_schema(MismatchKind)},
        differs=_TEXTS,
        copies=named_schema("Copies"),
        **further,
    )
    return record_schema(required, **optional)


def _copy() -> Schema:
    amount = named_schema("StoredAmount")
    return record_schema(
        {
            "available": amount,
            "locked": amount,
            "total": amount,
            "updated": TEXT_OR_NULL,
            "_id": TEXT,
        },
        types={"type": "object", "additionalProperties": TEXT},
    )


def _explanation(names: Sequence[str]) -> Schema:
    delta = record_schema({"available": AMOUNT, "locked": AMOUNT})
    required, optional = account_schemas(
        found={"const": True},
        status=enum_schema([Verdict.HEALTHY, Verdict.INTEGRITY_FAILURE]),
        in_sync=FLAG,
        kind={"type": ["string", "null"], "enum": [None, *(kind.value for kind in MismatchKind)]},
        also={"type": "array", "items": enum_schema(MismatchKind)},
        differs=_TEXTS,
        source_of_truth=TEXT,
        copies=named_schema("Copies"),
        deltas=record_schema({name: {"oneOf": [{"type": "null"}, delta]} for name in names}),
        journal={"type": "array", "items": named_schema("JournalLine")},
    )
    return record_schema(required, **optional)


def _journal_line() -> Schema:
    return record_schema(
        {
            "time": MOMENT,
            "sequence": {"type": "integer"},
            "kind": TEXT,
            "reason": TEXT,
            "op_id": TEXT,
            "available_delta": AMOUNT,
            "locked_delta": AMOUNT,
            "available": AMOUNT,
            "locked": AMOUNT,
        }
    )


def _finding(names: Sequence[str]) -> Schema:
    return _mismatch(
        names,
        finding_id=TEXT,
        state=enum_schema(FindingState),
        drift=AMOUNT_OR_NULL,
        first_seen=MOMENT,
        last_seen=MOMENT,
        confirmed_at=MOMENT_OR_NULL,
        resolved_at=MOMENT_OR_NULL,
        scan_id=TEXT,
    )


def _scan() -> Schema:
    return record_schema(
        {
            "scan_id": TEXT,
            "sequence": COUNT,
            "mode": enum_schema(ScanMode),
            "user_id": TEXT_OR_NULL,
            "currency": TEXT_OR_NULL,
            "trigger": enum_schema(ScanTrigger),
            "holder": TEXT,
            "token": {"type": ["integer", "null"]},
            "state": enum_schema(ScanState),
            "started_at": MOMENT,
            "ended_at": MOMENT_OR_NULL,
            "reason": TEXT_OR_NULL,
            "result": {"type": ["string", "null"], "enum": [None, *(v.value for v in Verdict)]},
        },
        duration_seconds=_SECONDS,
        consistency=enum_schema(Consistency),
        checked_users=COUNT,
        checked_currencies=COUNT,
        checked_balances=COUNT,
        mismatch_count=COUNT,
        mismatched_users=COUNT,
        by_kind=_by_kind(),
        incomplete=_TEXTS,
    )


def _bypassing_write() -> Schema:
    return record_schema(
        {
            "write_id": TEXT,
            "collection": TEXT,
            "operation": enum_schema(WriteOperation),
            "document_id": TEXT,
            "time": MOMENT,
            "seen_at": MOMENT,
            "user_id": TEXT_OR_NULL,
            "currency": TEXT_OR_NULL,
        },
        user_id_type=TEXT,
        currency_type=TEXT,
    )


def _page(key: str, item: str) -> Schema:
    return record_schema(
        {
            key: {"type": "array", "items": named_schema(item)},
            "next_cursor": {
                "type": ["string", "null"],
                "description": "The cursor of the next page; null on the last one.",
            },
        }
    )


def _credited() -> Schema:
    schema = record_schema(
        {
            "Success": {"const": True},
            "Total USD": {
                "type": ["number", "null"],
                "description": "To the cent; null where a currency that is held has no price.",
            },
        },
        unpriced={"type": "array", "items": TEXT, "minItems": 1},
    )
    return schema | {
        "additionalProperties": AMOUNT,
        "description": "A key for each currency of which the user holds any.",
    }


def _trade() -> Schema:
    return record_schema(
        {
            "trade_id": TEXT,
            "state": {"type": "string", "enum": ["locked", "released", "cancelled"]},
            "seller_id": TEXT,
            "buyer_id": TEXT,
            "currency": TEXT,
            "amount": AMOUNT,
            "fee_bps": COUNT,
            "fee": AMOUNT,
            "created_at": MOMENT,
            "closed_at": MOMENT_OR_NULL,
        }
    )
