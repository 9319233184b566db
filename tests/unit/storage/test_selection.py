"""What a typed id may mean."""

import uuid
from decimal import Decimal

import pytest
from bson import Decimal128, ObjectId

from reconciler.storage import elements
from reconciler.storage.elements import RawValue
from reconciler.storage.selection import meanings, string
from reconciler.storage.wire import text_of


def kinds(text: str) -> list[str]:
    return [value.type_name for value in meanings(text)]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("alice", ["string"]),
        ("", ["string"]),
        ('{"$gt": ""}', ["string"]),
        ("0123456789abcdef01234567", ["string", "objectId", "binData"]),
        (str(uuid.UUID(int=7)), ["string", "binData", "binData"]),
        ("-12.50", ["string", "decimal", "double"]),
        ("NaN", ["string", "decimal", "double"]),
        ("true", ["string", "bool"]),
        ("2024-05-06T07:08:09+00:00", ["string", "date"]),
        ("2024-99-99T07:08:09+00:00", ["string"]),
        ("9" * 40, ["string", "binData", "double"]),
        ("١٢", ["string"]),
    ],
)
def test_meanings(text: str, expected: list[str]) -> None:
    """The string comes first; other types only where the text can be theirs."""
    assert kinds(text) == expected


@pytest.mark.parametrize("text", ["alice", "\udced\udca0\udc80", "\udcff", "nul\0", "\U0001f600"])
def test_strings_keep_their_bytes(text: str) -> None:
    """Bytes that are not UTF-8 come back as they were stored, by the text that shows them."""
    assert text_of(string(text)) == text


def test_lone_surrogates_that_are_typed() -> None:
    """A lone surrogate that is typed means the bytes as careless software stores them."""
    assert string("\ud800").data == b"\x04\0\0\0\xed\xa0\x80\0"


def test_numbers_by_value() -> None:
    """An integer's text means the decimal, to which the server finds every equal number equal."""
    (_, decimal, double) = meanings("-42")

    assert Decimal128.from_bid(decimal.data).to_decimal() == Decimal(-42)
    assert text_of(double) == "-42"


def test_object_id() -> None:
    """24 hex digits mean the ObjectId, in either case."""
    text = "0123456789ABCDEF01234567"

    assert RawValue(elements.OBJECT_ID, ObjectId(text).binary) in meanings(text)
