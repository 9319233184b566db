"""Which stored values a person may mean by a typed id: a string, or what reads like it."""

import contextlib
import re
import struct
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, DecimalException

from bson import Decimal128

from reconciler.model.mapping import CollectionMapping
from reconciler.scanning.ports import Selection
from reconciler.storage import elements
from reconciler.storage.elements import INT32, RawValue
from reconciler.storage.shape import Stage, one_of

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}", re.ASCII)
_HEX = re.compile(r"([0-9a-fA-F]{2})+", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?", re.ASCII)
_ODD_NUMBERS = {"nan", "infinity", "-infinity"}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T[0-9:.]+(Z|[+-]\d{2}:\d{2})", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_NAMES = {elements.BOOL: "bool", elements.DATE: "date"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def conditions(mapping: CollectionMapping, selection: Selection) -> list[Stage]:
    """Make the conditions of a selection; none selects everything."""
    wanted = ((mapping.account, selection.user_id), (mapping.currency, selection.currency))
    return [one_of(field, meanings(text)) for field, text in wanted if text is not None]


def meanings(text: str) -> list[RawValue]:
    """List the values whose text this is, the string first."""
    return [string(text), *_object_ids(text), *_binaries(text), *_numbers(text), *_others(text)]


def types_meant(text: str) -> Sequence[str]:
    """List the types, by the server's names, whose every value with this text is meant by it.

    Binary data of several subtypes have one text; that of a UUID alone is nothing else's.
    """
    types = ["string"]
    types += ["objectId" for _ in _object_ids(text)]
    types += ["binData"] if _UUID.fullmatch(text) else []
    types += ["int", "long", "double", "decimal"] if any(_numbers(text)) else []
    types += [_NAMES[value.type_code] for value in _others(text)]
    return types


def string(text: str) -> RawValue:
    """Make the string element; bytes that are not UTF-8 come back as they were stored."""
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = text.encode("utf-8", "surrogatepass")
    return RawValue(elements.STRING, INT32.pack(len(data) + 1) + data + b"\0")


def _object_ids(text: str) -> Iterator[RawValue]:
    if _OBJECT_ID.fullmatch(text):
        yield RawValue(elements.OBJECT_ID, bytes.fromhex(text))


def _binaries(text: str) -> Iterator[RawValue]:
    if _HEX.fullmatch(text):
        yield _binary(0, bytes.fromhex(text))
    try:
        as_uuid = uuid.UUID(text).bytes
    except ValueError:
        return
    yield _binary(4, as_uuid)
    yield _binary(3, as_uuid)


def _binary(subtype: int, data: bytes) -> RawValue:
    return RawValue(elements.BINARY, INT32.pack(len(data)) + bytes([subtype]) + data)


def _numbers(text: str) -> Iterator[RawValue]:
    """Give a decimal, to which equal integers compare equal, and the double that it writes."""
    if not _NUMBER.fullmatch(text) and text.lower() not in _ODD_NUMBERS:
        return
    with contextlib.suppress(DecimalException):  # more digits than a decimal holds
        yield RawValue(elements.DECIMAL, Decimal128(Decimal(text)).bid)
    yield RawValue(elements.DOUBLE, struct.pack("<d", float(text)))


def _others(text: str) -> Iterator[RawValue]:
    if text in {"true", "false"}:
        yield RawValue(elements.BOOL, b"\x01" if text == "true" else b"\0")
    if _DATE.fullmatch(text):
        try:
            milliseconds = (datetime.fromisoformat(text) - _EPOCH) // _MILLISECOND
        except ValueError:
            return
        yield RawValue(elements.DATE, struct.pack("<q", milliseconds))
