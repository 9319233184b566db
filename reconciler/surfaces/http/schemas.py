"""The schemas of the answers, by name, as they stand in the OpenAPI description."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.model.comparison import MismatchKind
from reconciler.model.finding import FindingState
from reconciler.model.mapping import Mappings
from reconciler.model.report import Consistency, ScanMode, Verdict
from reconciler.model.scan_record import ScanState, ScanTrigger
from reconciler.surfaces.http.description import named_schema
from reconciler.surfaces.http.inputs import Schema

_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_AMOUNT = {"type": "number", "description": "With its exact decimal digits."}
_AMOUNT_OR_NULL = {"type": ["number", "null"], "description": "With its exact decimal digits."}
_COUNT = {"type": "integer", "minimum": 0}
_SECONDS = {"type": "number", "minimum": 0}
_FLAG = {"type": "boolean"}
_TEXTS = {"type": "array", "items": _TEXT}
_MOMENT = {"type": "string", "format": "date-time"}
_MOMENT_OR_NULL = {"type": ["string", "null"], "format": "date-time"}


def schemas_of(mappings: Mappings) -> Mapping[str, Schema]:
    """Give every schema; some have the collections' names as keys."""
    names = mappings.names
    return {
        "Problem": _problem(),
        "Healthy": _check(Verdict.HEALTHY, details=_TEXT),
        "IntegrityFailure": _check(
            Verdict.INTEGRITY_FAILURE,
            message=_TEXT,
            mismatched_users=_COUNT,
            by_kind=_by_kind(),
        ),
        "Incomplete": _incomplete(),
        "Mismatch": _mismatch(names),
        "Copies": _record(dict.fromkeys(names, named_schema("CopyOrCopies"))),
        "Copy": _copy(),
        "CopyOrCopies": {
            "oneOf": [
                {"type": "null"},
                named_schema("Copy"),
                {"type": "array", "items": named_schema("Copy"), "minItems": 2},
            ]
        },
        "StoredAmount": {
            "oneOf": [_AMOUNT_OR_NULL, _record({"type": _TEXT, "text": _TEXT})],
            "description": "An object where it is no usable number.",
        },
        "Explanation": _explanation(names),
        "JournalLine": _journal_line(),
        "Finding": _finding(names),
        "Findings": _page("findings", "Finding"),
        "Scan": _scan(),
        "Scans": _page("scans", "Scan"),
        "SyncAll": _sync_all(),
        "Step": _step(names),
        "Credited": _credited(),
        "Trade": _trade(),
        "Live": _record({"status": {"const": "live"}}),
        "Readiness": _record(
            {"status": {"type": "string", "enum": ["ready", "not_ready"]}, "reasons": _TEXTS}
        ),
    }


def _record(required: Mapping[str, Schema], **optional: Schema) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
    }


def _enum(values: Any) -> Schema:
    return {"type": "string", "enum": [each.value for each in values]}


def _by_kind() -> Schema:
    return {
        "type": "object",
        "propertyNames": {"enum": [kind.value for kind in MismatchKind]},
        "additionalProperties": _COUNT,
    }


def _problem() -> Schema:
    return _record(
        {
            "type": {"type": "string", "format": "uri"},
            "title": _TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": _TEXT,
        },
        outcome={"const": "unknown", "description": "It may have been done."},
        op_id={"type": "string", "description": "The posting whose outcome is unknown."},
        scope={"type": "string", "description": "What the caller would need."},
    )


def _check(verdict: Verdict, **further: Schema) -> Schema:
    return _record(
        {
            "status": {"const": verdict.value},
            "checked_users": _COUNT,
            "checked_currencies": _COUNT,
            "checked_balances": _COUNT,
            "timestamp": _MOMENT,
            "checksum": _TEXT,
            "mismatch_count": _COUNT,
            "truncated": _FLAG,
            "incomplete": _TEXTS,
            "mismatches": {"type": "array", "items": named_schema("Mismatch")},
            "scan_id": _TEXT,
            "mode": _enum(ScanMode),
            "consistency": _enum(Consistency),
            "duration_seconds": _SECONDS,
            "age_seconds": _SECONDS,
            **further,
        }
    )


def _incomplete() -> Schema:
    schema = dict(_check(Verdict.INCOMPLETE, reason=_TEXT))
    # A check that could not begin was no scan.
    of_a_scan = {"scan_id", "mode", "consistency", "duration_seconds"}
    schema["required"] = [name for name in schema["required"] if name not in of_a_scan]
    return schema


def _account(**further: Schema) -> tuple[dict[str, Schema], dict[str, Schema]]:
    types: dict[str, Schema] = {
        "user_id_type": {"type": "string", "description": "Its BSON type if it is no string."},
        "currency_type": {"type": "string", "description": "Its BSON type if it is no string."},
    }
    return {"user_id": _TEXT, "currency": _TEXT, **further}, types


def _mismatch(names: Sequence[str], **further: Schema) -> Schema:
    required, optional = _account(
        **dict.fromkeys(names, _AMOUNT_OR_NULL),
        in_sync={"const": False},
        kind=_enum(MismatchKind),
        also={"type": "array", "items": _enum(MismatchKind)},
        differs=_TEXTS,
        copies=named_schema("Copies"),
        **further,
    )
    return _record(required, **optional)


