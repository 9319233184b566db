"""Writes down what the watch has confirmed or seen in sync again, as scans do: numbered and fenced.

A check of accounts of which nothing is to be told leaves no record.
"""

import uuid
from collections.abc import Awaitable, Callable, Sequence

from reconciler.errors import Fenced, ReconcilerError
from reconciler.model.finding import Sighting
from reconciler.model.report import Consistency, ScanMode, ScanReport
from reconciler.model.scan_record import ScanRecord, ScanTrigger
from reconciler.scanning.observer import FindingObserver, ScanObserver
from reconciler.scanning.ports import Selection
from reconciler.scanning.records import ScanRecords, VerdictTrail
from reconciler.watching.ports import WatchedFindings

# Told of what was seen and is not written down, or, with None, that something was written down.
Told = Callable[[ScanReport | None], Awaitable[None]]


class WatchRecorder:
    """Records the checks of one daemon.

    Args:
        scans: where scans are kept.
        findings: where findings are kept.
        observer: is told what became of findings.
        scan_observer: is told of each check that is recorded.
        trail: is told of each, too.
        holder: who makes the checks, as records name it.
        told: is told what others must know at once.
        new_id: makes the id of a check.
    """

    def __init__(
        self,
        scans: ScanRecords,
        findings: WatchedFindings,
        observer: FindingObserver,
        scan_observer: ScanObserver,
        trail: VerdictTrail,
        *,
        holder: str,
        told: Told,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._scans = scans
        self._findings = findings
        self._observer = observer
        self._scan_observer = scan_observer
        self._trail = trail
        self._holder = holder
        self._told = told
        self._new_id = new_id

    async def begin(self, *, token: int) -> ScanRecord:
        """Number a check; what it reads must be read after this.

        Raises:
            Fenced, ReadInterrupted, CannotLook: it could not be written.
        """
        scan_id = self._new_id()
        record = await self._scans.begin(
            scan_id,
            Selection(),
            trigger=ScanTrigger.WATCH,
            holder=self._holder,
            token=token,
            mode=ScanMode.WATCH,
        )
        self._scan_observer.scan_started(
            scan_id, mode=ScanMode.WATCH, consistency=Consistency.SNAPSHOT
        )
        return record

    async def record(
        self,
        record: ScanRecord,
        report: ScanReport,
        *,
        confirmed: Sequence[Sighting],
        cleared: Sequence[str],
    ) -> None:
        """Write down what was decided, and how the check ended.

        Raises:
            Fenced: another daemon leads; it goes on from what was stored.
            ReadInterrupted, CannotLook, DatabaseUnavailable: not all of it could be written.
        """
        self._scan_observer.scan_finished(report)
        try:
            transitions = await self._findings.note(record, sightings=confirmed, cleared=cleared)
            for transition in transitions:
                for change in transition.changes:
                    self._observer.finding_changed(
                        transition.finding, change, scan_id=record.scan_id
                    )
            ended = await self._scans.finish(record, report)
        except ReconcilerError as error:
            self._observer.scan_not_recorded(record.scan_id, mode=ScanMode.WATCH, reason=str(error))
            if not isinstance(error, Fenced):
                await self._told(report)
            raise
        self._observer.scan_recorded(ended)
        await self._trail.scan_ended(ended)
        await self._told(None)
