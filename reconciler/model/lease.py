"""Who may scan on the schedule: one daemon at a time, named by a lease with a fencing token."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """The lease as the database has it.

    `token` grows by one with each new holder: what an earlier holder still writes under its own
    token is refused. `has_expired` is judged by the database's clock.
    """

    holder: str
    token: int
    expires_at: datetime
    has_expired: bool
