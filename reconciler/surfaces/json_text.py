"""Strict JSON with exact decimals, that no text can keep from being written."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import simplejson

from reconciler.model.amounts import plain


def number(value: Decimal | None) -> Any:
    """Make a JSON number with the amount's exact digits, written plainly; null for None."""
    return None if value is None else simplejson.RawJSON(plain(value))


def encode(answer: Mapping[str, Any], *, indent: int | None = 2) -> str:
    """Write one JSON document in ASCII, lone surrogates escaped; on one line without an indent.

    Raises:
        ValueError: a float in it is NaN or infinite, which JSON cannot say.
    """
    return simplejson.dumps(answer, indent=indent, ensure_ascii=True, allow_nan=False)


def encode_text(text: str) -> str:
    """Write one text as JSON has it, quotes and all."""
    return simplejson.dumps(text, ensure_ascii=True)


def encode_line(fields: Mapping[str, Any]) -> str:
    """Write one JSON object on one line, a decimal as text and anything unknown as its text."""
    return simplejson.dumps(
        fields, ensure_ascii=True, use_decimal=False, ignore_nan=True, default=_as_text
    )


def _as_text(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) and value.is_finite() else str(value)
