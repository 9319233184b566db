"""Whose account it is: ids as found in the field, and the rules for posting to them."""

import unicodedata
from dataclasses import dataclass

from reconciler.model.faults import (
    InvalidCurrency,
    InvalidPosting,
    InvalidTrade,
    InvalidUserId,
    PostingRefused,
)

NAME_CHARACTERS_MAX = 128
REASON_CHARACTERS_MAX = 1000

# Cc: control characters, NUL among them; Cs: lone surrogates, which no UTF-8 can carry.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs"})


@dataclass(frozen=True, slots=True)
class Identifier:
    """A stored id or currency of any BSON type: its text, and the server's name of its type.

    Strings are `Identifier("alice")`; an ObjectId is its 24 hex digits with type `objectId`. What
    is missing or not a scalar has its type's name (`missing`, `array` …) and a shortened text.
    """

    text: str
    bson_type: str = "string"


@dataclass(frozen=True, slots=True)
class Account:
    """What has one balance, held once in each collection: a user's holding of one currency."""

    user_id: Identifier
    currency: Identifier

    @classmethod
    def of(cls, user_id: str, currency: str) -> "Account":
        """Make the account of a string user id."""
        return cls(Identifier(user_id), Identifier(currency))

    def __str__(self) -> str:
        return f"{self.user_id.text}/{self.currency.text}"


def checked_user_id(user_id: object) -> str:
    """Give the user id back, or refuse it.

    Raises:
        InvalidUserId: not a str, empty, over 128 characters, or with control characters or lone
            surrogates.
    """
    return _checked_name(user_id, "user id", InvalidUserId)


def checked_currency(currency: object) -> str:
    """Give the currency back, or refuse it.

    Raises:
        InvalidCurrency: under the same rules as a user id.
    """
    return _checked_name(currency, "currency", InvalidCurrency)


def checked_op_id(op_id: object) -> str:
    """Give the op_id back, or refuse it.

    Raises:
        InvalidPosting: under the same rules as a user id.
    """
    return _checked_name(op_id, "op_id", InvalidPosting)


def checked_trade_id(trade_id: object) -> str:
    """Give the id of a trade back, or refuse it.

    Raises:
        InvalidTrade: under the same rules as a user id.
    """
    return _checked_name(trade_id, "trade id", InvalidTrade)


def checked_reason(reason: object) -> str:
    """Give the reason of a posting back, or refuse it; line breaks are allowed in it.

    Raises:
        InvalidPosting: not a str, blank, over 1000 characters, or with NUL or lone surrogates.
    """
    if not isinstance(reason, str) or not reason.strip():
        raise InvalidPosting("a posting needs a reason: a text that is not empty")
    if len(reason) > REASON_CHARACTERS_MAX:
        raise InvalidPosting(f"the reason is longer than {REASON_CHARACTERS_MAX} characters")
    if "\0" in reason or any(unicodedata.category(character) == "Cs" for character in reason):
        raise InvalidPosting("the reason holds a NUL or a lone surrogate")
    return str.__str__(reason)


def _checked_name(name: object, what: str, refusal: type[PostingRefused]) -> str:
    if not isinstance(name, str):
        raise refusal(f"the {what} must be a str, not {type(name).__name__}")
    if not name:
        raise refusal(f"the {what} is empty")
    if len(name) > NAME_CHARACTERS_MAX:
        raise refusal(f"the {what} is longer than {NAME_CHARACTERS_MAX} characters")
    if any(unicodedata.category(character) in _FORBIDDEN_CATEGORIES for character in name):
        raise refusal(f"the {what} holds a control character or a lone surrogate")
    # Of a subclass (an Enum of names, say) the characters that were checked, not what it prints as.
    return str.__str__(name)
