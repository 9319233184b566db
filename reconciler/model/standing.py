"""Where the exchange stands, as far as the database knows: the verdict, findings, last scans."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from reconciler.model.comparison import MismatchKind
from reconciler.model.finding import FindingState
from reconciler.model.report import Coverage, ScanMode

FindingGroup = tuple[MismatchKind, str, FindingState]


@dataclass(frozen=True, slots=True)
class Standing:
    """What all daemons on one database say alike, after a restart too.

    Args:
        findings: how many open ones there are, by kind, currency and state.
        mismatched_users: users with a confirmed finding.
        drift: the sum of the confirmed findings' drifts by currency, in its unit.
        unmeasured: confirmed findings whose drift cannot be said (malformed, doubled).
        oldest_first_seen: of the open findings that are confirmed; None without any.
        last_success: by mode, when a scan last had looked everywhere, whatever it found.
        last_completion: by mode, when a scan last ended with a report.
        coverage: what the last full scan that looked everywhere looked at; None without one.
        leader: who holds the lease now; None if nobody does.
    """

    findings: Mapping[FindingGroup, int]
    mismatched_users: int
    drift: Mapping[str, Decimal]
    unmeasured: int
    oldest_first_seen: datetime | None
    last_success: Mapping[ScanMode, datetime]
    last_completion: Mapping[ScanMode, datetime]
    coverage: Coverage | None
    leader: str | None

    @property
    def is_failure(self) -> bool:
        """The verdict: whether any finding is confirmed."""
        return any(
            count
            for (_, _, state), count in self.findings.items()
            if state is FindingState.CONFIRMED
        )
