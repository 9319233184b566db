"""Documents as the field has them, of any BSON type, and what a plain model says of them."""

import math
import random
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bson import (
    Binary,
    Code,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
    encode,
)
from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.model.comparison import MismatchKind, compare
from reconciler.model.copies import (
    NOT_STORED,
    BalanceView,
    Copy,
    StoredNumber,
    stored_nonsense,
    stored_number,
)
from reconciler.model.identity import Account, Identifier
from reconciler.model.mapping import DEFAULT_MAPPINGS, Mappings

Database = AsyncDatabase[dict[str, Any]]
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Raw:
    """A value that the driver cannot write: its BSON type and bytes, and what it is equal to."""

    type_code: int
    data: bytes
    like: object = None


def raw_string(data: bytes, type_code: int = 2, like: object = None) -> Raw:
    """A string of any bytes, or with type 14 a symbol."""
    return Raw(type_code, (len(data) + 1).to_bytes(4, "little") + data + b"\0", like)


SYMBOL_A = raw_string(b"a", 14, like="a")
UNDEFINED = Raw(6, b"")
DB_POINTER = Raw(12, raw_string(b"db.c").data + bytes(12))
LONE_SURROGATE = raw_string(b"\xed\xa0\x80")
NOT_UTF8 = raw_string(b"\xff\xfe")

FAR_DATE = Raw(9, (2**62).to_bytes(8, "little"))
SOME_DATE = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
SOME_UUID = uuid.UUID("12345678-1234-5678-1234-567812345678")

SCALARS: list[object] = [
    "",
    "a",
    "b",
    "a\nb",
    "\u202ea",
    "é",
    "\U0001f600",
    '{"$gt": ""}',
    "$user_id",
    "nul\0inside",
    SYMBOL_A,
    LONE_SURROGATE,
    NOT_UTF8,
    0,
    1,
    Int64(1),
    1.0,
    Decimal128("1"),
    Decimal128("1.00"),
    Int64(2**53 + 1),
    float(2**53),
    -0.0,
    0.1,
    Decimal128("0.1"),
    Decimal128("0.1000000000000000055511151231257827"),
    5e-324,
    1e300,
    Decimal128("1E+6000"),
    Decimal128("-1E-6000"),
    float("nan"),
    Decimal128("NaN"),
    float("inf"),
    Decimal128("Infinity"),
    float("-inf"),
    ObjectId("0123456789abcdef01234567"),
    ObjectId("ffffffffffffffffffffffff"),
    Binary(b""),
    Binary(b"zz"),
    Binary(b"zz", 128),
    Binary(SOME_UUID.bytes, 4),
    Binary(SOME_UUID.bytes, 3),
    Binary(b"old", 2),
    True,
    False,
    SOME_DATE,
    datetime(1900, 1, 1, tzinfo=UTC),
    FAR_DATE,
    Timestamp(5, 1),
    Timestamp(2**32 - 1, 2),
]

ODD: list[object] = [
    None,
    UNDEFINED,
    {"$gt": ""},
    {},
    ["a"],
    ["a", "b"],
    [],
    Regex("^a"),
    Code("f()"),
    Code("f()", {"a": 1}),
    DB_POINTER,
    DBRef("c", 1),
    MinKey(),
    MaxKey(),
]

AMOUNTS: list[object] = [
    Decimal128("0"),
    Decimal128("-0"),
    Decimal128("0E+5"),
    Decimal128("1"),
    Decimal128("1.0"),
    Decimal128("2"),
    Decimal128("-1"),
    Decimal128("0.00000001"),
    Decimal128("9999999999999999999999999999999999"),
    Decimal128("1E+33"),
    Decimal128("1E+34"),
    Decimal128("1E+6000"),
    Decimal128("1E-6000"),
    Decimal128("NaN"),
    Decimal128("Infinity"),
    Decimal128("-Infinity"),
    1,
    -1,
    Int64(2),
    1.0,
    0.1,
    1.000000001,
    -0.000000001,
    float("nan"),
    float("inf"),
    float("-inf"),
    -0.0,
    "1",
    None,
    [1],
    [],
    True,
    SOME_DATE,
    {"a": 1},
    MaxKey(),
    UNDEFINED,
    NOT_UTF8,
]


def document(fields: Fields) -> RawBSONDocument:
    """Encode a document, `Raw` values as they are."""
    body = b""
    for name, value in fields.items():
        if isinstance(value, Raw):
            body += bytes([value.type_code]) + name.encode() + b"\0" + value.data
        else:
            body += encode({name: value})[4:-1]
    return RawBSONDocument((len(body) + 5).to_bytes(4, "little") + body + b"\0")


