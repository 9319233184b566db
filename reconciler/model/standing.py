"""Where the exchange stands, as far as the database knows: the verdict, findings, last scans."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from reconciler.model.comparison import MismatchKind
from reconciler.model.finding import FindingState
from reconciler.model.report import Coverage, ScanMode, ScanReport, Verdict

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

    @property
    def verdict(self) -> Verdict:
        """What is known of all accounts together; incomplete if no scan ever looked everywhere."""
        if self.is_failure:
            return Verdict.INTEGRITY_FAILURE
        is_known = ScanMode.FULL in self.last_success
        return Verdict.HEALTHY if is_known else Verdict.INCOMPLETE

    def with_unrecorded(self, report: ScanReport) -> "Standing":
        """Add what a scan saw that could not be written down: it is no less true for that.

        Which currencies it was, and by how much, is not known any more: they count under an empty
        name, and as unmeasured.
        """
        seen = {(kind, "", FindingState.CONFIRMED): count for kind, count in report.by_kind.items()}
        return replace(
            self,
            findings={**self.findings, **seen},
            mismatched_users=max(self.mismatched_users, report.mismatched_users),
            unmeasured=self.unmeasured + report.mismatch_count,
            oldest_first_seen=self.oldest_first_seen or report.started_at,
        )
