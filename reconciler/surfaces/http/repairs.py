"""The guarded repair: the emergency call for one user, and plans that a second person approves."""

from dataclasses import dataclass

from starlette.responses import Response

from reconciler.errors import (
    PlanNotFound,
    PlanStale,
    ReconcilerError,
    RepairRefused,
    SelfApproval,
)
from reconciler.model.mapping import Mappings
from reconciler.model.repair import (
    Guard,
    GuardRefusal,
    RepairPlan,
    RepairResult,
    StepOutcome,
    TruthPolicy,
)
from reconciler.model.report import ScanReport, Verdict
from reconciler.surfaces.answers import Answer
from reconciler.surfaces.http.answering import ExactJsonResponse, retry_after
from reconciler.surfaces.http.checking import Checks
from reconciler.surfaces.http.failures import problem_of
from reconciler.surfaces.http.operations import Call, Operation
from reconciler.surfaces.http.problems import invalid
from reconciler.surfaces.http.repair_operations import (
    approve_operation,
    show_operation,
    sync_all_operation,
)
from reconciler.surfaces.ports import Repairs
from reconciler.surfaces.repair_answers import (
    outcome_count,
    plan_answer,
    step_answer,
    waits_for_approval,
)
from reconciler.surfaces.repair_watching import RepairWatcher

# These tell by themselves what became of a plan; any other error is one that nobody planned for.
_TOLD = (RepairRefused, PlanNotFound, PlanStale, SelfApproval)
# What a plan has already settled, and a request that applies it cannot say again.
_SETTLED_BY_A_PLAN = ("currency", "policy", "override_reason", "dry_run")


@dataclass(frozen=True, slots=True)
class RepairAccess:
    """What the repair is to the API, and whom to call where it does not bring health."""

    repairs: Repairs
    watcher: RepairWatcher
    escalation_contact: str | None


class RepairApi:
    """Plans, approves and applies; `checks` says before and after how a user's balances are."""

    def __init__(self, access: RepairAccess, checks: Checks, *, mappings: Mappings) -> None:
        self._repairs = access.repairs
        self._watcher = access.watcher
        self._contact = access.escalation_contact
        self._checks = checks
        self._mappings = mappings

    def operations(self) -> tuple[Operation, ...]:
        """List what is answered here."""
        return (
            sync_all_operation(self.sync_all, denied=self._denied),
            approve_operation(self.approve, denied=self._denied),
            show_operation(self.show),
        )

    async def sync_all(self, call: Call) -> Response:
        """Put a user's accounts right, or carry out the plan that is named."""
        try:
            if call.body["plan_id"] is None and call.body["digest"] is None:
                return await self._planned_now(call)
            return await self._planned_before(call)
        except (RepairRefused, PlanStale) as error:
            problem = problem_of(error)
            assert problem is not None
            problem.members |= self._escalation()
            raise problem from error

    async def approve(self, call: Call) -> Response:
        """Approve exactly the plan whose digest is given."""
        plan = await self._repairs.approve(
            call.path["plan_id"], digest=call.body["digest"], actor=_caller(call)
        )
        return ExactJsonResponse(plan_answer(plan, self._mappings))

    async def show(self, call: Call) -> Response:
        """Show a plan as it is now."""
        plan = await self._repairs.show(call.path["plan_id"])
        return ExactJsonResponse(plan_answer(plan, self._mappings))

    async def _planned_now(self, call: Call) -> Response:
        user_id = user_id_of(call)
        if user_id is None:
            raise invalid("The user_id must be given: in the body, or as a parameter of the query.")
        seen = await self._checks.of(user_id, call.body["currency"])
        if seen.verdict is not Verdict.INTEGRITY_FAILURE:
            return self._without_plan(seen)
        plan = await self._repairs.plan(
            user_id=user_id,
            currency=call.body["currency"],
            policy=call.body["policy"] or TruthPolicy.WALLETS,
            reason=call.body["reason"],
            override_reason=call.body["override_reason"],
            actor=_caller(call),
            applies_at_once=not call.body["dry_run"],
        )
        if call.body["dry_run"]:
            self._watcher.shown(plan)
            return self._answer(plan, seen, details=_shown(plan))
        if not outcome_count(plan, StepOutcome.PLANNED):
            return self._answer(plan, seen, details=_nothing_planned(plan))
        return await self._carried_out(plan, seen, call)

    async def _planned_before(self, call: Call) -> Response:
        plan_id, digest = call.body["plan_id"], call.body["digest"]
        if plan_id is None or digest is None:
            raise invalid("The plan_id and the digest go together: both are in a plan's answer.")
        if any(call.body[name] for name in _SETTLED_BY_A_PLAN):
            names = ", ".join(_SETTLED_BY_A_PLAN)
            raise invalid(f"With a plan_id, leave out {names}: the plan has settled them.")
        plan = await self._repairs.show(plan_id)
        user_id = user_id_of(call)
        if user_id is not None and _users(plan) - {user_id}:
            raise invalid("The plan has accounts of somebody else than the user_id.")
        if plan.digest != digest:
            raise PlanStale(plan_id, "the digest is another plan's")
        return await self._carried_out(plan, None, call)

    async def _carried_out(self, plan: RepairPlan, seen: ScanReport | None, call: Call) -> Response:
        """Apply a plan, unless somebody else has to approve it first."""
        if waits_for_approval(plan):
            checked = seen or await self._checked(plan)
            return self._answer(plan, checked, status=202, details=_waiting(plan))
        result = await self._applied(plan, call)
        is_applied = outcome_count(result.plan, StepOutcome.APPLIED) > 0
        is_stale = not is_applied and outcome_count(result.plan, StepOutcome.STALE) > 0
        return self._answer(
            result.plan,
            result.check,
            status=409 if is_stale else 200,
            is_applied=is_applied,
            is_verified=result.is_verified,
            details=_applied(result.plan, is_verified=result.is_verified),
        )

    async def _applied(self, plan: RepairPlan, call: Call) -> RepairResult:
        actor = _caller(call)
        try:
            return await self._repairs.apply(
                plan.plan_id, digest=plan.digest, reason=call.body["reason"], actor=actor
            )
        except _TOLD:
            raise
        except ReconcilerError as error:
            self._watcher.failed(plan.plan_id, actor=actor, error=error)
            raise

    async def _checked(self, plan: RepairPlan) -> ScanReport:
        """Check the plan's user, or everybody where it has several; what is seen is recorded."""
        users = _users(plan)
        return await self._checks.of(users.pop() if len(users) == 1 else None, None)

    def _without_plan(self, seen: ScanReport) -> Response:
        is_incomplete = seen.verdict is Verdict.INCOMPLETE
        answer: Answer = {
            "applied": False,
            "plan_id": None,
            "digest": None,
            "details": "Nothing was changed: "
            + (
                "it could not be looked everywhere, see check.reason."
                if is_incomplete
                else "the user's balances are in sync."
            ),
            "steps": [],
            "check": self._checks.answer(seen),
        }
        return ExactJsonResponse(
            answer | (self._escalation() if is_incomplete else {}),
            503 if is_incomplete else 200,
            headers=retry_after() if is_incomplete else None,
        )

    def _answer(
        self,
        plan: RepairPlan,
        checked: ScanReport | None,
        *,
        details: str,
        status: int = 200,
        is_applied: bool = False,
        is_verified: bool = True,
    ) -> Response:
        answer: Answer = {
            "applied": is_applied,
            "plan_id": plan.plan_id,
            "digest": plan.digest,
            "details": details,
            "needs_approval": waits_for_approval(plan),
            "expires_at": plan_answer(plan, self._mappings)["expires_at"],
            "steps": [step_answer(step, self._mappings) for step in plan.steps],
            "check": self._checks.answer(checked) if checked else self._checks.no_answer(),
        }
        is_healthy = checked is not None and checked.verdict is Verdict.HEALTHY
        is_well = is_healthy and is_verified
        return ExactJsonResponse(answer | ({} if is_well else self._escalation()), status)

    def _escalation(self) -> Answer:
        return {} if self._contact is None else {"escalation_contact": self._contact}

    def _denied(self, caller: str) -> None:
        refusal = GuardRefusal(Guard.SCOPE, "the caller's token has not the scope that this takes")
        self._watcher.refused(refusal, actor=caller, plan_id=None)


