"""What a scan says: counts never cut, mismatches, and whether it looked everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.model.comparison import Mismatch, MismatchKind
from reconciler.model.digest import DigestUse


class Verdict(StrEnum):
    """The outcome of a scan; the values are those of the `status` key in answers."""

    HEALTHY = "healthy"
    INTEGRITY_FAILURE = "INTEGRITY_FAILURE"
    INCOMPLETE = "incomplete"


class ScanMode(StrEnum):
    """What a scan looks at: all accounts, those of one user or currency, or those that changed."""

    FULL = "full"
    USER = "user"
    CURRENCY = "currency"
    WATCH = "watch"


class ScanMethod(StrEnum):
    """How accounts are compared: by digests that the server computes, or each of them read."""

    DIGEST = "digest"
    EXACT = "exact"


class Consistency(StrEnum):
    """How the copies of one account were read: in one snapshot, or by repeated plain reads."""

    SNAPSHOT = "snapshot"
    CONFIRMED_READS = "confirmed_reads"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much was looked at: exact numbers of accounts, of users and of currencies."""

    accounts: int = 0
    users: int = 0
    currencies: int = 0


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What one scan found.

    `mismatches` may be cut to a limit; `mismatch_count` (accounts), `mismatched_users` and
    `by_kind` never are. `incomplete` holds one sentence for each place where the scan could not
    look. `digest` is None where no digests were wanted.
    """

    scan_id: str
    mode: ScanMode
    consistency: Consistency
    started_at: datetime
    duration_seconds: float
    coverage: Coverage
    mismatch_count: int
    mismatched_users: int
    by_kind: Mapping[MismatchKind, int]
    mismatches: tuple[Mismatch, ...]
    incomplete: tuple[str, ...] = ()
    digest: DigestUse | None = None

    @property
    def method(self) -> ScanMethod:
        """How accounts were compared: exactly, too, where digests had to be given up."""
        if self.digest is None or self.digest.given_up is not None:
            return ScanMethod.EXACT
        return ScanMethod.DIGEST

    @property
    def verdict(self) -> Verdict:
        """A confirmed mismatch is true whatever was not seen; without one, all must be."""
        if self.mismatch_count:
            return Verdict.INTEGRITY_FAILURE
        return Verdict.INCOMPLETE if self.incomplete else Verdict.HEALTHY

    @property
    def truncated(self) -> bool:
        """Whether `mismatches` holds fewer than there are."""
        return len(self.mismatches) < self.mismatch_count
