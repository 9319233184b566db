"""Finds out what became of an op_id, and settles it for ever where nobody can know."""

import asyncio
from datetime import datetime

import pymongo
from pymongo import ReadPreference
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from reconciler.errors import DatabaseUnavailable
from reconciler.model.schema import JOURNAL
from reconciler.sync.journal import is_void, void_entry
from reconciler.sync.results import Outcome
from reconciler.sync.transaction import BINARY_ORDER, CODEC_OPTIONS, Document

_PAUSE_SECONDS = 0.02


class Settlement:
    """Asks the journal about op_ids, and writes the fence that keeps one from being applied."""

    def __init__(self, database: AsyncDatabase[Document], *, deadline_seconds: float) -> None:
        self._deadline_seconds = deadline_seconds
        self._journal = database[JOURNAL].with_options(
            codec_options=CODEC_OPTIONS,
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern("majority"),
        )

    async def outcome(self, op_id: str) -> Outcome:
        """Say what the journal knows of an op_id.

        Raises:
            DatabaseUnavailable: the journal could not be read in time.
        """
        try:
            with pymongo.timeout(self._deadline_seconds):
                return await self._read(op_id)
        except PyMongoError as error:
            raise DatabaseUnavailable(f"the journal could not be asked about {op_id!r}") from error

    async def settle(self, op_id: str, now: datetime) -> Outcome:
        """Decide an op_id now: applied if it was, else void for ever.

        The void entry is written outside any transaction. If one with the same op_id is still open,
        the server makes this insert wait for its end: either it commits, and the unique index
        refuses the insert, or it is undone, and can never be committed any more.

        `Outcome.UNKNOWN` means that this could not be done in time; settle again.

        Raises:
            DatabaseUnavailable: the journal could not be read in time.
        """
        known = await self.outcome(op_id)
        if known is not Outcome.UNKNOWN:
            return known
        try:
            with pymongo.timeout(self._deadline_seconds):
                return await self._fence(op_id, now)
        except PyMongoError:
            return await self.outcome(op_id)

    async def _fence(self, op_id: str, now: datetime) -> Outcome:
        try:
            await self._journal.insert_one(void_entry(op_id, now))
        except DuplicateKeyError:
            # It is there, though perhaps not yet on a majority, which is what the read waits for.
            known = Outcome.UNKNOWN
            while known is Outcome.UNKNOWN:
                await asyncio.sleep(_PAUSE_SECONDS)
                known = await self._read(op_id)
            return known
        return Outcome.VOID

    async def _read(self, op_id: str) -> Outcome:
        entry = await self._journal.find_one({"op_id": {"$eq": op_id}}, collation=BINARY_ORDER)
        if entry is None:
            return Outcome.UNKNOWN
        return Outcome.VOID if is_void(entry) else Outcome.APPLIED
