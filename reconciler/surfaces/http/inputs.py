"""What a caller may send, as values: each has a name, a reader and the schema that describes it.

The same value reads a request and describes it in OpenAPI, so that the two cannot disagree. Readers
say what is wrong without repeating what they were given.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from reconciler.errors import (
    AmountNotANumber,
    AmountNotPositive,
    AmountTooFine,
    AmountTooLong,
    InvalidAmount,
    InvalidCurrency,
    InvalidPosting,
    InvalidTrade,
    InvalidUserId,
)
from reconciler.model.amounts import DIGITS_MAX, checked_positive, read_amount
from reconciler.model.identity import (
    NAME_CHARACTERS_MAX,
    REASON_CHARACTERS_MAX,
    checked_currency,
    checked_reason,
    checked_trade_id,
    checked_user_id,
)
from reconciler.model.repair import TruthPolicy
from reconciler.model.trade import BPS_OF_ALL

Schema = Mapping[str, Any]
EnumT = TypeVar("EnumT", bound=StrEnum)

# Of ids that are only looked up: what old code stored may break the rules for posting.
LOOKUP_CHARACTERS_MAX = 1024
FEE_BPS_MAX = BPS_OF_ALL - 1
AGE_SECONDS_MAX = 31_536_000

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NO_CONTROL_CHARACTER = "^[^\u0000-\u001f\u007f-\u009f]+$"


class Unusable(ValueError):
    """What was sent cannot be used; the message goes on after its name: `must be a string`."""


@dataclass(frozen=True, slots=True)
class Numeral:
    """A JSON number by the digits it was written with."""

    digits: str
    is_integer: bool


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that a caller may send in a path, in a query or in a body.

    In a path anything may be an id, a slash too, unless it `is_one_segment`.
    """

    name: str
    read: Callable[[Any], Any]
    schema: Schema
    description: str
    is_required: bool = False
    is_one_segment: bool = False

    @property
    def required(self) -> "Input":
        """The same, and it may not be left out."""
        return replace(self, is_required=True)

    def named(self, name: str, description: str) -> "Input":
        """Make one that is read alike and means something else."""
        return replace(self, name=name, description=description)


def names_of(inputs: Iterable[Input]) -> str:
    """List what is known, for a sentence."""
    return ", ".join(each.name for each in inputs) or "none"


def one_of(name: str, values: type[EnumT], description: str) -> Input:
    """Make the input that takes one of an enumeration's values."""
    listed = ", ".join(values)

    def read(value: object) -> EnumT:
        try:
            return values(_text(value))
        except ValueError as error:
            raise Unusable(f"must be one of {listed}") from error

    return Input(
        name, read, {"type": "string", "enum": [each.value for each in values]}, description
    )


def whole_number(name: str, *, lowest: int, highest: int, description: str) -> Input:
    """Make the input that takes an integer, in a query or in a body."""
    written = re.compile(rf"[0-9]{{1,{len(str(highest))}}}", re.ASCII)
    wanted = f"must be a whole number from {lowest} to {highest}"

    def read(value: object) -> int:
        digits = value.digits if isinstance(value, Numeral) else value
        if not isinstance(digits, str) or not written.fullmatch(digits):
            raise Unusable(wanted)
        if not lowest <= int(digits) <= highest:
            raise Unusable(wanted)
        return int(digits)

    schema = {"type": "integer", "minimum": lowest, "maximum": highest}
    return Input(name, read, schema, description)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Unusable("must be a string")
    return value


def _lookup(value: object) -> str:
    text = _text(value)
    if not 0 < len(text) <= LOOKUP_CHARACTERS_MAX:
        raise Unusable(f"must have 1 to {LOOKUP_CHARACTERS_MAX} characters")
    if "\0" in text or any(unicodedata.category(each) == "Cs" for each in text):
        raise Unusable("holds a NUL or a lone surrogate, which no id can")
    return text


def _posted_to(check: Callable[[object], str]) -> Callable[[object], str]:
    def read(value: object) -> str:
        try:
            return check(_text(value))
        except (InvalidUserId, InvalidCurrency, InvalidTrade) as error:
            raise Unusable(
                f"must have 1 to {NAME_CHARACTERS_MAX} characters, none of them a control "
                "character or a lone surrogate"
            ) from error

    return read


def _reason(value: object) -> str:
    text = _text(value)
    try:
        return checked_reason(text)
    except InvalidPosting as error:
        raise Unusable(
            f"must say why, in 1 to {REASON_CHARACTERS_MAX} characters that are not all blank, "
            "none of them NUL or a lone surrogate"
        ) from error


