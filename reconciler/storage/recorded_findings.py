"""The collection `integrity_findings`: what became of every mismatch, decided by the model."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import InsertOne, ReplaceOne
from pymongo.asynchronous.client_session import AsyncClientSession

from reconciler.model.finding import (
    Finding,
    FindingFilter,
    FindingPage,
    FindingState,
    ScanStamp,
    Sighting,
    Transition,
    in_sync,
    sighted,
)
from reconciler.model.mapping import Mappings
from reconciler.model.scan_record import ScanRecord
from reconciler.storage.calls import Calls
from reconciler.storage.finding_documents import (
    TEXT_CHARACTERS_MAX,
    finding_document,
    finding_of,
    milliseconds,
    storable,
)
from reconciler.storage.recorded_scans import MongoRecordedScans
from reconciler.storage.selection import types_meant
from reconciler.storage.transactions import (
    WRITE_SECONDS_MAX,
    Database,
    Transactions,
    own_records,
)

FINDINGS = "integrity_findings"
# So many findings are changed in one transaction.
BATCH_FINDINGS = 500

_WHAT = "the findings"

Clock = Callable[[], datetime]
Work = Callable[[AsyncClientSession | None], Awaitable[Sequence[Transition]]]


class MongoRecordedFindings:
    """Changes findings in the name of a running scan, and lists them.

    Args:
        database: where the collections are.
        scans: says whether a scan may still write.
        mappings: by which a drift is measured.
        history_days: how long a finding is kept after it was resolved.
        now: the time of day.
    """

    def __init__(
        self,
        database: Database,
        scans: MongoRecordedScans,
        mappings: Mappings,
        *,
        history_days: int,
        now: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self._findings = own_records(database)[FINDINGS]
        self._transactions = Transactions(database)
        self._scans = scans
        self._mappings = mappings
        self._history = timedelta(days=history_days)
        self._now = now

    async def note(
        self, record: ScanRecord, *, sightings: Sequence[Sighting], cleared: Sequence[str]
    ) -> Sequence[Transition]:
        """Write down what a scan saw; give what became of the findings.

        Raises:
            ReadInterrupted, CannotLook, DatabaseUnavailable: it could not be written.
            Fenced: the scan may write no more.
        """
        stamp = self._stamp(record)
        by_key = {sighting.key: sighting for sighting in sightings}

        async def work(session: AsyncClientSession | None) -> Sequence[Transition]:
            await self._scans.hold(record, session)
            last = await self._last([*by_key, *cleared], session)
            wanted = [
                sighted(last.get(key), sighting, stamp, self._mappings)
                for key, sighting in by_key.items()
            ]
            wanted += [in_sync(last[key], stamp) for key in cleared if key in last]
            return await self._write(wanted, last, session)

        return await self._changing(work)

    async def resolve_unseen(self, record: ScanRecord) -> Sequence[Transition]:
        """Resolve some open findings that a scan which looked everywhere did not see.

        Raises:
            ReadInterrupted, CannotLook, DatabaseUnavailable, Fenced: as `note`.
        """
        stamp = self._stamp(record)
        wanted: dict[str, Any] = {"open": True, "sequence": {"$lt": record.sequence}}
        # An older scan that was still at work may have looked after this one did.
        wanted["noted_during"] = {"$not": {"$gte": record.sequence}}
        for field, text in (("user_id", record.user_id), ("currency", record.currency)):
            if text is not None:
                wanted |= _meant(field, text)

        async def work(session: AsyncClientSession | None) -> Sequence[Transition]:
            await self._scans.hold(record, session)
            found = self._findings.find(wanted, session=session).limit(BATCH_FINDINGS)
            last = [finding_of(document) for document in await found.to_list()]
            gone = [in_sync(finding, stamp) for finding in last]
            return await self._write(gone, {each.key: each for each in last}, session)

        return await self._changing(work)

    async def findings(
        self, wanted: FindingFilter, *, after: str | None, limit: int
    ) -> FindingPage:
        """List findings in the order of their ids, those after an id."""
        conditions: dict[str, Any] = {}
        if wanted.state is not None:
            conditions["state"] = wanted.state.value
        if wanted.kind is not None:
            conditions["kind"] = wanted.kind.value
        if wanted.currency is not None:
            conditions["currency"] = storable(wanted.currency)
        if after is not None:
            conditions["_id"] = {"$gt": after}
        async with Calls(deadline_seconds=WRITE_SECONDS_MAX).bounded(_WHAT):
            found = self._findings.find(conditions).sort("_id", 1).limit(limit + 1)
            documents = await found.to_list()
        page = tuple(finding_of(document) for document in documents[:limit])
        return FindingPage(page, page[-1].finding_id if len(documents) > limit else None)

    async def finding(self, finding_id: str) -> Finding | None:
        """Give one finding."""
        async with Calls(deadline_seconds=WRITE_SECONDS_MAX).bounded(_WHAT):
            document = await self._findings.find_one({"_id": {"$eq": finding_id}})
        return None if document is None else finding_of(document)

    async def open_among(self, keys: Sequence[str]) -> Mapping[str, FindingState]:
        """Tell which of these keys have an open finding, and its state."""
        async with Calls(deadline_seconds=WRITE_SECONDS_MAX).bounded(_WHAT):
            # Mostly nothing is wrong with anybody, and then this is all that is asked.
            if await self._findings.find_one({"open": True}, {"_id": 1}) is None:
                return {}
            wanted = {"key": {"$in": list(keys)}, "open": True}
            found = self._findings.find(wanted, {"key": 1, "state": 1})
            return {each["key"]: FindingState(each["state"]) async for each in found}

    def _stamp(self, record: ScanRecord) -> ScanStamp:
        return ScanStamp(record.scan_id, record.sequence, milliseconds(self._now()))

    async def _changing(self, work: Work) -> Sequence[Transition]:
        transitions = await self._transactions.run(_WHAT, work)
        if transitions:
            await self._scans.changed()
        return transitions

    async def _last(
        self, keys: Iterable[str], session: AsyncClientSession | None
    ) -> dict[str, Finding]:
        """Give the latest finding of each key that has one: ids of a key sort by their episode."""
        found = self._findings.find({"key": {"$in": list(keys)}}, session=session).sort("_id", 1)
        latest: dict[str, Finding] = {}
        async for document in found:
            latest[document["key"]] = finding_of(document)
        return latest

    async def _write(
        self,
        transitions: Iterable[Transition | None],
        last: Mapping[str, Finding],
        session: AsyncClientSession | None,
    ) -> Sequence[Transition]:
        made = [transition for transition in transitions if transition is not None]
        if made:
            during = await self._scans.newest_sequence(session)
            await self._findings.bulk_write(
                [
                    self._operation(each.finding, last.get(each.finding.key), during)
                    for each in made
                ],
                ordered=True,
                session=session,
            )
        return made

    def _operation(
        self, finding: Finding, last: Finding | None, during: int
    ) -> InsertOne[dict[str, Any]] | ReplaceOne[dict[str, Any]]:
        document = finding_document(finding) | {"noted_during": during}
        if finding.resolved_at is not None:
            document["expires_at"] = finding.resolved_at + self._history
        if last is None or last.episode != finding.episode:
            return InsertOne(document)
        # Without a transaction (a standalone server) this alone keeps an older scan from it.
        newer = {"_id": finding.finding_id, "sequence": {"$lte": finding.sequence}}
        return ReplaceOne(newer, document)


def _meant(field: str, text: str) -> Mapping[str, Any]:
    """Select what a scan narrowed to this text has looked at for certain.

    What is kept of an id may be cut or escaped, and then stands for more than one; that, and types
    of which the scan saw only some values, are left to the next full scan.
    """
    is_whole = len(text) <= TEXT_CHARACTERS_MAX and storable(text) == text and "\\" not in text
    types = types_meant(text) if is_whole else ()
    return {field: storable(text), f"{field}_type": {"$in": list(types)}}
