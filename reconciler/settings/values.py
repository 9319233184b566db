"""The kinds of values that settings have, each with its limits, and the table that holds them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic import StringConstraints as Text

from reconciler.model.amounts import DEFAULT_SCALES

SCALE_MAX = 34
PRICE_DIGITS_MAX = 34
# Thirty years: a time that far away still is a date, for the scheduler and for the database.
SECONDS_MAX = 1_000_000_000


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        # pydantic turns a ValueError into a complaint, and lets a TypeError through.
        raise ValueError("must be a number, not true or false")  # noqa: TRY004
    return value


def _exact_text(value: object) -> object:
    if not isinstance(value, str | Decimal):
        raise ValueError(  # noqa: TRY004 - as above
            'must be a decimal number in quotes, such as "0.00000001"'
        )
    return value


def _false_is_none(value: object) -> object:
    return None if value is False else value


def _over_defaults(value: object) -> object:
    return {**DEFAULT_SCALES, **value} if isinstance(value, Mapping) else value


Seconds = Annotated[
    float, BeforeValidator(_no_bool), Field(gt=0, le=SECONDS_MAX, allow_inf_nan=False)
]
SecondsOrNone = Annotated[
    float, BeforeValidator(_no_bool), Field(ge=0, le=SECONDS_MAX, allow_inf_nan=False)
]
Count = Annotated[int, BeforeValidator(_no_bool), Field(ge=1, le=1_000_000)]
CountOrNone = Annotated[int, BeforeValidator(_no_bool), Field(ge=0, le=1_000_000)]
Percent = Annotated[int, BeforeValidator(_no_bool), Field(ge=1, le=100)]
Bytes = Annotated[int, BeforeValidator(_no_bool), Field(ge=1, le=1_000_000_000)]
Port = Annotated[int, BeforeValidator(_no_bool), Field(ge=0, le=65_535)]
Scale = Annotated[int, BeforeValidator(_no_bool), Field(ge=0, le=SCALE_MAX)]
Scales = Annotated[Mapping["Name", Scale], BeforeValidator(_over_defaults)]
Name = Annotated[str, Text(min_length=1, max_length=128)]
ExactDecimal = Annotated[
    Decimal, BeforeValidator(_exact_text), Field(ge=0, lt=1, allow_inf_nan=False)
]
Price = Annotated[
    Decimal,
    BeforeValidator(_exact_text),
    Field(gt=0, max_digits=PRICE_DIGITS_MAX, allow_inf_nan=False),
]
DatabaseName = Annotated[str, Text(pattern=r'^[^\x00/\\. "$*<>:|?]{1,63}$')]
TotalField = Annotated[Name | None, BeforeValidator(_false_is_none)]
Sha256 = Annotated[str, Text(pattern=r"^[0-9a-fA-F]{64}$"), AfterValidator(str.lower)]


class Section(BaseModel):
    """A table of settings: unknown keys are refused, values are never shown in errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True
    )
