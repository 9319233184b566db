"""BSON as bytes: where each element of a raw document begins and ends.

The scanner compares documents as bytes, and must be able to ask again for an id exactly as it is
stored, which the driver's decoding cannot promise (a string that is not UTF-8, a symbol, a NaN).
Specification: https://bsonspec.org/spec.html
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from bson.raw_bson import RawBSONDocument

DOUBLE, STRING, OBJECT, ARRAY, BINARY = 0x01, 0x02, 0x03, 0x04, 0x05
UNDEFINED, OBJECT_ID, BOOL, DATE, NULL = 0x06, 0x07, 0x08, 0x09, 0x0A
REGEX, DB_POINTER, CODE, SYMBOL, CODE_WITH_SCOPE = 0x0B, 0x0C, 0x0D, 0x0E, 0x0F
INT, TIMESTAMP, LONG, DECIMAL = 0x10, 0x11, 0x12, 0x13
MAX_KEY, MIN_KEY = 0x7F, 0xFF

MISSING = "missing"

TYPE_NAMES = {
    DOUBLE: "double",
    STRING: "string",
    OBJECT: "object",
    ARRAY: "array",
    BINARY: "binData",
    UNDEFINED: "undefined",
    OBJECT_ID: "objectId",
    BOOL: "bool",
    DATE: "date",
    NULL: "null",
    REGEX: "regex",
    DB_POINTER: "dbPointer",
    CODE: "javascript",
    SYMBOL: "symbol",
    CODE_WITH_SCOPE: "javascriptWithScope",
    INT: "int",
    TIMESTAMP: "timestamp",
    LONG: "long",
    DECIMAL: "decimal",
    MAX_KEY: "maxKey",
    MIN_KEY: "minKey",
}

SCALAR_TYPES = frozenset(
    {
        DOUBLE,
        STRING,
        BINARY,
        OBJECT_ID,
        BOOL,
        DATE,
        SYMBOL,
        INT,
        TIMESTAMP,
        LONG,
        DECIMAL,
    }
)

# Bytes of a value of fixed size; for the others, what comes on top of the length that they carry.
FIXED_SIZES = {
    DOUBLE: 8,
    OBJECT_ID: 12,
    BOOL: 1,
    DATE: 8,
    INT: 4,
    TIMESTAMP: 8,
    LONG: 8,
    DECIMAL: 16,
    NULL: 0,
    UNDEFINED: 0,
    MIN_KEY: 0,
    MAX_KEY: 0,
}
SIZES_BEYOND_LENGTH = {
    STRING: 4,
    CODE: 4,
    SYMBOL: 4,
    DB_POINTER: 16,
    BINARY: 5,
    OBJECT: 0,
    ARRAY: 0,
    CODE_WITH_SCOPE: 0,
}

INT32 = struct.Struct("<i")


@dataclass(frozen=True, slots=True)
class RawValue:
    """A BSON value as it is stored: its type's number and its bytes, without the field's name."""

    type_code: int
    data: bytes

    @property
    def type_name(self) -> str:
        """The server's `$type` name."""
        return TYPE_NAMES.get(self.type_code, f"type {self.type_code}")

    @property
    def is_scalar(self) -> bool:
        """Whether it can be an id or a currency."""
        return self.type_code in SCALAR_TYPES

    def under(self, name: str) -> RawBSONDocument:
        """Make the document `{name: value}`, as `{"$eq": value}`, in which it is only ever data."""
        element = bytes([self.type_code]) + name.encode("ascii") + b"\0" + self.data
        return RawBSONDocument(INT32.pack(len(element) + 5) + element + b"\0")


def value_end(type_code: int, buffer: bytes, start: int) -> int:
    """Give the offset behind a value that begins at `start`.

    Raises:
        ValueError: the specification has no such type.
    """
    fixed = FIXED_SIZES.get(type_code)
    if fixed is not None:
        return start + fixed
    if type_code == REGEX:
        return buffer.index(b"\0", buffer.index(b"\0", start) + 1) + 1
    beyond = SIZES_BEYOND_LENGTH.get(type_code)
    if beyond is None:
        raise ValueError(f"BSON has no type {type_code}")
    length: int = INT32.unpack_from(buffer, start)[0]
    return start + beyond + length


def document_end(buffer: bytes, start: int) -> int:
    """Give the offset behind the document that begins at `start`."""
    length: int = INT32.unpack_from(buffer, start)[0]
    return start + length


def elements(document: bytes) -> dict[str, RawValue]:
    """Take a raw document apart into its fields; where a name is doubled, the first one counts."""
    found: dict[str, RawValue] = {}
    position = 4
    while (type_code := document[position]) != 0:
        name_end = document.index(b"\0", position + 1)
        name = document[position + 1 : name_end].decode("utf-8", "surrogateescape")
        position = value_end(type_code, document, name_end + 1)
        found.setdefault(name, RawValue(type_code, document[name_end + 1 : position]))
    return found


def documents(buffer: bytes) -> Iterator[bytes]:
    """Split a batch into its documents."""
    position = 0
    while position < len(buffer):
        end = document_end(buffer, position)
        yield buffer[position:end]
        position = end
