"""Where the repair is answered, what it takes, and what it answers."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from reconciler.model.access import Scope
from reconciler.surfaces.http.answering import JSON
from reconciler.surfaces.http.description import (
    Reply,
    json_reply,
    named_schema,
    problem_reply,
    unavailable_reply,
)
from reconciler.surfaces.http.inputs import (
    CURRENCY_LOOKUP,
    DIGEST,
    DRY_RUN,
    OVERRIDE_REASON,
    PLAN_ID,
    POLICY,
    REASON,
    USER_LOOKUP,
)
from reconciler.surfaces.http.operations import Call, Operation
from reconciler.surfaces.http.problems import PROBLEM_JSON

Handle = Callable[[Call], Awaitable[Response]]
Denied = Callable[[str], None]

_NO_PLAN = problem_reply("There is no such plan.")


def sync_all_operation(handle: Handle, *, denied: Denied) -> Operation:
    """Describe the emergency call."""
    return Operation(
        name="sync_all",
        method="POST",
        prefix="/api/integrity/sync-all",
        summary="Put a user's accounts right, or carry out a plan",
        handle=handle,
        scope=Scope.REPAIR_PROPOSE,
        denied=denied,
        query=(USER_LOOKUP,),
        body=(
            USER_LOOKUP,
            CURRENCY_LOOKUP,
            REASON.required,
            POLICY,
            OVERRIDE_REASON,
            DRY_RUN,
            PLAN_ID,
            DIGEST,
        ),
        replies={
            200: json_reply("What was done, and the check afterwards.", "SyncAll"),
            202: json_reply("Planned; somebody else has to approve it first.", "SyncAll"),
            403: problem_reply("The caller may not do this."),
            404: _NO_PLAN,
            409: Reply(
                "A guard refuses it, or the plan is stale, used or expired.",
                {PROBLEM_JSON: named_schema("Problem"), JSON: named_schema("SyncAll")},
            ),
            503: unavailable_reply("It could not be looked everywhere.", "SyncAll"),
        },
    )


def approve_operation(handle: Handle, *, denied: Denied) -> Operation:
    """Describe the approval by a second person."""
    return Operation(
        name="approve_repair",
        method="POST",
        prefix="/api/repairs/",
        suffix="/approve",
        summary="Approve exactly this plan, made by somebody else",
        handle=handle,
        scope=Scope.REPAIR_APPROVE,
        denied=denied,
        path=(PLAN_ID,),
        body=(DIGEST.required,),
        replies={
            200: json_reply("The plan, approved.", "RepairPlan"),
            403: problem_reply("The caller may not do this, or made the plan."),
            404: _NO_PLAN,
            409: problem_reply("The plan is used or expired, or has another digest."),
        },
    )


def show_operation(handle: Handle) -> Operation:
    """Describe how a plan is looked at."""
    return Operation(
        name="show_repair",
        method="GET",
        prefix="/api/repairs/",
        summary="Show a plan as it is now",
        handle=handle,
        scope=Scope.CHECK,
        path=(PLAN_ID,),
        replies={200: json_reply("The plan.", "RepairPlan"), 404: _NO_PLAN},
    )
