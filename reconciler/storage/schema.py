"""Makes the collections and unique indexes that are needed, and says what is there."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pymongo.errors import CollectionInvalid, DuplicateKeyError, OperationFailure

from reconciler.model.mapping import Mappings
from reconciler.model.schema import (
    JOURNAL,
    TRADES,
    CollectionReport,
    IndexReport,
    IndexState,
    RequiredIndex,
    SchemaReport,
    required_indexes,
)
from reconciler.storage.calls import Calls, Database
from reconciler.storage.duplicates import doubled_accounts
from reconciler.storage.record_indexes import make_record_indexes, missing_record_indexes
from reconciler.storage.server import Server, ServerKind, probe
from reconciler.storage.shape import SIMPLE_COLLATION
from reconciler.storage.validators import Validators
from reconciler.storage.wire import CODEC_OPTIONS

# Building an index on a large collection takes minutes; this is where it is given up.
BUILD_SECONDS_MAX = 3_600.0
LOOK_SECONDS_MAX = 30.0

_NAMESPACE_EXISTS = 48
_NO_SUCH_COLLECTION = 26
_INDEX_CONFLICTS = {85, 86}  # IndexOptionsConflict, IndexKeySpecsConflict
_PARALLEL_ARRAYS = 171

Index = Mapping[str, Any]


class Schema:
    """The schema of one database. `init` is safe to repeat, and to run twice at once."""

    def __init__(
        self,
        database: Database,
        mappings: Mappings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._mappings = mappings
        self._monotonic = monotonic
        self._names = (*mappings.names, JOURNAL)

    async def init(self) -> SchemaReport:
        """Make what is missing; what cannot be made is reported, and the rest made all the same.

        Raises:
            DatabaseUnavailable, CannotLook, ReadInterrupted: the server could not be asked.
        """
        calls = self._calls(BUILD_SECONDS_MAX)
        server = await probe(self._database.client)
        present = await self._present(calls)
        # Within a transaction a collection cannot be made everywhere: on several shards, say.
        for name in (*self._names, TRADES):
            if name not in present:
                await self._create(calls, name)
        indexes = [await self._ensure(calls, wanted) for wanted in required_indexes(self._mappings)]
        await make_record_indexes(self._database, calls)
        return await self._report(self._calls(LOOK_SECONDS_MAX), server, indexes)

    async def status(self) -> SchemaReport:
        """Say what is there, and change nothing.

        Raises:
            DatabaseUnavailable, CannotLook, ReadInterrupted: the server could not be asked.
        """
        calls = self._calls(LOOK_SECONDS_MAX)
        server = await probe(self._database.client)
        indexes = []
        for wanted in required_indexes(self._mappings):
            found = serving(await self._indexes(calls, wanted.collection), wanted)
            state = IndexState.PRESENT if found else IndexState.MISSING
            indexes.append(IndexReport(wanted, state))
        report = await self._report(calls, server, indexes)
        guards = await Validators(self._database, self._mappings).look(seconds_max=LOOK_SECONDS_MAX)
        return dataclasses.replace(report, validators=guards)

    def _calls(self, seconds: float) -> Calls:
        return Calls(deadline_seconds=seconds, call_seconds_max=seconds, monotonic=self._monotonic)

    async def _present(self, calls: Calls) -> list[str]:
        async with calls.bounded("the list of collections"):
            return await self._database.list_collection_names(authorizedCollections=True)

    async def _create(self, calls: Calls, name: str) -> None:
        async with calls.bounded(name, is_write=True):
            try:
                await self._database.create_collection(name)
            except CollectionInvalid:
                return  # somebody else was faster
            except OperationFailure as error:
                if error.code != _NAMESPACE_EXISTS:
                    raise

    async def _ensure(self, calls: Calls, wanted: RequiredIndex) -> IndexReport:
        if serving(await self._indexes(calls, wanted.collection), wanted):
            return IndexReport(wanted, IndexState.PRESENT)
        async with calls.bounded(wanted.collection, is_write=True):
            try:
                await self._make(wanted)
            except DuplicateKeyError:
                pass  # told below, by account
            except OperationFailure as error:
                detail = _obstacle(error, wanted)
                if detail is None:
                    raise
                return IndexReport(wanted, IndexState.BLOCKED, detail=detail)
            else:
                return IndexReport(wanted, IndexState.MADE)
        return await self._blocked_by_duplicates(calls, wanted)

    async def _make(self, wanted: RequiredIndex) -> None:
        """Make an index.

        As a command of its own: the driver's method fails on a refusal that quotes a value which
        it cannot decode, as a date past the year 9999.
        """
        index = {
            "key": dict.fromkeys(wanted.fields, 1),
            "name": wanted.name,
            "unique": True,
            "sparse": wanted.sparse,
            "collation": SIMPLE_COLLATION,
        }
        await self._database.command(
            {"createIndexes": wanted.collection, "indexes": [index]}, codec_options=CODEC_OPTIONS
        )

    async def _blocked_by_duplicates(self, calls: Calls, wanted: RequiredIndex) -> IndexReport:
        if wanted.collection == JOURNAL:
            detail = f"journal entries have the same {', '.join(wanted.fields)}: call for help"
            return IndexReport(wanted, IndexState.BLOCKED, detail=detail)
        found, count = await doubled_accounts(
            calls, self._database, self._mappings[wanted.collection]
        )
        detail = "" if count else "documents share a value in ids or currencies that are arrays"
        return IndexReport(wanted, IndexState.BLOCKED, found, count, detail)

    async def _indexes(self, calls: Calls, collection: str) -> list[Index]:
        async with calls.bounded(collection):
            try:
                # One that is still being built keeps nothing unique; asked so, it is told apart.
                listed = await self._database.command(
                    {"listIndexes": collection, "includeBuildUUIDs": True}
                )
                found = listed["cursor"]["firstBatch"]
                return [dict(index) for index in found if "buildUUID" not in index]
            except OperationFailure as error:
                if error.code != _NO_SUCH_COLLECTION:
                    raise
                return []

    async def _report(
        self, calls: Calls, server: Server, indexes: Sequence[IndexReport]
    ) -> SchemaReport:
        present = await self._present(calls)
        warnings = []
        for each in indexes:
            found = await self._indexes(calls, each.index.collection)
            warnings += warnings_about(found, each.index)
        if lacking := await missing_record_indexes(self._database, calls):
            places = ", ".join(f"{each.collection} {each.name}" for each in lacking)
            warnings.append(
                f"records of scans and findings are slow to read without these indexes: {places}; "
                "`reconciler db init` makes them, and so does the daemon"
            )
        if server.kind is ServerKind.STANDALONE:
            warnings.append(
                "this is a standalone server: no posting can be made on it, and checks are reduced"
            )
        collections = [await self._collection(calls, name, present) for name in self._names]
        return SchemaReport(
            server=f"MongoDB {server.version}, {server.kind.value.replace('_', ' ')}",
            collections_missing=tuple(n for n in self._mappings.names if n not in present),
            indexes=tuple(indexes),
            warnings=tuple(warnings),
            collections=tuple(collections),
        )

    async def _collection(
        self, calls: Calls, name: str, present: Sequence[str]
    ) -> CollectionReport:
        if name not in present:
            return CollectionReport(name, exists=False)
        async with calls.bounded(name):
            count = await self._database[name].estimated_document_count()
        return CollectionReport(name, exists=True, documents_estimated=count)


def serving(indexes: Sequence[Index], wanted: RequiredIndex) -> Index | None:
    """Find an index that keeps the same documents unique, whatever its name."""
    return next((index for index in indexes if not _shortcomings(index, wanted)), None)


def warnings_about(indexes: Sequence[Index], wanted: RequiredIndex) -> list[str]:
    """Say which indexes on the fields do not do what they seem to, and what to do about it."""
    told = []
    serves = serving(indexes, wanted)
    place = f"{wanted.collection} ({', '.join(wanted.fields)})"
    for index in indexes:
        shortcomings = _shortcomings(index, wanted) if _is_about(index, wanted) else []
        if shortcomings:
            told.append(
                f"the index {index['name']} on {place} is {' and '.join(shortcomings)}, so that "
                f"doubles are possible in spite of it: `reconciler db init` makes {wanted.name} "
                "beside it, after which it can be dropped"
            )
    is_in_order = serves is not None and _sorts(serves, wanted)
    if serves is not None and not is_in_order and wanted.collection != JOURNAL:
        told.append(
            f"the index {serves['name']} on {place} has its fields in an order by which scans "
            f"cannot read, which makes them slow: create one on ({', '.join(wanted.fields)})"
        )
    return told


def _is_about(index: Index, wanted: RequiredIndex) -> bool:
    return set(index["key"]) == set(wanted.fields)


def _shortcomings(index: Index, wanted: RequiredIndex) -> list[str]:
    """List why an index does not do; empty if it does."""
    reasons = {
        "on other fields": not _is_about(index, wanted),
        "not unique": not index.get("unique"),
        "partial": "partialFilterExpression" in index,
        "sparse": bool(index.get("sparse")) and not wanted.sparse,
        "of another collation": "collation" in index,
    }
    return [reason for reason, applies in reasons.items() if applies]


def _sorts(index: Index, wanted: RequiredIndex) -> bool:
    return list(index["key"]) == list(wanted.fields) and len(set(index["key"].values())) == 1


def _obstacle(error: OperationFailure, wanted: RequiredIndex) -> str | None:
    """Say what keeps an index from being made, and what to do; None for any other error."""
    if error.code in _INDEX_CONFLICTS:
        return (
            f"another index has the name {wanted.name} or the same fields with other options: drop "
            "it, or make it again under another name, and run `reconciler db init` again"
        )
    if error.code == _PARALLEL_ARRAYS:
        return (
            f"in some document {' and '.join(wanted.fields)} are both arrays, which no index can "
            "hold: `reconciler check` names such documents by their _id"
        )
    return None
