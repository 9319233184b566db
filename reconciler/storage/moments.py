"""One moment of the balance collections: a snapshot session, or plain reads without one."""

import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Protocol

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.cursor import AsyncRawBatchCursor
from pymongo.errors import OperationFailure

from reconciler.errors import ReconcilerError
from reconciler.model.copies import Copy
from reconciler.model.digest import Digests
from reconciler.model.identity import Account
from reconciler.model.mapping import CollectionMapping, Mappings
from reconciler.scanning.ports import KeyRange, Portion, SeenKey, SeenView, Selection
from reconciler.storage.calls import Calls, Database, next_batch
from reconciler.storage.digests import MongoDigests
from reconciler.storage.elements import RawValue
from reconciler.storage.finding import MongoFinding
from reconciler.storage.lookup import Lookup, in_portions
from reconciler.storage.merging import Merge
from reconciler.storage.selection import conditions, string
from reconciler.storage.shape import SIMPLE_COLLATION, Stage, full_projection, one_of, scan_pipeline
from reconciler.storage.streams import RawStream
from reconciler.storage.wire import account_from, copy_from

BATCH_DOCUMENTS = 5_000
LOOKUP_KEYS_MAX = 200
# A command holds 16 MB, and an id may be that long by itself.
LOOKUP_BYTES_MAX = 1_000_000

IN_STORED_ORDER: Stage = {"$natural": 1}

_BAD_VALUE = 2
_PARALLEL_ARRAYS = "parallel arrays"


class MongoMoment:
    """Reads within one session; `session` is None where the server has no snapshots.

    Without `digests` none are computed.
    """

    def __init__(
        self,
        database: Database,
        mappings: Mappings,
        calls: Calls,
        session: AsyncClientSession | None,
        *,
        batch_documents: int = BATCH_DOCUMENTS,
        digests: MongoDigests | None = None,
    ) -> None:
        self._database = database
        self._mappings = mappings
        self._calls = calls
        self._session = session
        self._batch_documents = batch_documents
        self._digests = digests

    async def digests(
        self, key_range: KeyRange, *, accounts: int, collections_parallel: int
    ) -> Digests | None:
        """Have the digests of a range computed; None if the server cannot.

        Raises:
            SnapshotTooOld, ReadInterrupted, CannotLook: a collection could not be read.
        """
        if self._digests is None:
            return None
        return await self._digests.of(
            key_range, accounts=accounts, collections_parallel=collections_parallel
        )

    async def portions(
        self, key_range: KeyRange, selection: Selection
    ) -> AsyncGenerator[Portion, None]:
        """Merge the collections within a range.

        Raises:
            SnapshotTooOld, ReadInterrupted, CannotLook: what was given until then stands.
        """
        users: Sequence[RawValue] = ()
        if self._digests is not None:
            key_range, users = await self._digests.narrowed(key_range)
        batches = [self._batches(each, key_range, selection, users) for each in self._mappings]
        streams = [
            RawStream(name, each.next)
            for name, each in zip(self._mappings.names, batches, strict=True)
        ]
        async with contextlib.AsyncExitStack() as stack:
            for each, stream in zip(batches, streams, strict=True):
                stack.push_async_callback(each.close)
                stack.push_async_callback(stream.stop)
                stream.start()
            merged = await stack.enter_async_context(contextlib.aclosing(Merge(streams).portions()))
            async for portion in merged:
                yield portion

    async def views(self, keys: Sequence[SeenKey]) -> AsyncGenerator[SeenView, None]:
        """Read in full what was seen before.

        Raises:
            SnapshotTooOld, ReadInterrupted, CannotLook: what was given until then stands.
        """
        for some in in_portions(keys, LOOKUP_KEYS_MAX, LOOKUP_BYTES_MAX):
            lookup = Lookup(self._mappings, some)
            for mapping, pipeline in lookup.pipelines():
                rows = self._calls.rows(self._database, mapping.name, pipeline, self._session)
                async with contextlib.aclosing(rows):
                    async for fields in rows:
                        lookup.add(mapping.name, fields)
            for view in lookup.views():
                yield view

    async def copies_of(
        self, user_id: str, mapping: CollectionMapping
    ) -> AsyncGenerator[tuple[Account, Copy], None]:
        """Read one collection's documents of the user whose id is this string, each with its names.

        Raises:
            SnapshotTooOld, ReadInterrupted, CannotLook: what was given until then stands.
        """
        pipeline = [
            {"$match": one_of(mapping.account, [string(user_id)])},
            full_projection(mapping),
        ]
        rows = self._calls.rows(self._database, mapping.name, pipeline, self._session)
        async with contextlib.aclosing(rows):
            async for fields in rows:
                yield account_from(fields), copy_from(fields)

    def finding(self, collection: str) -> MongoFinding:
        """Give what finds single documents of a collection as of this moment."""
        return MongoFinding(self._database[collection], self._calls, self._session)

    def _batches(
        self,
        mapping: CollectionMapping,
        key_range: KeyRange,
        selection: Selection,
        users: Sequence[RawValue],
    ) -> "_Batches":
        def pipeline(*, is_projected_first: bool) -> list[Stage]:
            selected = [*conditions(mapping, selection)]
            if users:
                # An array that holds one of them is found as well: the buckets are asked beside.
                selected.append(one_of(mapping.account, users))
            return scan_pipeline(
                mapping, key_range, selected, is_projected_first=is_projected_first
            )

        return _Batches(
            self._database[mapping.name],
            pipeline,
            self._calls,
            self._session,
            self._batch_documents,
            # The few documents of some buckets are sorted sooner than an index is walked for them.
            hint=IN_STORED_ORDER if key_range.buckets and not users else None,
        )


