"""Reads a request's body as one JSON object, whatever its Content-Type says.

Stricter than the standard library: no key twice, no NaN, UTF-8 alone; and numbers stay the digits
they were written with, since a float would have lost some of them already.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.surfaces.http.inputs import Input, Numeral, Unusable, names_of
from reconciler.surfaces.http.problems import Problem, invalid, malformed


@dataclass(frozen=True, slots=True)
class _Pairs:
    """What stood where an object was written; made only to be refused where none may be."""

    fields: Mapping[str, Any]


def read_body(raw: bytes, inputs: Sequence[Input]) -> Mapping[str, Any]:
    """Read the fields of a body; one that may be left out and is reads as None.

    Raises:
        Problem: 400 if it is not JSON or a key stands twice, 422 if it is and is not usable.
    """
    document = _parsed(raw)
    if not isinstance(document, _Pairs):
        raise invalid("The body must be a JSON object.")
    known = {each.name for each in inputs}
    if not document.fields.keys() <= known:
        raise invalid(f"The body has a field that is not known here; known are {names_of(inputs)}.")
    return {each.name: _read(each, document.fields) for each in inputs}


def _read(wanted: Input, fields: Mapping[str, Any]) -> Any:
    if wanted.name not in fields:
        if wanted.is_required:
            raise invalid(f"The body needs the field {wanted.name}.")
        return None
    try:
        return wanted.read(fields[wanted.name])
    except Unusable as error:
        raise invalid(f"The field {wanted.name} {error}.") from error


def _parsed(raw: bytes) -> object:
    if not raw.strip():
        raise malformed("The body is empty; a JSON object is needed.")
    try:
        return json.loads(
            raw.decode("utf-8"),
            parse_int=lambda digits: Numeral(digits, is_integer=True),
            parse_float=lambda digits: Numeral(digits, is_integer=False),
            parse_constant=_no_constant,
            object_pairs_hook=_no_doubles,
        )
    except UnicodeDecodeError as error:
        raise malformed("The body is not UTF-8.") from error
    except json.JSONDecodeError as error:
        raise malformed(
            f"The body is not JSON: see line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise malformed("The body is nested too deeply.") from error


def _no_constant(_name: str) -> Any:
    raise invalid("The body has a number that is NaN or infinite, which JSON does not have.")


def _no_doubles(pairs: list[tuple[str, Any]]) -> _Pairs:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Problem(400, "Malformed JSON", "The body has a key twice; which one is meant?")
    return _Pairs(fields)
