"""The answers of `explain --json` and `db … --json`, and of whatever went wrong."""

from decimal import Decimal
from typing import Any

from reconciler.model.amounts import WIDE, ZERO
from reconciler.model.copies import BalanceView
from reconciler.model.mapping import Mappings
from reconciler.model.report import Verdict
from reconciler.model.roles import Role
from reconciler.surfaces.answers import Answer, copies_answer, identity_answer, timestamp
from reconciler.surfaces.guard_answers import validator_answer
from reconciler.surfaces.json_text import number
from reconciler.surfaces.ports import Explanation, IndexReport, JournalLine, SchemaReport


def explanation_answer(explanation: Explanation, mappings: Mappings) -> Answer:
    """Show one account: its copies, how far each is from the source of truth, its last postings."""
    mismatch = explanation.mismatch
    known = (Verdict.INTEGRITY_FAILURE if mismatch else Verdict.HEALTHY).value
    return identity_answer(explanation.view.account) | {
        "found": explanation.is_known,
        # What is not there is neither healthy nor in sync.
        "status": known if explanation.is_known else "not_found",
        "in_sync": mismatch is None if explanation.is_known else None,
        "kind": mismatch.kind.value if mismatch else None,
        "also": [kind.value for kind in mismatch.also] if mismatch else [],
        "differs": list(mismatch.differs) if mismatch else [],
        "source_of_truth": mappings.source_of_truth,
        "copies": copies_answer(explanation.view, mappings),
        "deltas": {
            name: delta and {field: number(value) for field, value in delta.items()}
            for name, delta in deltas_of(explanation.view, mappings).items()
        },
        "journal": [_journal_answer(line) for line in explanation.journal],
    }


def deltas_of(view: BalanceView, mappings: Mappings) -> dict[str, dict[str, Decimal] | None]:
    """Give how far each copy is from the source of truth's; None where one of the two is no copy.

    A copy that is missing counts as zero, as it does in a comparison.
    """
    return {name: _delta(view, name, mappings.source_of_truth) for name in mappings.names}


def _delta(view: BalanceView, name: str, truth: str) -> dict[str, Decimal] | None:
    observed, expected = _amounts(view, name), _amounts(view, truth)
    if observed is None or expected is None:
        return None
    return {
        "available": _difference(observed[0], expected[0]),
        "locked": _difference(observed[1], expected[1]),
    }


def _difference(observed: Decimal, expected: Decimal) -> Decimal:
    return WIDE.subtract(observed, expected)


def _amounts(view: BalanceView, name: str) -> tuple[Decimal, Decimal] | None:
    copies = view.copies.get(name, ())
    if not copies:
        return ZERO, ZERO
    copy = view.copy_in(name)
    if copy is None or copy.available_amount is None or copy.locked_amount is None:
        return None
    return copy.available_amount, copy.locked_amount


def _journal_answer(line: JournalLine) -> Answer:
    return {
        "time": timestamp(line.time),
        "sequence": line.sequence,
        "kind": line.kind,
        "reason": line.reason,
        "op_id": line.op_id,
        "available_delta": number(line.delta.available),
        "locked_delta": number(line.delta.locked),
        "available": number(line.after.available),
        "locked": number(line.after.locked),
    }


def schema_answer(report: SchemaReport) -> Answer:
    """Say what the database has of what is needed."""
    return {
        "status": "ready" if report.is_ready else "not_ready",
        "server": report.server,
        "collections_missing": list(report.collections_missing),
        "indexes": [_index_answer(each) for each in report.indexes],
        "warnings": list(report.warnings),
        "validators": [validator_answer(each) for each in report.validators],
    }


def _index_answer(report: IndexReport) -> Answer:
    return {
        "collection": report.index.collection,
        "name": report.index.name,
        "fields": list(report.index.fields),
        "state": report.state.value,
        "detail": report.detail,
        "duplicate_count": report.duplicate_count,
        "duplicates": [
            identity_answer(each.account) | {"documents": each.documents}
            for each in report.duplicates
        ],
    }


def error_answer(kind: str, message: str, *, exit_code: int) -> dict[str, Any]:
    """Say that a command failed: `kind` is `usage`, `unexpected` or `interrupted`."""
    return {
        "status": "error",
        "error": {"kind": kind, "message": message},
        "exit_code": int(exit_code),
    }


def role_answer(role: Role, *, database: str) -> Answer:
    """Write a role as MongoDB's `createRole` takes it."""
    return {
        "role": role.name,
        "privileges": [
            {
                "resource": {"db": database, "collection": each.collection},
                "actions": list(each.actions),
            }
            for each in role.privileges
        ],
        "roles": list(role.inherits),
    }
