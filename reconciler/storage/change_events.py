"""Events of the server's stream of changes as the watch's values.

An update says which document it changed and not whose that is; for a posting of the library the
journal entry of the same transaction says it, for all others the document is looked up.
Reference: https://www.mongodb.com/docs/v6.0/reference/change-events/
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import bson
from bson import ObjectId
from bson.errors import BSONError

from reconciler.model.bypassing import WriteOperation
from reconciler.model.mapping import CollectionMapping, Mappings
from reconciler.model.schema import JOURNAL
from reconciler.scanning.ports import SeenKey
from reconciler.storage import elements
from reconciler.storage.elements import RawValue
from reconciler.storage.merging import seen_account
from reconciler.storage.shape import Stage
from reconciler.storage.wire import CODEC_OPTIONS
from reconciler.watching.ports import (
    CollectionChanged,
    CopyWritten,
    EntryWritten,
    Event,
    EventName,
)

KEYS_CACHED_MAX = 10_000
_ID_DIGITS = 16
_MISSING = object()

_WRITES = {each.value: each for each in WriteOperation}
_CHANGES_OF_COLLECTIONS = ("drop", "rename")
_OVER = ("dropDatabase", "invalidate")


def stream_stages(mappings: Mappings) -> list[Stage]:
    """Make what follows `$changeStream`: what is written to the balances and the journal, in short.

    Plain inclusions cost the server least. The event's `_id` must stay as it is.
    """
    names = [*mappings.names, JOURNAL]
    watched = [
        {"ns.coll": {"$in": names}},
        {"to.coll": {"$in": names}},
        {"operationType": {"$in": list(_OVER)}},
    ]
    identity = {field for each in mappings for field in (each.account, each.currency)}
    fields = [
        "operationType",
        "ns.coll",
        "to.coll",
        "documentKey._id",
        "clusterTime",
        "txnNumber",
        "lsid.id",
        "fullDocument.accounts.user_id",
        "fullDocument.accounts.currency",
        *(f"fullDocument.{field}" for field in sorted(identity)),
        *(f"updateDescription.updatedFields.{field}" for field in sorted(identity)),
    ]
    return [{"$match": {"$or": watched}}, {"$project": dict.fromkeys(fields, 1)}]


class EventReader:
    """Reads the events of one database's stream."""

    def __init__(self, mappings: Mappings) -> None:
        self._mappings = {mapping.name: mapping for mapping in mappings}

    def event(self, document: Mapping[str, Any]) -> Event | None:
        """Read one event; None for what says nothing, as a change of the journal's own entries."""
        operation = document["operationType"]
        collection = document.get("ns", {}).get("coll", "")
        written = _WRITES.get(operation)
        if written is None:
            return self._changed(operation, collection, document)
        mapping = self._mappings.get(collection)
        if mapping is not None:
            return _copy_written(mapping, written, document)
        if collection == JOURNAL and written is WriteOperation.INSERT:
            accounts = document.get("fullDocument", {}).get("accounts")
            return EntryWritten(_transaction(document), _keys(accounts))
        return None

    def _changed(
        self, operation: str, collection: str, document: Mapping[str, Any]
    ) -> CollectionChanged | None:
        if operation not in _CHANGES_OF_COLLECTIONS:
            return None
        if collection not in self._mappings and collection != JOURNAL:
            collection = document.get("to", {}).get("coll", collection)
        return CollectionChanged(collection, operation)


def is_over(document: Mapping[str, Any]) -> bool:
    """Whether no event can follow this one."""
    return document["operationType"] in _OVER


def raw_value(value: object) -> RawValue | None:
    """Give a decoded value as it is stored; None where decoding has lost something."""
    if type(value) is ObjectId:
        return RawValue(elements.OBJECT_ID, value.binary)
    try:
        return elements.elements(bson.encode({"v": value}, codec_options=CODEC_OPTIONS))["v"]
    except (BSONError, ValueError, OverflowError):
        return None


def _copy_written(
    mapping: CollectionMapping, operation: WriteOperation, document: Mapping[str, Any]
) -> CopyWritten:
    key = None
    if operation in {WriteOperation.INSERT, WriteOperation.REPLACE}:
        full = document.get("fullDocument") or {}
        key = _key(full.get(mapping.account, _MISSING), full.get(mapping.currency, _MISSING))
        may_have_moved = operation is WriteOperation.REPLACE
    else:
        updated = document.get("updateDescription", {}).get("updatedFields", ())
        may_have_moved = mapping.account in updated or mapping.currency in updated
    return CopyWritten(
        name=partial(_name, document),
        collection=mapping.name,
        operation=operation,
        document=raw_value(document["documentKey"]["_id"]),
        key=key,
        may_have_moved=may_have_moved,
        transaction=_transaction(document),
    )


def _name(document: Mapping[str, Any]) -> EventName:
    """Name an event so that names sort by time; the stream's own name for it is too long."""
    time = document["clusterTime"]
    digest = hashlib.sha256(document["_id"]["_data"].encode("ascii")).hexdigest()
    event_id = f"{time.time:010d}-{time.inc:010d}-{digest[:_ID_DIGITS]}"
    return EventName(event_id, time.as_datetime())


def _transaction(document: Mapping[str, Any]) -> tuple[Any, ...] | None:
    number = document.get("txnNumber")
    if number is None:
        return None
    return (document["clusterTime"], bytes(document["lsid"]["id"]), int(number))


def _keys(accounts: object) -> tuple[SeenKey, ...]:
    if not isinstance(accounts, Sequence):
        return ()  # a void entry
    keys = [
        _key(each.get("user_id", _MISSING), each.get("currency", _MISSING)) for each in accounts
    ]
    return tuple(key for key in keys if key is not None)


def _key(user_id: Any, currency: Any) -> SeenKey | None:
    """Make the key of an account; None where these are no sound identity, which a lookup shows."""
    try:
        return _known_key(user_id, currency)
    except TypeError:  # an array or a document cannot be looked up in a cache
        return None


@lru_cache(maxsize=KEYS_CACHED_MAX, typed=True)
def _known_key(user_id: Any, currency: Any) -> SeenKey | None:
    if user_id is _MISSING or currency is _MISSING:
        return None
    user, unit = raw_value(user_id), raw_value(currency)
    if user is None or unit is None or not (user.is_scalar and unit.is_scalar):
        return None
    return seen_account(user, unit)