def user_id_of(call: Call) -> str | None:
    """Give the user that a call names once, in its body or in its query; None for neither.

    Raises:
        Problem: 422, it names two.
    """
    stated = [each["user_id"] for each in (call.body, call.query) if each["user_id"] is not None]
    if len(stated) > 1:
        raise invalid(
            "The user_id must be given once: in the body, or as a parameter of the query."
        )
    return stated[0] if stated else None


def _caller(call: Call) -> str:
    if call.caller is None:
        raise ReconcilerError("a repair was asked for by nobody")
    return call.caller


def _users(plan: RepairPlan) -> set[str]:
    return {step.account.user_id.text for step in plan.steps}


def _shown(plan: RepairPlan) -> str:
    return (
        f"Nothing was changed: this is the plan. {_counts(plan)} Send its plan_id and digest to "
        "carry it out."
    )


def _nothing_planned(plan: RepairPlan) -> str:
    if not plan.steps:
        return (
            "Nothing was changed: no confirmed finding of this user is written down. Check again; "
            "if it still is wrong, see whether the daemon can record its scans."
        )
    return f"Nothing was changed: no machine can decide this. {_counts(plan)}"


def _waiting(plan: RepairPlan) -> str:
    return (
        f"Nothing was changed yet: somebody else than {plan.planned_by} has to approve this plan. "
        "Then send its plan_id and digest."
    )


def _applied(plan: RepairPlan, *, is_verified: bool) -> str:
    applied, stale = (
        outcome_count(plan, each) for each in (StepOutcome.APPLIED, StepOutcome.STALE)
    )
    told = f"Accounts put right: {applied}; changed meanwhile and left alone: {stale}."
    if stale:
        told += " Ask for a new plan for these."
    if not is_verified:
        told += " The check afterwards still finds a mismatch: repairs are switched off. Escalate."
    return told


def _counts(plan: RepairPlan) -> str:
    planned, refused = (
        outcome_count(plan, each) for each in (StepOutcome.PLANNED, StepOutcome.REFUSED)
    )
    return f"Accounts planned: {planned}; for a person to decide: {refused}, see steps.reason."
