"""Orders raw BSON scalars as the server does with the simple collation.

Types sort by bracket; numbers of all four types compare by exact value, NaN below all others: the
double 0.1 is not Decimal128 0.1, nor that of its first 34 digits. What a unique index takes for the
same key has the same order here: 1, 1.0 and Decimal128 1 are one account.
Reference: https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/
"""

import struct
from decimal import Decimal
from typing import Any

from bson import Decimal128

from reconciler.storage import elements
from reconciler.storage.elements import RawValue

Order = tuple[Any, ...]

# Below every value that a document can hold.
LOWEST: Order = (-2,)

# All NaNs are one id, below all other numbers.
NOT_A_NUMBER: Order = (10, 0, 0)

_BRACKETS = {
    elements.MIN_KEY: -1,
    elements.UNDEFINED: 0,
    elements.NULL: 5,
    elements.DOUBLE: 10,
    elements.INT: 10,
    elements.LONG: 10,
    elements.DECIMAL: 10,
    elements.STRING: 15,
    elements.SYMBOL: 15,
    elements.OBJECT: 20,
    elements.ARRAY: 25,
    elements.BINARY: 30,
    elements.OBJECT_ID: 35,
    elements.BOOL: 40,
    elements.DATE: 45,
    elements.TIMESTAMP: 47,
    elements.REGEX: 50,
    elements.DB_POINTER: 55,
    elements.CODE: 60,
    elements.CODE_WITH_SCOPE: 65,
    elements.MAX_KEY: 127,
}
_MISSING_BRACKET = 0

_SIGNED = {elements.INT: struct.Struct("<i"), elements.LONG: struct.Struct("<q")}
_DOUBLE = struct.Struct("<d")
_INT64 = struct.Struct("<q")
_UINT64 = struct.Struct("<Q")

# Types of which two values are equal exactly if their bytes are.
BYTEWISE_TYPES = elements.SCALAR_TYPES - {elements.DOUBLE, elements.DECIMAL}


def order_of(value: RawValue) -> Order:
    """Give the sort key of a scalar; equal keys are one and the same id.

    Raises:
        ValueError: the value is not a scalar.
    """
    bracket = _BRACKETS.get(value.type_code)
    data = value.data
    match value.type_code:
        case elements.STRING | elements.SYMBOL:
            return (bracket, data[4:-1])
        case elements.OBJECT_ID | elements.BOOL:
            return (bracket, data)
        case elements.INT | elements.LONG | elements.DOUBLE | elements.DECIMAL:
            return _number_order(value)
        case elements.BINARY:
            return (bracket, elements.INT32.unpack_from(data)[0], data[4:])
        case elements.DATE:
            return (bracket, _INT64.unpack(data)[0])
        case elements.TIMESTAMP:
            return (bracket, _UINT64.unpack(data)[0])
    raise ValueError(f"a value of type {value.type_name} is no scalar")


def bracket_order(value: RawValue | None) -> Order:
    """Give where the type of a value that is missing or no scalar stands among all types."""
    return (_MISSING_BRACKET if value is None else _BRACKETS[value.type_code],)


def number_of(value: RawValue) -> Decimal:
    """Give the exact value of a BSON number, a double's as the shortest decimal that reads back.

    NaN and infinities are kept.
    """
    if value.type_code == elements.DECIMAL:
        return Decimal128.from_bid(value.data).to_decimal()
    if value.type_code == elements.DOUBLE:
        return Decimal(repr(_DOUBLE.unpack(value.data)[0]))
    return Decimal(_SIGNED[value.type_code].unpack(value.data)[0])


def _number_order(value: RawValue) -> Order:
    if value.type_code == elements.DOUBLE:
        number = Decimal(_DOUBLE.unpack(value.data)[0])  # exact, where `number_of` is not
    else:
        number = number_of(value)
    return NOT_A_NUMBER if number.is_nan() else (10, 1, number)
