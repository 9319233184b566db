"""What the gate for deployments asks of a daemon, beside the check."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from reconciler import __version__
from reconciler.model.access import Scope
from reconciler.model.gate import Checklist, Line, Outcome
from reconciler.surfaces.gate_answers import STATUS_OF_OUTCOME, checklist_answer
from reconciler.surfaces.http.answering import ExactJsonResponse
from reconciler.surfaces.http.description import json_reply, named_schema
from reconciler.surfaces.http.operations import Call, Operation
from reconciler.surfaces.http.schemas import TEXT, TEXT_OR_NULL, enum_schema, record_schema

LookAtRecords = Callable[[], Awaitable[Checklist]]

CHECKLIST_SCHEMAS = {
    "Checklist": record_schema(
        {
            "status": {"type": "string", "enum": list(STATUS_OF_OUTCOME.values())},
            "requirements": {"type": "array", "items": named_schema("Requirement")},
            "notes": {"type": "array", "items": TEXT},
            "checksum": TEXT,
            "version": TEXT,
        }
    ),
    "Requirement": record_schema(
        {
            "name": enum_schema(Line),
            "requirement": TEXT,
            "outcome": enum_schema(Outcome),
            "detail": TEXT,
            "next": TEXT_OR_NULL,
        }
    ),
}


class GateApi:
    """Answers what only the database knows: its schema, plans that wait, open findings."""

    def __init__(self, look: LookAtRecords, *, checksum: str) -> None:
        self._look = look
        self._checksum = checksum

    def operations(self) -> tuple[Operation, ...]:
        """List what is answered here."""
        return (
            Operation(
                name="checklist",
                method="GET",
                prefix="/api/integrity/checklist",
                summary="Say what of the checklist of deployments is met, without the check itself",
                handle=self.checklist,
                scope=Scope.CHECK,
                replies={200: json_reply("What is met, not met, and not known.", "Checklist")},
            ),
        )

    async def checklist(self, _call: Call) -> Response:
        """Look now; what cannot be looked at is unknown, and answered all the same."""
        answer = checklist_answer(await self._look())
        return ExactJsonResponse(answer | {"checksum": self._checksum, "version": __version__})
