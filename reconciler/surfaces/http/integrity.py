"""Whether the balances agree: the check, what would put them right, and one account explained."""

from collections.abc import Sequence
from datetime import datetime, timedelta
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
from reconciler.model.proposal import Proposal
from reconciler.model.report import ScanReport, Verdict
from reconciler.surfaces.account_answers import explanation_answer
from reconciler.surfaces.answers import NOTHING_COMPARED, Answer, check_answer, incomplete_answer
from reconciler.surfaces.http.answering import ExactJsonResponse, Written, retry_after
from reconciler.surfaces.http.description import json_reply, problem_reply, unavailable_reply
from reconciler.surfaces.http.inputs import (
    CURRENCY_LOOKUP,
    DRY_RUN,
    MAX_AGE,
    REASON,
    USER_LOOKUP,
)
from reconciler.surfaces.http.operations import Call, Operation
from reconciler.surfaces.http.problems import invalid, not_found
from reconciler.surfaces.ports import Service
from reconciler.surfaces.record_answers import proposal_answer

STATUS_OF_VERDICT = {
    Verdict.HEALTHY: 200,
    Verdict.INTEGRITY_FAILURE: 500,
    Verdict.INCOMPLETE: 503,
}


class IntegrityApi:
    """Answers what on-call people and deployments ask."""

    def __init__(self, service: Service, *, mappings: Mappings, checksum: str) -> None:
        self._service = service
        self._mappings = mappings
        self._checksum = checksum
        self._written: tuple[ScanReport, Written] | None = None

    def operations(self) -> tuple[Operation, ...]:
        """List what is answered here."""
        return (self._check_operation(), self._sync_all_operation(), self._explain_operation())

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
            report = kept or await self._service.check(user_id, currency)
        except (CannotLook, DatabaseUnavailable, ReadInterrupted, SnapshotTooOld) as error:
            return self._could_not_look(error)
        return self._checked(report)

    async def sync_all(self, call: Call) -> Response:
        """Plan what would put a user's accounts right; nothing is changed."""
        user_id, currency = _user_id_of(call), call.body["currency"]
        report, proposals = await self._service.propose(user_id, currency)
        is_incomplete = report.verdict is Verdict.INCOMPLETE
        return ExactJsonResponse(
            {
                "applied": False,
                "details": _details(report, proposals),
                "steps": [proposal_answer(each, self._mappings) for each in proposals],
                "check": self._check_answer(report),
            },
            503 if is_incomplete else 200,
            headers=retry_after() if is_incomplete else None,
        )

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
        age = _age(last.report.started_at, self._service.now())
        return last.report if _seconds(age) <= max_age_seconds else None

    def _checked(self, report: ScanReport) -> Response:
        is_incomplete = report.verdict is Verdict.INCOMPLETE
        return ExactJsonResponse(
            self._written_once(report).extended(self._age_answer(report)),
            STATUS_OF_VERDICT[report.verdict],
            headers=retry_after() if is_incomplete else None,
        )

    def _check_answer(self, report: ScanReport) -> Answer:
        answer = check_answer(report, mappings=self._mappings, checksum=self._checksum)
        return answer | self._age_answer(report)

    def _written_once(self, report: ScanReport) -> Written:
        """Write what callers of the same report share: a hundred mismatches take milliseconds."""
        if self._written is None or self._written[0] is not report:
            answer = check_answer(report, mappings=self._mappings, checksum=self._checksum)
            self._written = report, Written.of(answer)
        return self._written[1]

    def _age_answer(self, report: ScanReport) -> Answer:
        age = _age(report.started_at, self._service.now())
        return {"age_seconds": round(age.total_seconds(), 3)}

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

    def _sync_all_operation(self) -> Operation:
        return Operation(
            name="sync_all",
            method="POST",
            prefix="/api/integrity/sync-all",
            summary="Show what would put a user's accounts right; nothing is changed",
            handle=self.sync_all,
            scope=Scope.REPAIR_PROPOSE,
            query=(USER_LOOKUP,),
            body=(USER_LOOKUP, CURRENCY_LOOKUP, REASON.required, DRY_RUN),
            replies={
                200: json_reply("What is proposed; no step if nothing is wrong.", "SyncAll"),
                503: unavailable_reply("It could not be looked everywhere.", "SyncAll"),
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


def _user_id_of(call: Call) -> str:
    stated = [each["user_id"] for each in (call.body, call.query) if each["user_id"] is not None]
    if len(stated) != 1:
        raise invalid(
            "The user_id must be given once: in the body, or as a parameter of the query."
        )
    user_id: str = stated[0]
    return user_id


def _details(report: ScanReport, proposals: Sequence[Proposal]) -> str:
    if report.verdict is Verdict.INCOMPLETE:
        return "Nothing was changed: it could not be looked everywhere, see check.reason."
    if not proposals:
        if not report.coverage.accounts:
            return f"Nothing was changed. {NOTHING_COMPARED}."
        return "Nothing was changed: the user's balances are in sync."
    planned = sum(each.after is not None for each in proposals)
    return (
        "Nothing was changed: this version shows a plan and does not carry it out. Accounts that "
        f"are wrong: {report.mismatch_count}; planned: {planned}; refused, for a person to decide: "
        f"{len(proposals) - planned}."
    )


def _age(begun: datetime, now: datetime) -> timedelta:
    # The clocks of two daemons differ a little.
    return max(now - begun, timedelta())


def _seconds(age: timedelta) -> Decimal:
    return Decimal(age // timedelta(microseconds=1)) / 1_000_000