class _Pipeline(Protocol):
    def __call__(self, *, is_projected_first: bool) -> list[Stage]: ...


class _Batches:
    """The batches of one collection, from a cursor that is opened when the first is asked for."""

    def __init__(
        self,
        collection: AsyncCollection[dict[str, Any]],
        pipeline: _Pipeline,
        calls: Calls,
        session: AsyncClientSession | None,
        batch_documents: int,
        *,
        hint: Stage | None,
    ) -> None:
        self._collection = collection
        self._pipeline = pipeline
        self._calls = calls
        self._session = session
        self._batch_documents = batch_documents
        self._hint = hint
        self._cursor: AsyncRawBatchCursor[dict[str, Any]] | None = None
        self._is_projected_first = False
        self._has_given = False

    async def next(self) -> bytes | None:
        """Give the next batch, or None when there is none."""
        async with self._calls.bounded(self._collection.name):
            try:
                batch = await self._next()
            except OperationFailure as error:
                # The server sorts before it gives anything, so that this comes first or never.
                if self._has_given or not _is_about_parallel_arrays(error):
                    raise
                self._cursor = None
                self._is_projected_first = True
                batch = await self._next()
        self._has_given |= bool(batch)
        return batch

    async def close(self) -> None:
        """Tell the server that no more is wanted, if it can be told."""
        if self._cursor is not None:
            with contextlib.suppress(ReconcilerError):
                async with self._calls.bounded(self._collection.name, is_quick=True):
                    await self._cursor.close()

    async def _next(self) -> bytes | None:
        if self._cursor is None:
            self._cursor = await self._collection.aggregate_raw_batches(
                self._pipeline(is_projected_first=self._is_projected_first),
                session=self._session,
                collation=SIMPLE_COLLATION,
                allowDiskUse=True,
                maxTimeMS=self._calls.milliseconds_max,
                batchSize=self._batch_documents,
                **({"hint": self._hint} if self._hint else {}),
            )
        return await next_batch(self._cursor)


def _is_about_parallel_arrays(error: OperationFailure) -> bool:
    """Whether a document keeps the server from sorting: its id and its currency are arrays."""
    return error.code == _BAD_VALUE and _PARALLEL_ARRAYS in str(error)