def _copy() -> Schema:
    amount = named_schema("StoredAmount")
    return _record(
        {
            "available": amount,
            "locked": amount,
            "total": amount,
            "updated": _TEXT_OR_NULL,
            "_id": _TEXT,
        },
        types={"type": "object", "additionalProperties": _TEXT},
    )


def _explanation(names: Sequence[str]) -> Schema:
    delta = _record({"available": _AMOUNT, "locked": _AMOUNT})
    required, optional = _account(
        found={"const": True},
        status=_enum([Verdict.HEALTHY, Verdict.INTEGRITY_FAILURE]),
        in_sync=_FLAG,
        kind={"type": ["string", "null"], "enum": [None, *(kind.value for kind in MismatchKind)]},
        also={"type": "array", "items": _enum(MismatchKind)},
        differs=_TEXTS,
        source_of_truth=_TEXT,
        copies=named_schema("Copies"),
        deltas=_record({name: {"oneOf": [{"type": "null"}, delta]} for name in names}),
        journal={"type": "array", "items": named_schema("JournalLine")},
    )
    return _record(required, **optional)


def _journal_line() -> Schema:
    return _record(
        {
            "time": _MOMENT,
            "sequence": {"type": "integer"},
            "kind": _TEXT,
            "reason": _TEXT,
            "op_id": _TEXT,
            "available_delta": _AMOUNT,
            "locked_delta": _AMOUNT,
            "available": _AMOUNT,
            "locked": _AMOUNT,
        }
    )


def _finding(names: Sequence[str]) -> Schema:
    return _mismatch(
        names,
        finding_id=_TEXT,
        state=_enum(FindingState),
        drift=_AMOUNT_OR_NULL,
        first_seen=_MOMENT,
        last_seen=_MOMENT,
        confirmed_at=_MOMENT_OR_NULL,
        resolved_at=_MOMENT_OR_NULL,
        scan_id=_TEXT,
    )


def _scan() -> Schema:
    return _record(
        {
            "scan_id": _TEXT,
            "sequence": _COUNT,
            "mode": _enum(ScanMode),
            "user_id": _TEXT_OR_NULL,
            "currency": _TEXT_OR_NULL,
            "trigger": _enum(ScanTrigger),
            "holder": _TEXT,
            "token": {"type": ["integer", "null"]},
            "state": _enum(ScanState),
            "started_at": _MOMENT,
            "ended_at": _MOMENT_OR_NULL,
            "reason": _TEXT_OR_NULL,
            "result": {"type": ["string", "null"], "enum": [None, *(v.value for v in Verdict)]},
        },
        duration_seconds=_SECONDS,
        consistency=_enum(Consistency),
        checked_users=_COUNT,
        checked_currencies=_COUNT,
        checked_balances=_COUNT,
        mismatch_count=_COUNT,
        mismatched_users=_COUNT,
        by_kind=_by_kind(),
        incomplete=_TEXTS,
    )


def _page(key: str, item: str) -> Schema:
    return _record(
        {
            key: {"type": "array", "items": named_schema(item)},
            "next_cursor": {
                "type": ["string", "null"],
                "description": "The cursor of the next page; null on the last one.",
            },
        }
    )


def _sync_all() -> Schema:
    checks = [named_schema(name) for name in ("Healthy", "IntegrityFailure", "Incomplete")]
    return _record(
        {
            "applied": {"const": False},
            "details": _TEXT,
            "steps": {"type": "array", "items": named_schema("Step")},
            "check": {"oneOf": checks},
        }
    )


def _step(names: Sequence[str]) -> Schema:
    after = _record(dict.fromkeys(names, _AMOUNT))
    required, optional = _account(
        kind=_enum(MismatchKind),
        outcome={"type": "string", "enum": ["planned", "refused"]},
        before=_record(dict.fromkeys(names, _AMOUNT_OR_NULL)),
        after={"oneOf": [{"type": "null"}, after]},
    )
    return _record(required, **optional, reason=_TEXT)


def _credited() -> Schema:
    schema = _record(
        {
            "Success": {"const": True},
            "Total USD": {
                "type": ["number", "null"],
                "description": "To the cent; null where a currency that is held has no price.",
            },
        },
        unpriced={"type": "array", "items": _TEXT, "minItems": 1},
    )
    return schema | {
        "additionalProperties": _AMOUNT,
        "description": "A key for each currency of which the user holds any.",
    }


def _trade() -> Schema:
    return _record(
        {
            "trade_id": _TEXT,
            "state": {"type": "string", "enum": ["locked", "released", "cancelled"]},
            "seller_id": _TEXT,
            "buyer_id": _TEXT,
            "currency": _TEXT,
            "amount": _AMOUNT,
            "fee_bps": _COUNT,
            "fee": _AMOUNT,
            "created_at": _MOMENT,
            "closed_at": _MOMENT_OR_NULL,
        }
    )