def _digest(value: object) -> str:
    text = _text(value)
    if not _DIGEST.fullmatch(text):
        raise Unusable("must be 64 hex digits in lower case")
    return text


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Unusable("must be true or false")
    return value


def _amount(value: object) -> Decimal:
    literal = value.digits if isinstance(value, Numeral) else value
    if not isinstance(literal, str):
        raise Unusable("must be a JSON number, or a string that holds one")
    return _positive(literal, scale=DIGITS_MAX)


def in_scale(amount: Decimal, *, scale: int) -> Decimal:
    """Give an amount back unless its currency has fewer decimal places.

    Raises:
        Unusable: it is finer; nothing is ever rounded.
    """
    return _positive(amount, scale=scale)


def _positive(amount: object, *, scale: int) -> Decimal:
    try:
        return checked_positive(amount, scale=scale)
    except InvalidAmount as error:
        raise Unusable(_complaint(error, scale=scale)) from error


def _complaint(error: InvalidAmount, *, scale: int) -> str:
    # The error's own message holds the amount.
    match error:
        case AmountNotANumber():
            return "must be a plain decimal number such as 12.50 or 1E-8"
        case AmountNotPositive():
            return "must be above zero"
        case AmountTooLong():
            return f"needs more than the {DIGITS_MAX} digits that can be kept exactly"
        case AmountTooFine():
            return f"has more than the {scale} decimal places of its currency, and is never rounded"
    return "is not an amount that can be posted"


def _age(value: object) -> Decimal:
    wanted = f"must be a number of seconds from 0 to {AGE_SECONDS_MAX}"
    try:
        seconds = read_amount(_text(value))
    except InvalidAmount as error:
        raise Unusable(wanted) from error
    if not 0 <= seconds <= AGE_SECONDS_MAX:
        raise Unusable(wanted)
    return seconds


_LOOKUP_SCHEMA = {
    "type": "string",
    "minLength": 1,
    "maxLength": LOOKUP_CHARACTERS_MAX,
    "pattern": "^[^\u0000]+$",
}
_NAME_SCHEMA = {
    "type": "string",
    "minLength": 1,
    "maxLength": NAME_CHARACTERS_MAX,
    "pattern": _NO_CONTROL_CHARACTER,
}

USER_LOOKUP = Input("user_id", _lookup, _LOOKUP_SCHEMA, "Whose accounts, exactly as stored.")
CURRENCY_LOOKUP = Input(
    "currency", _lookup, _LOOKUP_SCHEMA, "Accounts in this currency alone; case-sensitive."
)
USER = Input("user_id", _posted_to(checked_user_id), _NAME_SCHEMA, "Whose account it is.")
CURRENCY = Input("currency", _posted_to(checked_currency), _NAME_SCHEMA, "Case-sensitive.")
REASON = Input(
    "reason",
    _reason,
    {"type": "string", "minLength": 1, "maxLength": REASON_CHARACTERS_MAX, "pattern": "\\S"},
    "Why, for the record.",
)
AMOUNT = Input(
    "amount",
    _amount,
    {
        "oneOf": [
            {"type": "number", "exclusiveMinimum": 0},
            {"type": "string", "pattern": r"^[+]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?$"},
        ]
    },
    "In the currency's unit, above zero, no finer than the currency: taken digit by digit.",
)
DRY_RUN = Input("dry_run", _flag, {"type": "boolean"}, "Plan only: nothing is changed.")
PLAN_ID = Input(
    "plan_id",
    _posted_to(checked_trade_id),
    _NAME_SCHEMA,
    "Which plan, as it was answered.",
    is_one_segment=True,
)
DIGEST = Input(
    "digest",
    _digest,
    {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "The digest of exactly this plan: 64 hex digits, as they were answered.",
)
POLICY = one_of(
    "policy", TruthPolicy, "The rule that says what the right balance is; wallets without it."
)
OVERRIDE_REASON = REASON.named(
    "override_reason", "Why the policy is right where the journal says otherwise."
)
TRADE_ID = Input(
    "trade_id",
    _posted_to(checked_trade_id),
    _NAME_SCHEMA,
    "Which trade, as create-trade answered it.",
)
FEE_BPS = whole_number(
    "fee_bps",
    lowest=0,
    highest=FEE_BPS_MAX,
    description="The platform's part in hundredths of a percent; 0 without it.",
)
MAX_AGE = Input(
    "max_age_seconds",
    _age,
    {"type": "number", "minimum": 0, "maximum": AGE_SECONDS_MAX},
    "Take the last full scan if it began no longer ago; else scan now.",
)
