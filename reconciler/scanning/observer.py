"""What happens during scans, for those who count or log it; the scanner knows neither."""

from typing import Protocol

from reconciler.model.comparison import Mismatch
from reconciler.model.report import Consistency, ScanMode, ScanReport
from reconciler.scanning.ports import KeyRange


class ScanObserver(Protocol):
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

    def scan_finished(self, report: ScanReport) -> None:
        """A scan is over, whatever it found."""


class Unobserved:
    """An observer that does nothing."""

    def scan_started(self, scan_id: str, *, mode: ScanMode, consistency: Consistency) -> None:
        """Do nothing."""

    def range_read_again(self, scan_id: str, key_range: KeyRange, *, why: str) -> None:
        """Do nothing."""

    def range_done(self, scan_id: str, key_range: KeyRange, *, accounts: int) -> None:
        """Do nothing."""

    def suspect_found(self, scan_id: str, mismatch: Mismatch) -> None:
        """Do nothing."""

    def mismatch_confirmed(self, scan_id: str, mismatch: Mismatch) -> None:
        """Do nothing."""

    def scan_finished(self, report: ScanReport) -> None:
        """Do nothing."""
