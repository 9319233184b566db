"""Runs scans and writes down what they see: the one way in which a scan becomes known to others."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.errors import Fenced, ReconcilerError
from reconciler.model.finding import Sighting, Transition
from reconciler.model.report import ScanReport
from reconciler.model.scan_record import ScanRecord, ScanTrigger
from reconciler.scanning.observer import FindingObserver
from reconciler.scanning.ports import Selection
from reconciler.scanning.records import FindingRecords, NoVerdictTrail, ScanRecords, VerdictTrail
from reconciler.scanning.scanner import Progress, Scanner

# Resolving what is gone goes on in batches; past so many something is wrong with us.
BATCHES_MAX = 100_000
# What is asked before a scan must not take long: whoever waits for an answer waits for both.
BEGIN_SECONDS_MAX = 3.0
# Whoever stops a scan wants to go on.
GIVE_UP_SECONDS_MAX = 3.0


@dataclass(frozen=True, slots=True)
class RecordedScan:
    """What a scan said, and its record; `unrecorded` says why not all of it was written down."""

    report: ScanReport
    record: ScanRecord | None
    unrecorded: str | None = None


class ScanRecorder:
    """Makes scans whose beginnings, sightings and ends are written down.

    A scan says what it saw even when that cannot be written: the answer is true all the same, and
    whoever asked is told that the records are older.

    Args:
        scanner: makes the scans.
        scans: where scans are kept.
        findings: where findings are kept.
        observer: is told what became of findings, and of each scan.
        holder: who makes the scans, as records name it.
        trail: is told of each scan that ended and is recorded.
        new_id: makes the id of a scan.
    """

    def __init__(
        self,
        scanner: Scanner,
        scans: ScanRecords,
        findings: FindingRecords,
        observer: FindingObserver,
        *,
        holder: str,
        trail: VerdictTrail | None = None,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._scanner = scanner
        self._scans = scans
        self._findings = findings
        self._observer = observer
        self._holder = holder
        self._trail = trail or NoVerdictTrail()
        self._new_id = new_id

    async def scan(
        self,
        selection: Selection,
        *,
        trigger: ScanTrigger,
        token: int | None = None,
        progress: Progress | None = None,
    ) -> RecordedScan:
        """Make one scan and write it down.

        When the task is cancelled, the scan is recorded as interrupted.

        Raises:
            Fenced: another daemon took the lease over before the scan began.
        """
        scan_id = self._new_id()
        book = _Book(self._scans, self._findings, self._observer, self._trail, scan_id, selection)
        await book.open(trigger=trigger, holder=self._holder, token=token)
        try:
            report = await self._scanner.scan(
                selection.user_id,
                selection.currency,
                progress=progress,
                scan_id=scan_id,
                sink=book,
            )
        except asyncio.CancelledError:
            await book.give_up("it was interrupted", is_fault=False)
            raise
        except Exception as error:
            await book.give_up(f"a fault of ours: {type(error).__name__}", is_fault=True)
            raise
        return await book.close(report)


class _Book:
    """Writes one scan down as it goes; the first failure is kept, and nothing is written after it.

    What comes after a gap would say less than it seems to.
    """

    def __init__(
        self,
        scans: ScanRecords,
        findings: FindingRecords,
        observer: FindingObserver,
        trail: VerdictTrail,
        scan_id: str,
        selection: Selection,
    ) -> None:
        self._scans = scans
        self._findings = findings
        self._observer = observer
        self._trail = trail
        self._scan_id = scan_id
        self._selection = selection
        self._record: ScanRecord | None = None
        self._problem: str | None = None

    async def open(self, *, trigger: ScanTrigger, holder: str, token: int | None) -> None:
        """Write down that the scan begins."""
        try:
            async with asyncio.timeout(BEGIN_SECONDS_MAX):
                self._record = await self._scans.begin(
                    self._scan_id, self._selection, trigger=trigger, holder=holder, token=token
                )
        except Fenced:
            raise
        except (ReconcilerError, TimeoutError) as error:
            self._fail(error)

    async def suspected(self, sightings: Sequence[Sighting]) -> None:
        """Note what was seen once."""
        await self._note(sightings, ())

    async def decided(self, *, confirmed: Sequence[Sighting], cleared: Sequence[str]) -> None:
        """Note what was seen again, and what was seen in sync."""
        await self._note(confirmed, cleared)

    async def close(self, report: ScanReport) -> RecordedScan:
        """Resolve what a scan that looked everywhere did not see; write down how it ended."""
        if self._record is not None and self._problem is None:
            try:
                if not report.incomplete:
                    await self._resolve_unseen(self._record)
                self._record = await self._scans.finish(self._record, report)
            except ReconcilerError as error:
                self._fail(error)
            else:
                self._observer.scan_recorded(self._record)
                await self._trail.scan_ended(self._record)
                return RecordedScan(report, self._record)
        await self.give_up(f"not all of it could be recorded: {self._problem}", is_fault=True)
        return RecordedScan(report, self._record, self._problem)

    async def give_up(self, reason: str, *, is_fault: bool) -> None:
        """Write down that there is no report, if it can be done at once."""
        if self._record is None:
            return
        try:
            async with asyncio.timeout(GIVE_UP_SECONDS_MAX):
                ended = await self._scans.give_up(self._record, reason=reason, is_fault=is_fault)
        except (ReconcilerError, TimeoutError) as error:
            self._fail(error)
        else:
            self._observer.scan_recorded(ended)
            await self._trail.scan_ended(ended)

    async def _note(self, sightings: Sequence[Sighting], cleared: Sequence[str]) -> None:
        if self._record is None or self._problem is not None:
            return
        try:
            transitions = await self._findings.note(
                self._record, sightings=sightings, cleared=cleared
            )
        except ReconcilerError as error:
            self._fail(error)
        else:
            self._tell(transitions)

    async def _resolve_unseen(self, record: ScanRecord) -> None:
        for _ in range(BATCHES_MAX):
            transitions = await self._findings.resolve_unseen(record)
            if not transitions:
                return
            self._tell(transitions)
        raise RuntimeError("findings are resolved without end")

    def _tell(self, transitions: Sequence[Transition]) -> None:
        for transition in transitions:
            for change in transition.changes:
                self._observer.finding_changed(transition.finding, change, scan_id=self._scan_id)

    def _fail(self, error: ReconcilerError | TimeoutError) -> None:
        """Tell of the first failure; those that follow from it say nothing new."""
        if self._problem is not None:
            return
        self._problem = str(error) or "the database did not answer in time"
        self._observer.scan_not_recorded(
            self._scan_id, mode=self._selection.mode, reason=self._problem
        )