@dataclass
class Exchange:
    """The documents of each collection, by the meaning of their fields: u, c, a, l, t."""

    mappings: Mappings = DEFAULT_MAPPINGS
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def put(self, names: Iterable[str], **fields: Any) -> None:
        """Put one document into each of some collections."""
        for name in names:
            self.rows.setdefault(name, []).append(fields)

    def everywhere(self, **fields: Any) -> None:
        """Put one document into every collection."""
        self.put(self.mappings.names, **fields)

    async def write(self, database: Database) -> None:
        """Write everything, in no order."""
        for mapping in self.mappings:
            collection = database[mapping.name]
            await collection.delete_many({})
            names = {
                "u": mapping.account,
                "c": mapping.currency,
                "a": mapping.available,
                "l": mapping.locked,
                "t": mapping.total,
            }
            documents = [
                document({"_id": ObjectId()} | {str(names[key]): v for key, v in row.items()})
                for row in self.rows.get(mapping.name, ())
            ]
            random.Random(len(documents)).shuffle(documents)
            if documents:
                raw: Any = documents
                await collection.insert_many(raw)
            elif mapping.name not in await database.list_collection_names():
                await database.create_collection(mapping.name)

    def truth(self) -> "Expected":
        """Say what a scan must find, by plain means."""
        return Expected.of(self)


@dataclass
class Expected:
    """What a scan must find."""

    accounts: int = 0
    users: set[object] = field(default_factory=set)
    currencies: set[object] = field(default_factory=set)
    bad_users: set[object] = field(default_factory=set)
    by_kind: Counter[MismatchKind] = field(default_factory=Counter)
    mismatches: list[tuple[object, ...]] = field(default_factory=list)

    @classmethod
    def of(cls, exchange: Exchange) -> "Expected":
        expected = cls()
        groups: dict[tuple[object, object], dict[str, list[Copy]]] = {}
        for name, rows in exchange.rows.items():
            for row in rows:
                user, currency = identity(row, "u"), identity(row, "c")
                if user is not None:
                    expected.users.add(user)
                if user is None or currency is None:
                    expected._add(user, (MismatchKind.MALFORMED, (), (name,)))
                    continue
                copy = Copy("", number(row, "a"), number(row, "l"), number(row, "t"))
                groups.setdefault((user, currency), {}).setdefault(name, []).append(copy)
        for (user, currency), copies in groups.items():
            expected.accounts += 1
            expected.currencies.add(currency)
            view = BalanceView(
                Account.of("u", "c"), {name: tuple(each) for name, each in copies.items()}
            )
            mismatch = compare(view, exchange.mappings)
            if mismatch:
                expected._add(user, (mismatch.kind, mismatch.also, mismatch.differs))
        return expected

    def _add(self, user: object, told: tuple[Any, ...]) -> None:
        self.by_kind[told[0]] += 1
        self.mismatches.append(told)
        if user is not None:
            self.bad_users.add(user)


def identity(row: Fields, key: str) -> object:
    """Give a value that is equal for equal ids; None for what cannot be an id."""
    if key not in row:
        return None
    value = row[key]
    if isinstance(value, Raw) and value.like is not None:
        value = value.like
    match value:
        case Raw(type_code=2 | 9):
            return value
        case bool() | datetime() | ObjectId() | Timestamp():
            return (type(value).__name__, value)
        case Code() | Raw():
            return None
        case str():
            return value
        case Binary() | bytes():
            return ("binary", getattr(value, "subtype", 0), bytes(value))
        case int() | float() | Decimal128():
            return _number_identity(value)
    return None


def _number_identity(value: Any) -> object:
    if isinstance(value, float) and math.isfinite(value):
        return ("number", Decimal(value))
    exact = value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)
    return ("number", "nan") if exact.is_nan() else ("number", exact)


def number(row: Fields, key: str) -> StoredNumber:
    """Judge an amount as the scanner should."""
    if key not in row:
        return NOT_STORED
    value = row[key]
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal128):
        return stored_nonsense("other", "")
    match value:
        case Decimal128():
            return stored_number("decimal", value.to_decimal())
        case float():
            return stored_number("double", Decimal(repr(value)))
    return stored_number("int", Decimal(value))


def identifiers(views: Sequence[BalanceView]) -> list[tuple[Identifier, Identifier]]:
    """The ids and currencies of some views."""
    return [(view.account.user_id, view.account.currency) for view in views]
