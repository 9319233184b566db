"""Lists what is kept, a page at a time: findings, scans, and writes past the library."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from starlette.responses import Response

from reconciler.model.access import Scope
from reconciler.model.comparison import MismatchKind
from reconciler.model.finding import FindingFilter, FindingState
from reconciler.model.mapping import Mappings
from reconciler.surfaces.http.answering import ExactJsonResponse
from reconciler.surfaces.http.description import json_reply
from reconciler.surfaces.http.inputs import (
    CURRENCY_LOOKUP,
    Input,
    Unusable,
    one_of,
    whole_number,
)
from reconciler.surfaces.http.operations import Call, Operation
from reconciler.surfaces.ports import Service
from reconciler.surfaces.record_answers import bypassing_answer, finding_answer, scan_answer

LIMIT_DEFAULT = 100
LIMIT_MAX = 500

LIMIT = whole_number(
    "limit", lowest=1, highest=LIMIT_MAX, description=f"How many at most; {LIMIT_DEFAULT}."
)


def cursor_input(place: str) -> Input:
    """Make the input that takes what `cursor_of` gave; `place` is the pattern of what is in it."""
    written = re.compile(place, re.ASCII)

    def read(value: str) -> str:
        try:
            # Cut padding is put back; what is too much is ignored.
            found = urlsafe_b64decode(value.encode("ascii") + b"==").decode("ascii")
        except ValueError as error:
            raise Unusable("must be the next_cursor of an earlier answer") from error
        if not written.fullmatch(found) or cursor_of(found) != value:
            raise Unusable("must be the next_cursor of an earlier answer")
        return found

    schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,128}$"}
    return Input("cursor", read, schema, "Where to go on: the next_cursor of the answer before.")


def cursor_of(place: object) -> str:
    """Write where a list goes on in a way that nobody takes apart."""
    return urlsafe_b64encode(str(place).encode("ascii")).decode("ascii").rstrip("=")


class ListingApi:
    """Answers what was found and what was done."""

    def __init__(self, service: Service, *, mappings: Mappings) -> None:
        self._service = service
        self._mappings = mappings

    def operations(self) -> tuple[Operation, ...]:
        """List what is answered here."""
        return (
            Operation(
                name="findings",
                method="GET",
                prefix="/api/integrity/findings",
                summary="List findings",
                handle=self.findings,
                scope=Scope.CHECK,
                query=(
                    one_of("state", FindingState, "Those in this state alone."),
                    one_of("kind", MismatchKind, "Those of this kind alone."),
                    CURRENCY_LOOKUP,
                    LIMIT,
                    cursor_input(r"[0-9a-f]{32}-[0-9]{6,12}"),
                ),
                replies={200: json_reply("A page of findings.", "Findings")},
            ),
            Operation(
                name="scans",
                method="GET",
                prefix="/api/integrity/scans",
                summary="List scans, the youngest first",
                handle=self.scans,
                scope=Scope.CHECK,
                query=(LIMIT, cursor_input(r"[0-9]{1,18}")),
                replies={200: json_reply("A page of scans.", "Scans")},
            ),
            Operation(
                name="bypassing_writes",
                method="GET",
                prefix="/api/integrity/bypassing-writes",
                summary="List writes that no journal entry accounts for, the youngest first",
                handle=self.bypassing_writes,
                scope=Scope.CHECK,
                query=(LIMIT, cursor_input(r"[0-9]{10}-[0-9]{10}-[0-9a-f]{16}")),
                replies={200: json_reply("A page of bypassing writes.", "BypassingWrites")},
            ),
        )

    async def findings(self, call: Call) -> Response:
        """List findings in the order of their ids."""
        wanted = FindingFilter(
            state=call.query["state"], kind=call.query["kind"], currency=call.query["currency"]
        )
        page = await self._service.findings(
            wanted, after=call.query["cursor"], limit=_limit_of(call)
        )
        return ExactJsonResponse(
            {
                "findings": [finding_answer(each, self._mappings) for each in page.findings],
                "next_cursor": None if page.after is None else cursor_of(page.after),
            }
        )

    async def scans(self, call: Call) -> Response:
        """List scans, the youngest first."""
        cursor = call.query["cursor"]
        page = await self._service.scans(
            before=None if cursor is None else int(cursor), limit=_limit_of(call)
        )
        return ExactJsonResponse(
            {
                "scans": [scan_answer(each) for each in page.scans],
                "next_cursor": None if page.before is None else cursor_of(page.before),
            }
        )

    async def bypassing_writes(self, call: Call) -> Response:
        """List writes past the library, the youngest first."""
        page = await self._service.bypassing_writes(
            before=call.query["cursor"], limit=_limit_of(call)
        )
        return ExactJsonResponse(
            {
                "bypassing_writes": [bypassing_answer(each) for each in page.writes],
                "next_cursor": None if page.before is None else cursor_of(page.before),
            }
        )


def _limit_of(call: Call) -> int:
    limit: int | None = call.query["limit"]
    return LIMIT_DEFAULT if limit is None else limit
