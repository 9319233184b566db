"""Turns stored values into the model's, whatever they are: reading classifies and never crashes."""

import struct
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import bson
from bson.binary import OLD_UUID_SUBTYPE, UUID_SUBTYPE, UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError

from reconciler.model.copies import (
    NOT_STORED,
    TEXT_CHARACTERS_MAX,
    Copy,
    StoredNumber,
    stored_nonsense,
    stored_number,
)
from reconciler.model.identity import Account, Identifier
from reconciler.storage import elements, ordering
from reconciler.storage.elements import MISSING, RawValue

# Nothing that old code left behind makes decoding fail: years past 9999, texts that are not UTF-8.
CODEC_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    uuid_representation=UuidRepresentation.UNSPECIFIED,
    unicode_decode_error_handler="surrogateescape",
)

NUMBER_TYPES = frozenset({elements.DOUBLE, elements.INT, elements.LONG, elements.DECIMAL})

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT64 = struct.Struct("<q")
_CACHED_NUMBERS_MAX = 4096


@lru_cache(maxsize=_CACHED_NUMBERS_MAX)
def number_from(value: RawValue | None) -> StoredNumber:
    """Judge an amount field. Cached: the copies of an account mostly hold the same few values."""
    if value is None:
        return NOT_STORED
    if value.type_code in NUMBER_TYPES:
        return stored_number(value.type_name, ordering.number_of(value))
    return stored_nonsense(value.type_name, text_of(value))


def identifier_from(value: RawValue | None) -> Identifier:
    """Name an id or a currency; of one that is no scalar, the type and the start of its text."""
    if value is None:
        return Identifier("", MISSING)
    text = text_of(value)
    if not value.is_scalar:
        text = text[:TEXT_CHARACTERS_MAX]
    return Identifier(text, value.type_name)


def account_from(fields: dict[str, RawValue]) -> Account:
    """Name the account of a projected document, whatever its ids are."""
    return Account(identifier_from(fields.get("u")), identifier_from(fields.get("c")))


def copy_from(fields: dict[str, RawValue]) -> Copy:
    """Make the copy of a projected document, see `shape`."""
    return Copy(
        document_id=identifier_from(fields.get("i")).text,
        available=number_from(fields.get("a")),
        locked=number_from(fields.get("l")),
        total=number_from(fields.get("t")),
        updated=time_from(fields.get("d")),
    )


def time_from(value: RawValue | None) -> str | None:
    """Write the time of a document's last change as ISO 8601; other values as their text."""
    if value is None or value.type_code == elements.NULL:
        return None
    return text_of(value)[:TEXT_CHARACTERS_MAX]


def text_of(value: RawValue) -> str:
    """Write a value for people. Of a string this is the text itself."""
    data = value.data
    match value.type_code:
        case elements.STRING | elements.SYMBOL:
            return data[4:-1].decode("utf-8", "surrogateescape")
        case elements.OBJECT_ID:
            return data.hex()
        case elements.BOOL:
            return "true" if data != b"\0" else "false"
        case elements.DATE:
            return _date_text(_INT64.unpack(data)[0])
        case elements.BINARY:
            return _binary_text(data[4], data[5:])
        case elements.TIMESTAMP:
            return f"{int.from_bytes(data[4:], 'little')}.{int.from_bytes(data[:4], 'little')}"
        case elements.INT | elements.LONG | elements.DOUBLE | elements.DECIMAL:
            return _number_text(ordering.number_of(value))
        case elements.NULL | elements.UNDEFINED | elements.MIN_KEY | elements.MAX_KEY:
            return value.type_name
    return _decoded_text(value)


def _number_text(number: Decimal) -> str:
    """Write a whole number plainly, so that 1.0 and 1 read alike."""
    if number.is_finite() and number == number.to_integral_value() and abs(number.adjusted()) < 40:
        return f"{number:.0f}"
    return str(number)


def _date_text(milliseconds: int) -> str:
    try:
        return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat()
    except OverflowError:
        return f"{milliseconds} ms since 1970"


def _binary_text(subtype: int, data: bytes) -> str:
    if subtype in {UUID_SUBTYPE, OLD_UUID_SUBTYPE} and len(data) == 16:
        return str(uuid.UUID(bytes=data))
    return data.hex()


def _decoded_text(value: RawValue) -> str:
    try:
        return str(bson.decode(value.under("v").raw, CODEC_OPTIONS)["v"])
    except (BSONError, ValueError, RecursionError):
        return value.data.hex()
