"""The record of freezes as the text of `freeze.toml`, and its documents as JSON.

Each has one text only: one that was edited by hand, if only a space of it, is not taken.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from reconciler.control.record import FIELDS, Freeze, FreezeRecord, Signer, SpoiledRecord, sha256_of
from reconciler.errors import InvalidAuditEvent

_HEAD = """\
# Written by `reconciler freeze approve`, and read by `reconciler freeze verify`. Do not edit it:
# every character is held against the signatures. How to freeze again: docs/freeze.md.
"""
_HEX = re.compile(r"[0-9a-f]+")
_HEX_DIGITS = {
    "previous": 64, "digest": 64, "proposal": 64, "evidence": 64, "signature": 128
}  # fmt: skip


def record_text(record: FreezeRecord) -> str:
    """Write the record as `freeze.toml` has it."""
    parts = [_HEAD]
    for freeze in record.freezes:
        lines = [f"{name} = {_value(name, freeze)}" for name in FIELDS]
        parts.append("[[freeze]]\n" + "\n".join(lines) + "\n")
    units = [f"{_text(unit)} = {_text(record.units[unit])}" for unit in sorted(record.units)]
    parts.append("\n".join(["[units]", *units]) + "\n")
    return "\n".join(parts)


def read_record(text: str) -> FreezeRecord:
    """Read the text of `freeze.toml`.

    Raises:
        SpoiledRecord: it is not as it was written; the message names the line.
    """
    text = text.replace("\r\n", "\n")
    try:
        fields = tomllib.loads(text)
        record = FreezeRecord(
            tuple(_freeze(each) for each in fields["freeze"]), dict(fields["units"])
        )
        again = record_text(record)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SpoiledRecord(f"freeze.toml cannot be read: {error}") from error
    if again != text:
        raise SpoiledRecord(
            f"freeze.toml was edited: line {_first_difference(text, again)} is not as "
            "`reconciler freeze approve` writes it"
        )
    return record


def sealed(document: Mapping[str, Any]) -> str:
    """Write a document with its own digest, as JSON.

    Raises:
        InvalidAuditEvent: it holds a float or what JSON does not know.
    """
    whole = {"document": document, "sha256": sha256_of(document)}
    return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def unsealed(name: str, text: str) -> tuple[dict[str, Any], str]:
    """Read a document that was sealed; give it with its digest.

    Raises:
        SpoiledRecord: it is not as it was written.
    """
    text = text.replace("\r\n", "\n")
    try:
        whole = json.loads(text)
        document, digest = whole["document"], whole["sha256"]
        is_whole = isinstance(document, dict) and sealed(document) == text
    except (ValueError, KeyError, TypeError, RecursionError, InvalidAuditEvent) as error:
        raise SpoiledRecord(f"{name} cannot be read: {error}") from error
    if not is_whole:
        raise SpoiledRecord(f"{name} was edited: it is not what its own digest says")
    return document, digest


def _freeze(fields: Mapping[str, Any]) -> Freeze:
    if set(fields) != set(FIELDS):
        odd = ", ".join(sorted(set(fields) ^ set(FIELDS)))
        raise ValueError(f"a freeze has too much or too little: {odd}")
    signers = tuple(Signer(**each) for each in fields["signers"])
    freeze = Freeze(**{**fields, "signers": signers})
    for name in FIELDS:
        _hold_to_type(name, getattr(freeze, name))
    for signer in signers:
        _hold_to_hex("public_key", signer.public_key, 64)
    return freeze


def _hold_to_type(name: str, value: object) -> None:
    expected = {"number": int, "self_approval": bool, "signers": tuple}.get(name, str)
    if type(value) is not expected:
        raise ValueError(f"{name} is no {expected.__name__}")
    if name in _HEX_DIGITS:
        _hold_to_hex(name, value, _HEX_DIGITS[name])


def _hold_to_hex(name: str, value: object, digits: int) -> None:
    if not isinstance(value, str) or len(value) != digits or not _HEX.fullmatch(value):
        raise ValueError(f"{name} is not {digits} hex digits")


def _value(name: str, freeze: Freeze) -> str:
    value = getattr(freeze, name)
    if name == "signers":
        lines = [
            f"    {{ name = {_text(each.name)}, public_key = {_text(each.public_key)} }},\n"
            for each in freeze.signers
        ]
        return f"[\n{''.join(lines)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else _text(value)


def _text(text: str) -> str:
    """Write a text: JSON's escapes are TOML's, as long as there is no control character."""
    return json.dumps(text, ensure_ascii=False)


def _first_difference(text: str, again: str) -> int:
    lines, others = text.split("\n"), again.split("\n")
    for number, (line, other) in enumerate(zip(lines, others, strict=False), start=1):
        if line != other:
            return number
    return min(len(lines), len(others))
