"""Which user ids, currencies, op_ids and reasons can be posted under."""

from collections.abc import Callable

import pytest

from reconciler.model.faults import InvalidCurrency, InvalidPosting, InvalidUserId, PostingRefused
from reconciler.model.identity import (
    NAME_CHARACTERS_MAX,
    REASON_CHARACTERS_MAX,
    Account,
    Identifier,
    checked_currency,
    checked_op_id,
    checked_reason,
    checked_user_id,
)

RULES: list[tuple[Callable[[object], str], type[PostingRefused]]] = [
    (checked_user_id, InvalidUserId),
    (checked_currency, InvalidCurrency),
    (checked_op_id, InvalidPosting),
]


@pytest.mark.parametrize("check, _", RULES)
@pytest.mark.parametrize(
    "name",
    ["a", "BTC", " ", '{"$gt": ""}', "$where", "a.b", "é", "名", "\U0001f600", "x" * 128, "\u202e"],
)
def test_a_usable_name(check: Callable[[object], str], _: object, name: str) -> None:
    """Any text of 1 to 128 characters that can be stored and has no control character."""
    assert check(name) == name


@pytest.mark.parametrize("check, refusal", RULES)
@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * (NAME_CHARACTERS_MAX + 1),
        "a\0",
        "a\n",
        "\x7f",
        "\x85",
        "\ud800",
        None,
        1,
        b"a",
        {"$gt": ""},
        ["a"],
    ],
)
def test_a_name_that_cannot_be_used(
    check: Callable[[object], str], refusal: type[PostingRefused], name: object
) -> None:
    """Empty, too long, control characters, lone surrogates and other types have their own error."""
    with pytest.raises(refusal):
        check(name)


@pytest.mark.parametrize("reason", ["deposit", "two\nlines", "x" * REASON_CHARACTERS_MAX])
def test_a_usable_reason(reason: str) -> None:
    """A reason is for people: line breaks are allowed in it."""
    assert checked_reason(reason) == reason


@pytest.mark.parametrize(
    "reason", ["", " \n", "x" * (REASON_CHARACTERS_MAX + 1), "a\0", "\udfff", None, 5]
)
def test_a_reason_that_cannot_be_used(reason: object) -> None:
    """Every posting says why, in a text that can be stored."""
    with pytest.raises(InvalidPosting):
        checked_reason(reason)


def test_an_id_is_its_text_and_its_type() -> None:
    """A string of 24 hex digits and the ObjectId of the same digits are two users."""
    digits = "0" * 24
    text = Account.of(digits, "BTC")
    object_id = Account(Identifier(digits, "objectId"), Identifier("BTC"))

    assert text != object_id
    assert str(text) == str(object_id) == f"{digits}/BTC"
