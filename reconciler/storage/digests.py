"""Has the server compute the digests of all collections as of one moment, and reads them."""

import asyncio
from collections.abc import Coroutine, Hashable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import OperationFailure

from reconciler.errors import CannotLook
from reconciler.model.digest import (
    Bucket,
    Bucketing,
    Buckets,
    ByHash,
    CollectionDigest,
    Covered,
    Digest,
    Digests,
)
from reconciler.model.mapping import CollectionMapping, Mappings
from reconciler.scanning.ports import KeyRange
from reconciler.storage import elements
from reconciler.storage.bucketing import ChosenBucketing, bucket_from
from reconciler.storage.calls import Calls, Database
from reconciler.storage.digest_shape import (
    digest_pipeline,
    doubled_pipeline,
    users_of_buckets_pipeline,
    users_pipeline,
)
from reconciler.storage.elements import RawValue
from reconciler.storage.ordering import number_of, order_of
from reconciler.storage.shape import Stage

# https://github.com/mongodb/mongo/blob/r6.0.5/src/mongo/base/error_codes.yml
_NO_SUCH_OPERATOR = 168  # InvalidPipelineOperator

# So many users are looked up by their ids; a command holds 16 MB.
USERS_MAX = 20_000
USERS_BYTES_MAX = 1_000_000

_FOUND_BY_ID = frozenset({elements.STRING, elements.OBJECT_ID})

Row = Mapping[str, RawValue]

_INTEGERS = frozenset({elements.INT, elements.LONG})


class MongoDigests:
    """Computes digests within a snapshot session; without one there are none.

    Args:
        bucketing: how this scan divides users into buckets.
        salt: what is hashed with each document, unknown before the snapshot was taken.
    """

    def __init__(
        self,
        database: Database,
        mappings: Mappings,
        calls: Calls,
        session: AsyncClientSession | None,
        *,
        bucketing: ChosenBucketing,
        salt: str,
    ) -> None:
        self._database = database
        self._mappings = mappings
        self._calls = calls
        self._session = session
        # What takes longest is begun first. The source of truth has the most rules; of currencies
        # any collection can speak, because those in buckets that agree are in all.
        self._truth = mappings.truth
        others = [mapping for mapping in mappings if mapping is not self._truth]
        self._in_order = [self._truth, *others]
        self._lister = others[0]
        self._bucketing = bucketing
        self._salt = salt

    async def of(
        self, key_range: KeyRange, *, accounts: int, collections_parallel: int
    ) -> Digests | None:
        """Compute the digests of a range; None if the server has no snapshots or no operator.

        There are about so many `accounts`, by which the number of buckets is chosen;
        `collections_parallel` is how many collections are read at a time.

        Raises:
            SnapshotTooOld, ReadInterrupted, CannotLook: a collection could not be read.
        """
        if self._session is None:
            return None
        by = await self._bucketing.of(accounts)
        try:
            return await self._by(by, key_range, collections_parallel)
        except CannotLook as error:
            if _is_about(error, _NO_SUCH_OPERATOR):
                return None
            if isinstance(by, ByHash):
                raise
        # Some document is not as those of texts are, of which the server says one thing or another.
        self._bucketing.have_no_pieces()
        by = self._bucketing.without_pieces(accounts)
        return await self._by(by, key_range, collections_parallel)

    async def _by(self, by: Bucketing, key_range: KeyRange, collections_parallel: int) -> Digests:
        turns = asyncio.Semaphore(collections_parallel)
        found: dict[str, Sequence[Row]] = {}
        users: dict[Bucket, int] = {}

        async def digest(mapping: CollectionMapping) -> None:
            async with turns:
                found[mapping.name] = await self._digest(mapping, key_range, by)

        async def count_users() -> None:
            async with turns:
                pipeline = users_pipeline(self._truth, key_range, by=by)
                rows = await self._rows(self._truth, pipeline)
                users.update({bucket_from(row["_id"]): _count(row["n"]) for row in rows})

        has_unique = await self._has_unique()
        failures = await _all_done([*map(digest, self._in_order), count_users()])
        if failures:
            raise failures[0]
        covered = {
            (bucket := bucket_from(row["_id"])): Covered(
                users.get(bucket, 0), _currencies(row["c"])
            )
            for row in found[self._lister.name]
        }
        doubled = frozenset[Bucket]() if has_unique else await self._doubled(key_range, by)
        collections = {name: _digest_of(rows) for name, rows in found.items()}
        return Digests(by, collections, covered, doubled)

    async def narrowed(self, key_range: KeyRange) -> tuple[KeyRange, Sequence[RawValue]]:
        """Give a range as it is to be read, and the users in its buckets if an index finds them.

        In a later snapshot than the one of the digests there may be an id that has no piece: then
        buckets are told apart with more care.

        Raises:
            SnapshotTooOld, ReadInterrupted, CannotLook: the users could not be read.
        """
        buckets = key_range.buckets
        if buckets is None:
            return key_range, ()
        try:
            return key_range, await self._users_of(key_range, buckets)
        except CannotLook:
            if buckets.is_careful or isinstance(buckets.by, ByHash):
                raise
        careful = replace(buckets, is_careful=True)
        key_range = key_range.of_buckets(careful)
        return key_range, await self._users_of(key_range, careful)

    async def _users_of(self, key_range: KeyRange, buckets: Buckets) -> Sequence[RawValue]:
        """List the users in some buckets, whichever collection has them.

        An index finds them by their ids sooner than all documents are looked at for their buckets.
        The list is empty where that is not sure, or no gain: what a text or an ObjectId is grouped
        with is what it is equal to, and of other types that is not relied on.
        """
        users: set[RawValue | None] = set()

        async def read(mapping: CollectionMapping) -> None:
            rows = await self._rows(mapping, users_of_buckets_pipeline(mapping, key_range, buckets))
            users.update(row.get("_id") for row in rows)

        failures = await _all_done([*map(read, self._mappings)])
        if failures:
            raise failures[0]
        known = [each for each in users if each is not None and each.type_code in _FOUND_BY_ID]
        size = sum(len(each.data) for each in known)
        is_list = len(known) == len(users) <= USERS_MAX and size <= USERS_BYTES_MAX
        return known if is_list else ()

    async def _digest(
        self, mapping: CollectionMapping, key_range: KeyRange, by: Bucketing
    ) -> Sequence[Row]:
        pipeline = digest_pipeline(
            mapping,
            key_range,
            by=by,
            salt=self._salt,
            is_truth=mapping is self._truth,
            has_currencies=mapping is self._lister,
        )
        return await self._rows(mapping, pipeline)

    async def _doubled(self, key_range: KeyRange, by: Bucketing) -> frozenset[Bucket]:
        """Find the buckets of doubled accounts; where digests agree one collection is as all."""
        pipeline = doubled_pipeline(self._truth, key_range, by=by)
        rows = await self._rows(self._truth, pipeline)
        return frozenset(bucket_from(row["_id"]) for row in rows)

    async def _has_unique(self) -> bool:
        """Whether an index that is ready keeps accounts from being doubled in any collection.

        Where digests agree the collections hold the same documents, so that one speaks for all. Of
        a snapshot from before a change of the indexes the server says `SnapshotTooOld`.
        """
        for mapping in self._mappings:
            command = {"listIndexes": mapping.name, "includeBuildUUIDs": True}
            async with self._calls.bounded(mapping.name, is_quick=True):
                cursor = await self._database.cursor_command(command)
                found = await cursor.to_list()
            if any(_keeps_unique(each, mapping) for each in found):
                return True
        return False

    async def _rows(self, mapping: CollectionMapping, pipeline: Sequence[Stage]) -> Sequence[Row]:
        rows = self._calls.rows(self._database, mapping.name, pipeline, self._session)
        async with aclosing(rows):
            return [row async for row in rows]


