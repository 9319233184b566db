"""Whether the daemon can do its work, as probes are told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the daemon can do its work: `is_ready` is what a load balancer asks."""

    mongo_up: bool
    is_standing_known: bool
    is_stopping: bool
    is_leader: bool
    is_lease_answered: bool = True

    @property
    def is_ready(self) -> bool:
        """Whether its answers are worth asking for."""
        knows = self.mongo_up and self.is_standing_known and self.is_lease_answered
        return knows and not self.is_stopping
