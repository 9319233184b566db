"""What the audit trail keeps of freezes: under which one a daemon started, and whether it matched.

It is written down when a daemon starts under another freeze than the trail says last.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.model.audit import AuditEvent, AuditKind

VALID, BROKEN = "valid", "broken"
PROBLEMS_MAX = 20


@dataclass(frozen=True, slots=True)
class FreezeStanding:
    """Under which freeze a program runs, and what its own code is.

    `number` is 0 and `frozen_digest` and `approved_by` are None where nothing was frozen; `digest`
    is None where the code could not be read. `problems` is empty where the code is what was frozen.
    """

    number: int
    frozen_digest: str | None
    approved_by: str | None
    digest: str | None
    problems: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether the code is what was frozen, and the record of it is right."""
        return not self.problems

    def details(self) -> dict[str, Any]:
        """Give it as the trail has it; problems are cut, and counted."""
        return {
            "number": self.number,
            "frozen_digest": self.frozen_digest,
            "approved_by": self.approved_by,
            "digest": self.digest,
            "problems": list(self.problems[:PROBLEMS_MAX]),
            "problem_count": len(self.problems),
        }


def freeze_event(
    standing: FreezeStanding, recorded: Sequence[str], *, at: datetime, actor: str
) -> AuditEvent | None:
    """Give the event that is to be written down; None if the trail says it already.

    Args:
        standing: of this program.
        recorded: the bodies of the trail's records about freezes, in their order.
        at: now.
        actor: this process.
    """
    details = standing.details()
    if recorded and _details(recorded[-1]) == details:
        return None
    outcome = VALID if standing.is_valid else BROKEN
    return AuditEvent(AuditKind.FREEZE, outcome, at, actor, details=details)


def _details(body: str) -> Mapping[str, Any] | None:
    """Read a body; one that somebody spoiled says nothing: finding that is the proof's."""
    try:
        read = json.loads(body)
    except ValueError:
        return None
    details = read.get("details") if isinstance(read, dict) else None
    return details if isinstance(details, dict) else None
