"""The collection `integrity_scans`: every scan with its number, who made it, and how it ended.

A scan that is made under the lease can write only while its record says `running` and the lease has
gone to nobody else: whoever takes the lease over marks what still runs under it as interrupted.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession

from reconciler.errors import Fenced
from reconciler.model.report import ScanMode, ScanReport
from reconciler.model.scan_record import ScanPage, ScanRecord, ScanState, ScanTrigger
from reconciler.scanning.ports import Selection
from reconciler.storage.calls import Calls
from reconciler.storage.finding_documents import milliseconds
from reconciler.storage.leasing import LEASES, is_fenced
from reconciler.storage.scan_documents import ended_fields, scan_of, started_document
from reconciler.storage.transactions import WRITE_SECONDS_MAX, Database, own_records

SCANS = "integrity_scans"
# A document of its own beside the lease: how many scans there were, and how often anything changed.
COUNTER = "scans"
# A scan without a lease that has said nothing for so long has no process any more.
ABANDONED_AFTER = timedelta(days=1)


class MongoRecordedScans:
    """Numbers scans and writes down how they end.

    Args:
        database: where the collections are.
        history_days: how long a record is kept.
        now: the time of day.
    """

    def __init__(
        self,
        database: Database,
        *,
        history_days: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = own_records(database)
        self._scans = self._database[SCANS]
        self._history = timedelta(days=history_days)
        self._now = now

    async def begin(
        self,
        scan_id: str,
        selection: Selection,
        *,
        trigger: ScanTrigger,
        holder: str,
        token: int | None,
        mode: ScanMode | None = None,
    ) -> ScanRecord:
        """Number a scan and write down that it runs.

        Raises:
            ReadInterrupted, CannotLook: it could not be written.
            Fenced: the lease has gone to another holder.
        """
        async with self._bounded(is_write=True):
            if token is not None:
                if await is_fenced(self._database, token, None):
                    raise _fenced(scan_id)
                # One holder makes one scan at a time, and its watch one check beside that: what it
                # has left running of the same sort is no more.
                is_watch = mode is ScanMode.WATCH
                alike = ScanMode.WATCH.value if is_watch else {"$ne": ScanMode.WATCH.value}
                await self._interrupt({"token": token, "mode": alike})
            record = ScanRecord(
                scan_id=scan_id,
                sequence=await self._next_sequence(),
                mode=mode or selection.mode,
                user_id=selection.user_id,
                currency=selection.currency,
                trigger=trigger,
                holder=holder,
                token=token,
                state=ScanState.RUNNING,
                started_at=milliseconds(self._now()),
            )
            await self._scans.insert_one(started_document(record, history=self._history))
        return record

    async def hold(self, record: ScanRecord, session: AsyncClientSession | None) -> None:
        """Make sure, within a transaction, that the scan may still write.

        Raises:
            Fenced: it may not; the transaction must be given up.
        """
        if record.token is not None and await is_fenced(self._database, record.token, session):
            raise _fenced(record.scan_id)
        # A write, so that whoever marks the record as interrupted meanwhile is in conflict with it.
        held = await self._scans.update_one(
            {"_id": record.scan_id, "state": ScanState.RUNNING.value},
            {"$set": {"written_at": self._now()}},
            session=session,
        )
        if not held.matched_count:
            raise _fenced(record.scan_id)

    async def newest_sequence(self, session: AsyncClientSession | None) -> int:
        """Give the number of the scan that began last, in the caller's transaction and bounds."""
        counter = await self._database[LEASES].find_one({"_id": COUNTER}, session=session)
        return 0 if counter is None else int(counter["sequence"])

    async def finish(self, record: ScanRecord, report: ScanReport) -> ScanRecord:
        """Write down what a scan said.

        Raises:
            ReadInterrupted, CannotLook: it could not be written.
            Fenced: another daemon has marked the scan as interrupted.
        """
        ended_at = milliseconds(self._now())
        await self._end(record, ScanState.FINISHED, ended_at, reason=None, report=report)
        return replace(record, state=ScanState.FINISHED, ended_at=ended_at, report=report)

    async def give_up(self, record: ScanRecord, *, reason: str, is_fault: bool) -> ScanRecord:
        """Write down that a scan ended without a report.

        Raises:
            ReadInterrupted, CannotLook, Fenced: as `finish`.
        """
        ended_at = milliseconds(self._now())
        state = ScanState.FAILED if is_fault else ScanState.INTERRUPTED
        await self._end(record, state, ended_at, reason=reason, report=None)
        return replace(record, state=state, ended_at=ended_at, reason=reason)

    async def interrupt_orphans(self, *, token: int) -> int:
        """Mark what cannot be running any more as interrupted; give how many that were.

        That is what runs under smaller tokens, and what began without a lease a day ago.
        """
        long_ago = self._now() - ABANDONED_AFTER
        orphaned = {
            "$or": [{"token": {"$lt": token}}, {"token": None, "started_at": {"$lt": long_ago}}]
        }
        async with self._bounded(is_write=True):
            return await self._interrupt(orphaned)

    async def last_full(self) -> ScanRecord | None:
        """Give the youngest full scan that ended with a report."""
        wanted = {"mode": ScanMode.FULL.value, "state": ScanState.FINISHED.value}
        async with self._bounded():
            document = await self._scans.find_one(wanted, sort=[("sequence", -1)])
        return None if document is None else scan_of(document)

    async def scans(self, *, before: int | None, limit: int) -> ScanPage:
        """List scans, the youngest first, those numbered below `before`."""
        wanted = {} if before is None else {"sequence": {"$lt": before}}
        async with self._bounded():
            found = self._scans.find(wanted).sort("sequence", -1).limit(limit + 1)
            documents = await found.to_list()
        scans = tuple(scan_of(document) for document in documents[:limit])
        return ScanPage(scans, scans[-1].sequence if len(documents) > limit else None)

    async def revision(self) -> int:
        """Give a number that grows with each change of scans or findings."""
        async with self._bounded():
            counter = await self._database[LEASES].find_one({"_id": COUNTER})
        return 0 if counter is None else int(counter["revision"])

    async def changed(self) -> None:
        """Count a change, so that every daemon reads anew."""
        async with self._bounded(is_write=True):
            await self._database[LEASES].update_one(
                {"_id": COUNTER}, {"$inc": {"revision": 1}}, upsert=True
            )

    async def _interrupt(self, which: Mapping[str, Any]) -> int:
        ended = ended_fields(
            state=ScanState.INTERRUPTED,
            ended_at=milliseconds(self._now()),
            reason="its process ended or lost the lease while it ran",
            report=None,
        )
        running = {"state": ScanState.RUNNING.value, **which}
        done = await self._scans.update_many(running, {"$set": ended})
        return done.modified_count

    async def _next_sequence(self) -> int:
        counter = await self._database[LEASES].find_one_and_update(
            {"_id": COUNTER},
            {"$inc": {"sequence": 1, "revision": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        assert counter is not None, "an upsert gives what it wrote"
        return int(counter["sequence"])

    async def _end(
        self,
        record: ScanRecord,
        state: ScanState,
        ended_at: datetime,
        *,
        reason: str | None,
        report: ScanReport | None,
    ) -> None:
        fields = ended_fields(state=state, ended_at=ended_at, reason=reason, report=report)
        async with self._bounded(is_write=True):
            if record.token is not None and await is_fenced(self._database, record.token, None):
                raise _fenced(record.scan_id)
            ended = await self._scans.update_one(
                {"_id": record.scan_id, "state": ScanState.RUNNING.value}, {"$set": fields}
            )
        if not ended.matched_count:
            raise _fenced(record.scan_id)
        await self.changed()

    def _bounded(self, *, is_write: bool = False) -> AbstractAsyncContextManager[None]:
        calls = Calls(deadline_seconds=WRITE_SECONDS_MAX)
        return calls.bounded("the records of scans", is_write=is_write)


def _fenced(scan_id: str) -> Fenced:
    return Fenced(
        f"the scan {scan_id} was cut off for too long: another daemon has taken its place, and "
        "what it still wanted to write was refused"
    )
