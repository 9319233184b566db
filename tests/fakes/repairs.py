"""A repair that does what a test wants, in memory, and remembers what it was asked."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from reconciler.errors import PlanNotFound, PlanStale, SelfApproval
from reconciler.model.comparison import Mismatch
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.proposal import propose
from reconciler.model.repair import (
    GuardRefusal,
    PlanState,
    RepairPlan,
    RepairResult,
    RepairStep,
    RepairSwitch,
    StepOutcome,
    TruthPolicy,
)
from reconciler.model.report import ScanReport
from reconciler.surfaces.repair_watching import RepairStanding
from tests.fakes.service import MISMATCHES, NOW, a_report

DIGEST = "ab" * 32


def a_step(mismatch: Mismatch, policy: TruthPolicy = TruthPolicy.WALLETS) -> RepairStep:
    proposal = propose(mismatch, DEFAULT_MAPPINGS)
    return RepairStep(
        before=mismatch.view,
        after=proposal.after,
        policy=policy,
        alternatives={TruthPolicy.WALLETS: proposal.after, TruthPolicy.JOURNAL: None},
        owed_change=Decimal(0),
        finding_id="finding-1",
        outcome=StepOutcome.REFUSED if proposal.after is None else StepOutcome.PLANNED,
        refusal=proposal.refusal,
    )


def a_plan(*mismatches: Mismatch, **changes: object) -> RepairPlan:
    """A plan for these accounts, that needs no approval."""
    values: dict[str, object] = {
        "plan_id": "plan-1",
        "digest": DIGEST,
        "policy": TruthPolicy.WALLETS,
        "reason": "an emergency",
        "override_reason": None,
        "planned_by": "loopback",
        "planned_at": NOW,
        "expires_at": NOW + timedelta(minutes=10),
        "steps": tuple(map(a_step, mismatches)),
        "owed_change": {"BTC": Decimal("-0.5")},
        "value_usd": Decimal("44.105"),
        "needs_approval": False,
        "state": PlanState.PLANNED,
    }
    return RepairPlan(**{**values, **changes})  # type: ignore[arg-type]


@dataclass
class FakeRepairs:
    """Plans what is given; `error` is raised by whatever would change something."""

    mismatches: tuple[Mismatch, ...] = MISMATCHES[:1]
    needs_approval: bool = False
    outcome: StepOutcome = StepOutcome.APPLIED
    is_verified: bool = True
    check: ScanReport | None = field(default_factory=a_report)
    error: Exception | None = None
    is_on: bool = False
    plans: dict[str, RepairPlan] = field(default_factory=dict)
    asked: list[tuple[object, ...]] = field(default_factory=list)

    async def plan(
        self,
        *,
        user_id: str | None,
        currency: str | None,
        policy: TruthPolicy,
        reason: str,
        override_reason: str | None,
        actor: str,
        applies_at_once: bool = False,
    ) -> RepairPlan:
        self._ask("plan", user_id, currency, policy, reason, override_reason, actor)
        return self._keep(reason=reason, policy=policy, planned_by=actor)

    async def plan_revert(self, plan_id: str, *, reason: str, actor: str) -> RepairPlan:
        self._ask("plan_revert", plan_id, reason, actor)
        return self._keep(reason=reason, planned_by=actor, reverts=plan_id)

    async def show(self, plan_id: str) -> RepairPlan:
        if plan_id not in self.plans:
            raise PlanNotFound(plan_id)
        return self.plans[plan_id]

    async def approve(self, plan_id: str, *, digest: str, actor: str) -> RepairPlan:
        self._ask("approve", plan_id, digest, actor)
        plan = await self._sound(plan_id, digest)
        if actor == plan.planned_by:
            raise SelfApproval(plan_id, "you made it")
        return self._put(
            replace(plan, state=PlanState.APPROVED, approved_by=actor, approved_at=NOW)
        )

    async def apply(self, plan_id: str, *, digest: str, reason: str, actor: str) -> RepairResult:
        self._ask("apply", plan_id, digest, reason, actor)
        plan = await self._sound(plan_id, digest)
        steps = tuple(
            replace(step, outcome=self.outcome) if step.after is not None else step
            for step in plan.steps
        )
        done = self._put(replace(plan, state=PlanState.APPLIED, steps=steps, applied_by=actor))
        is_applied = self.outcome is StepOutcome.APPLIED
        return RepairResult(done, is_applied, self.is_verified, self.check)

    async def switch(self) -> RepairSwitch:
        return RepairSwitch(self.is_on, None, None, None)

    async def set_switch(self, *, is_on: bool, reason: str, actor: str) -> RepairSwitch:
        self._ask("set_switch", is_on, reason, actor)
        self.is_on = is_on
        return RepairSwitch(is_on, actor, NOW, reason)

    async def _sound(self, plan_id: str, digest: str) -> RepairPlan:
        plan = await self.show(plan_id)
        if plan.digest != digest or plan.state not in {PlanState.PLANNED, PlanState.APPROVED}:
            raise PlanStale(plan_id, "it was used")
        return plan

    def _keep(self, **changes: object) -> RepairPlan:
        plan_id = f"plan-{len(self.plans) + 1}"
        changes |= {"plan_id": plan_id, "needs_approval": self.needs_approval}
        return self._put(a_plan(*self.mismatches, **changes))

    def _put(self, plan: RepairPlan) -> RepairPlan:
        self.plans[plan.plan_id] = plan
        return plan

    def _ask(self, *asked: object) -> None:
        self.asked.append(asked)
        if self.error is not None:
            raise self.error


@dataclass
class NotedRepairs:
    """What an observer of repairs was told, by name."""

    told: list[tuple[object, ...]] = field(default_factory=list)

    def planned(self, plan: RepairPlan) -> None:
        self.told.append(("planned", plan.plan_id))

    def shown(self, plan: RepairPlan) -> None:
        self.told.append(("shown", plan.plan_id))

    def refused(self, refusal: GuardRefusal, *, actor: str, plan_id: str | None) -> None:
        self.told.append(("refused", refusal.guard, plan_id, actor))

    def approved(self, plan: RepairPlan) -> None:
        self.told.append(("approved", plan.plan_id))

    def step_done(self, plan: RepairPlan, step: RepairStep) -> None:
        self.told.append(("step_done", plan.plan_id, step.account))

    def finished(self, result: RepairResult) -> None:
        self.told.append(("finished", result.plan.plan_id))

    def failed(self, plan_id: str, *, actor: str, error: Exception) -> None:
        self.told.append(("failed", plan_id, actor, error))

    def switched(self, switch: RepairSwitch) -> None:
        self.told.append(("switched", switch.is_on))

    def checkpoint_failed(self, reason: str, *, plan_id: str) -> None:
        self.told.append(("checkpoint_failed", plan_id))

    def standing_known(self, standing: RepairStanding | None) -> None:
        self.told.append(("standing", standing))
