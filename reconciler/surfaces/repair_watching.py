"""What metrics and logs are told of repairs, beside what the repair itself tells."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from reconciler.model.repair import RepairPlan
from reconciler.repairing.observer import RepairObserver


@dataclass(frozen=True, slots=True)
class RepairStanding:
    """Whether anything can be repaired now, and how many plans wait for a second person.

    `is_enabled` is what the switch in the database says, or the settings until it was thrown. A
    plan that has expired waits for nobody. `last_verify_failure` is when a repair was last found
    not to have brought health, by whichever process; None if never.
    """

    is_enabled: bool
    awaiting_approval: int
    last_verify_failure: datetime | None = None


class RepairWatcher(RepairObserver, Protocol):
    """Is told of repairs. It must return at once, and must not raise."""

    def shown(self, plan: RepairPlan) -> None:
        """A plan was made to be seen only: somebody asked for a dry run."""

    def failed(self, plan_id: str, *, actor: str, error: Exception) -> None:
        """Carrying a plan out ended by an error; what was written stays, and it can be resumed."""

    def standing_known(self, standing: RepairStanding | None) -> None:
        """Whether repairs are possible, and what waits; told again and again.

        None where that could not be read.
        """
