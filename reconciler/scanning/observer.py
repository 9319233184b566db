"""What happens during scans, for those who count or log it; the scanner knows neither."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from reconciler.model.comparison import Mismatch
from reconciler.model.finding import Change, Finding, Sighting
from reconciler.model.report import Consistency, ScanMode, ScanReport
from reconciler.model.scan_record import ScanRecord
from reconciler.model.throttle import Busy
from reconciler.scanning.ports import KeyRange
from reconciler.scanning.throttle import ThrottleObserver


class ScanStage(StrEnum):
    """What a scan spends its time on.

    Digests, the accounts in the buckets that differ, all accounts that digests left, and a second
    look at what is wrong.
    """

    DIGEST = "digest"
    DRILLDOWN = "drilldown"
    COMPARE = "compare"
    CONFIRM = "confirm"


class ScanObserver(ThrottleObserver, Protocol):
    """Is told what a scan does. It must return at once, and must not raise."""

    def scan_started(self, scan_id: str, *, mode: ScanMode, consistency: Consistency) -> None:
        """A scan begins to read."""

    def range_read_again(self, scan_id: str, key_range: KeyRange, *, why: str) -> None:
        """What is left of a range is read in a new snapshot."""

    def range_done(self, scan_id: str, key_range: KeyRange, *, accounts: int) -> None:
        """A range was read to its end."""

    def suspect_found(self, scan_id: str, mismatch: Mismatch) -> None:
        """A mismatch was seen once."""

    def mismatch_confirmed(self, scan_id: str, mismatch: Mismatch) -> None:
        """A mismatch was seen again in a later snapshot."""

    def stage_finished(
        self, scan_id: str, stage: ScanStage, *, mode: ScanMode, seconds: float
    ) -> None:
        """A scan is through with a stage, whether or not it could look everywhere."""

    def scan_finished(self, report: ScanReport) -> None:
        """A scan is over, whatever it found."""


class Unwritten:
    """A sink that keeps nothing: for a scan that only answers."""

    async def suspected(self, sightings: Sequence[Sighting]) -> None:
        """Do nothing."""

    async def decided(self, *, confirmed: Sequence[Sighting], cleared: Sequence[str]) -> None:
        """Do nothing."""


class Unobserved:
    """An observer that does nothing."""

    def scan_started(self, scan_id: str, *, mode: ScanMode, consistency: Consistency) -> None:
        """Do nothing."""

    def range_read_again(self, scan_id: str, key_range: KeyRange, *, why: str) -> None:
        """Do nothing."""

    def range_done(self, scan_id: str, key_range: KeyRange, *, accounts: int) -> None:
        """Do nothing."""

    def scan_throttled(self, scan_id: str, busy: Busy, *, seconds: float) -> None:
        """Do nothing."""

    def scan_resumed(self, scan_id: str, *, seconds: float) -> None:
        """Do nothing."""

    def load_unknown(self, scan_id: str, *, why: str) -> None:
        """Do nothing."""

    def suspect_found(self, scan_id: str, mismatch: Mismatch) -> None:
        """Do nothing."""

    def mismatch_confirmed(self, scan_id: str, mismatch: Mismatch) -> None:
        """Do nothing."""

    def stage_finished(
        self, scan_id: str, stage: ScanStage, *, mode: ScanMode, seconds: float
    ) -> None:
        """Do nothing."""

    def scan_finished(self, report: ScanReport) -> None:
        """Do nothing."""


class FindingObserver(Protocol):
    """Is told what became of findings and of the scans that recorded them. It must not raise."""

    def finding_changed(self, finding: Finding, change: Change, *, scan_id: str) -> None:
        """A finding was detected, confirmed or resolved, and that is written down."""

    def scan_recorded(self, record: ScanRecord) -> None:
        """A scan ended and is written down, whatever became of it."""

    def scan_not_recorded(self, scan_id: str, *, mode: ScanMode, reason: str) -> None:
        """What a scan saw or how it ended could not be written down: what is stored is older."""


class UnobservedFindings:
    """An observer of findings that does nothing."""

    def finding_changed(self, finding: Finding, change: Change, *, scan_id: str) -> None:
        """Do nothing."""

    def scan_recorded(self, record: ScanRecord) -> None:
        """Do nothing."""

    def scan_not_recorded(self, scan_id: str, *, mode: ScanMode, reason: str) -> None:
        """Do nothing."""
