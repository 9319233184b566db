"""Records scans of a test's database, and remembers what was told."""

from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from reconciler.model.finding import Change, Finding
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import ScanMode
from reconciler.model.scan_record import ScanRecord
from reconciler.scanning.recording import ScanRecorder
from reconciler.scanning.rules import ScanOptions
from reconciler.scanning.scanner import Scanner
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.leasing import MongoLease
from reconciler.storage.recorded_findings import MongoRecordedFindings
from reconciler.storage.recorded_scans import MongoRecordedScans
from reconciler.storage.standing import MongoStanding

Database = AsyncDatabase[dict[str, Any]]


class Told:
    """Remembers what became of findings and scans."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, Change]] = []
        self.recorded: list[ScanRecord] = []
        self.unrecorded: list[str] = []

    def finding_changed(self, finding: Finding, change: Change, *, scan_id: str) -> None:
        self.changes.append((finding.account.user_id.text, change))

    def scan_recorded(self, record: ScanRecord) -> None:
        self.recorded.append(record)

    def scan_not_recorded(self, scan_id: str, *, mode: ScanMode, reason: str) -> None:
        self.unrecorded.append(reason)


class Records:
    """Everything about the records of one database."""

    def __init__(self, database: Database, *, settle_seconds: float = 0.001) -> None:
        self.told = Told()
        self.scans = MongoRecordedScans(database, history_days=30)
        self.findings = MongoRecordedFindings(
            database, self.scans, DEFAULT_MAPPINGS, history_days=30
        )
        self.lease = MongoLease(database)
        self.standing = MongoStanding(database, self.scans, self.lease)
        options = ScanOptions(settle_seconds=settle_seconds, deadline_seconds=30)
        store = MongoBalanceStore(database, DEFAULT_MAPPINGS)
        self.recorder = ScanRecorder(
            Scanner(store, DEFAULT_MAPPINGS, options),
            self.scans,
            self.findings,
            self.told,
            holder="test",
        )