async def _all_done(calls: Sequence[Coroutine[Any, Any, None]]) -> Sequence[Exception]:
    """Make calls at once; when one fails the others are cancelled. Give what failed."""
    try:
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(call)
    except ExceptionGroup as errors:
        return errors.exceptions
    return ()


def _keeps_unique(index: Mapping[str, Any], mapping: CollectionMapping) -> bool:
    """Whether an index refuses a second document of an account, whichever account it is."""
    keys = set(index.get("key", {}))
    return (
        bool(index.get("unique"))
        and bool(keys)
        and keys <= {mapping.account, mapping.currency}
        and "partialFilterExpression" not in index
    )


def _digest_of(rows: Sequence[Row]) -> CollectionDigest:
    return {bucket_from(row["_id"]): Digest(_count(row["n"]), _total(row["h"])) for row in rows}


def _currencies(array: RawValue) -> frozenset[Hashable]:
    """Give the currencies in an array; what is no scalar is in a bucket that does not agree."""
    values = elements.elements(array.data).values()
    return frozenset(order_of(value) for value in values if value.is_scalar)


def _count(value: RawValue) -> int:
    return int(number_of(value))


def _total(value: RawValue) -> int | None:
    """Give a sum that is an exact integer; NaN is none, and neither is a sum that lost digits."""
    return _count(value) if value.type_code in _INTEGERS else None


def _is_about(error: CannotLook, code: int) -> bool:
    cause = error.__cause__
    return isinstance(cause, OperationFailure) and cause.code == code
