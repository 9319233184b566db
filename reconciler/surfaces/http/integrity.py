"""Whether the balances agree: the check, and one account explained."""

from datetime import timedelta
from decimal import Decimal

from starlette.responses import Response

from reconciler.errors import (
    CannotLook,
    DatabaseUnavailable,
    ReadInterrupted,
    ReconcilerError,
    SnapshotTooOld,
)
from reconciler.model.access import Scope
from reconciler.model.mapping import Mappings
from reconciler.model.report import ScanReport, Verdict
from reconciler.surfaces.account_answers import explanation_answer
from reconciler.surfaces.answers import incomplete_answer
from reconciler.surfaces.http.answering import ExactJsonResponse, retry_after
from reconciler.surfaces.http.checking import Checks, age_of
from reconciler.surfaces.http.description import json_reply, problem_reply, unavailable_reply
from reconciler.surfaces.http.inputs import (
    CURRENCY_LOOKUP,
    MAX_AGE,
    USER_LOOKUP,
)
from reconciler.surfaces.http.operations import Call, Operation
from reconciler.surfaces.http.problems import invalid, not_found
from reconciler.surfaces.ports import Service

STATUS_OF_VERDICT = {
    Verdict.HEALTHY: 200,
    Verdict.INTEGRITY_FAILURE: 500,
    Verdict.INCOMPLETE: 503,
}


class IntegrityApi:
    """Answers what on-call people and deployments ask."""

    def __init__(
        self, service: Service, checks: Checks, *, mappings: Mappings, checksum: str
    ) -> None:
        self._service = service
        self._checks = checks
        self._mappings = mappings
        self._checksum = checksum

    def operations(self) -> tuple[Operation, ...]:
        """List what is answered here."""
        return (self._check_operation(), self._explain_operation())

    async def check(self, call: Call) -> Response:
        """Scan now, or take the last full scan if it is young enough."""
        user_id, currency = call.query["user_id"], call.query["currency"]
        max_age_seconds: Decimal | None = call.query["max_age_seconds"]
        if max_age_seconds is not None and (user_id is not None or currency is not None):
            raise invalid(
                "The parameter max_age_seconds goes with neither user_id nor currency: what is "
                "kept is the last scan of everything. Leave it out to check these accounts now."
            )
        try:
            kept = None if max_age_seconds is None else await self._kept(max_age_seconds)
            report = kept or await self._checks.of(user_id, currency)
        except (CannotLook, DatabaseUnavailable, ReadInterrupted, SnapshotTooOld) as error:
            return self._could_not_look(error)
        return self._checked(report)

    async def explain(self, call: Call) -> Response:
        """Show one account as of one moment."""
        found = await self._service.explain(call.path["user_id"], call.path["currency"])
        if not found.is_known:
            raise not_found("No collection and no journal entry has this account.")
        return ExactJsonResponse(explanation_answer(found, self._mappings))

    async def _kept(self, max_age_seconds: Decimal) -> ScanReport | None:
        last = await self._service.last_full()
        if last is None or last.report is None:
            return None
        age = age_of(last.report.started_at, self._service.now())
        return last.report if _seconds(age) <= max_age_seconds else None

    def _checked(self, report: ScanReport) -> Response:
        is_incomplete = report.verdict is Verdict.INCOMPLETE
        return ExactJsonResponse(
            self._checks.written(report),
            STATUS_OF_VERDICT[report.verdict],
            headers=retry_after() if is_incomplete else None,
        )

    def _could_not_look(self, error: ReconcilerError) -> Response:
        answer = incomplete_answer([str(error)], now=self._service.now(), checksum=self._checksum)
        return ExactJsonResponse(answer | {"age_seconds": 0}, 503, headers=retry_after())

    def _check_operation(self) -> Operation:
        return Operation(
            name="check",
            method="GET",
            prefix="/api/integrity/check",
            summary="Say whether all copies of every balance agree",
            handle=self.check,
            scope=Scope.CHECK,
            query=(USER_LOOKUP, CURRENCY_LOOKUP, MAX_AGE),
            replies={
                200: json_reply("All was looked at, and all is in sync.", "Healthy"),
                500: json_reply("At least one account is wrong.", "IntegrityFailure"),
                503: unavailable_reply("It could not be looked everywhere.", "Incomplete"),
            },
        )

    def _explain_operation(self) -> Operation:
        return Operation(
            name="explain",
            method="GET",
            prefix="/api/integrity/explain/",
            summary="Show one account: its copies, what is wrong, its last postings",
            handle=self.explain,
            scope=Scope.CHECK,
            path=(USER_LOOKUP, CURRENCY_LOOKUP),
            replies={
                200: json_reply("The account, in sync or not.", "Explanation"),
                404: problem_reply("There is no such account."),
            },
        )


def _seconds(age: timedelta) -> Decimal:
    return Decimal(age // timedelta(microseconds=1)) / 1_000_000
