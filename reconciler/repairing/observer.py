"""Who is told what the repair does: metrics and log. An observer must not raise."""

from typing import Protocol

from reconciler.model.repair import GuardRefusal, RepairPlan, RepairResult, RepairStep, RepairSwitch


class RepairObserver(Protocol):
    """Is told what became of plans."""

    def planned(self, plan: RepairPlan) -> None:
        """A plan was stored."""

    def refused(self, refusal: GuardRefusal, *, actor: str, plan_id: str | None) -> None:
        """A guard said no, to a whole plan or to an account of it."""

    def approved(self, plan: RepairPlan) -> None:
        """A second person agreed."""

    def step_done(self, plan: RepairPlan, step: RepairStep) -> None:
        """A step was applied or found stale, and that is written down."""

    def finished(self, result: RepairResult) -> None:
        """A plan was carried out and looked at again."""

    def switched(self, switch: RepairSwitch) -> None:
        """Repairs were switched on or off."""

    def checkpoint_failed(self, reason: str, *, plan_id: str) -> None:
        """After a repair the trail could not be signed."""


class UnobservedRepairs:
    """An observer that does nothing."""

    def planned(self, plan: RepairPlan) -> None:
        """Do nothing."""

    def refused(self, refusal: GuardRefusal, *, actor: str, plan_id: str | None) -> None:
        """Do nothing."""

    def approved(self, plan: RepairPlan) -> None:
        """Do nothing."""

    def step_done(self, plan: RepairPlan, step: RepairStep) -> None:
        """Do nothing."""

    def finished(self, result: RepairResult) -> None:
        """Do nothing."""

    def switched(self, switch: RepairSwitch) -> None:
        """Do nothing."""

    def checkpoint_failed(self, reason: str, *, plan_id: str) -> None:
        """Do nothing."""
