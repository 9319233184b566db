"""The schemas of repairs, by name, as they stand in the OpenAPI description."""

from collections.abc import Mapping, Sequence

from reconciler.model.mapping import Mappings
from reconciler.model.repair import PlanState, StepOutcome, TruthPolicy
from reconciler.surfaces.http.description import named_schema
from reconciler.surfaces.http.inputs import Schema
from reconciler.surfaces.http.schemas import (
    AMOUNT,
    AMOUNT_OR_NULL,
    FLAG,
    MOMENT,
    MOMENT_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    account_schemas,
    enum_schema,
    record_schema,
)


def repair_schemas_of(mappings: Mappings) -> Mapping[str, Schema]:
    """Give every schema of repairs; some have the collections' names as keys."""
    return {
        "SyncAll": _sync_all(),
        "RepairPlan": _plan(),
        "RepairStep": _step(mappings.names),
    }


def _sync_all() -> Schema:
    checks = [named_schema(name) for name in ("Healthy", "IntegrityFailure", "Incomplete")]
    return record_schema(
        {
            "applied": FLAG,
            "plan_id": TEXT_OR_NULL,
            "digest": TEXT_OR_NULL,
            "details": TEXT,
            "steps": {"type": "array", "items": named_schema("RepairStep")},
            "check": {"oneOf": checks},
        },
        needs_approval=FLAG,
        expires_at=MOMENT,
        escalation_contact={**TEXT, "description": "Whom to call, where health was not reached."},
    )


def _plan() -> Schema:
    return record_schema(
        {
            "plan_id": TEXT,
            "digest": {**TEXT, "pattern": "^[0-9a-f]{64}$"},
            "state": enum_schema(PlanState),
            "policy": enum_schema(TruthPolicy),
            "reason": TEXT,
            "override_reason": TEXT_OR_NULL,
            "reverts": TEXT_OR_NULL,
            "needs_approval": FLAG,
            "value_usd": AMOUNT_OR_NULL,
            "owed_change": {"type": "object", "additionalProperties": AMOUNT},
            "planned_by": TEXT,
            "planned_at": MOMENT,
            "expires_at": MOMENT,
            "approved_by": TEXT_OR_NULL,
            "approved_at": MOMENT_OR_NULL,
            "applied_by": TEXT_OR_NULL,
            "steps": {"type": "array", "items": named_schema("RepairStep")},
        }
    )


def _step(names: Sequence[str]) -> Schema:
    after = record_schema(dict.fromkeys(names, AMOUNT))
    balance = record_schema({"available": AMOUNT, "locked": AMOUNT})
    required, optional = account_schemas(
        outcome=enum_schema(StepOutcome),
        before=record_schema(dict.fromkeys(names, AMOUNT_OR_NULL)),
        after={"oneOf": [{"type": "null"}, after]},
        locked_after=AMOUNT_OR_NULL,
        policy=enum_schema(TruthPolicy),
        alternatives={
            "type": "object",
            "additionalProperties": {"oneOf": [{"type": "null"}, balance]},
        },
        owed_change=AMOUNT,
        finding_id=TEXT_OR_NULL,
        audit_sequence={"type": ["integer", "null"]},
    )
    reason = {**TEXT, "description": "Why nothing is written, and what a person does."}
    return record_schema(required, **optional, reason=reason)
