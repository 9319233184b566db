"""What is wrong with the settings, as one block of text that shows no value."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from reconciler.errors import ReconcilerError
from reconciler.settings.sections import Settings

Location = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong setting: where it was given, its key there, and what to do about it."""

    source: str
    key: str
    what: str

    def __str__(self) -> str:
        return f"  {self.source}: {self.key}: {self.what}" if self.key else f"  {self.what}"


class InvalidSettings(ReconcilerError):
    """The settings cannot be used; the message says where, which and what to do, without values."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        lines = ["The settings cannot be used:", *map(str, problems)]
        lines.append("Every setting is described in config.example.toml.")
        super().__init__("\n".join(lines))
        self.problems = tuple(problems)


# Wordings of our own where pydantic's say too little; all others are taken as they are.
_WORDINGS = {
    "missing": "is needed and was not given",
    "float_parsing": "must be a number, such as 2 or 0.5",
    "float_type": "must be a number, such as 2 or 0.5",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "string_type": "must be text in quotes",
    "finite_number": "must be a finite number",
    "decimal_parsing": 'must be a decimal number in quotes, such as "0.00000001"',
    "model_type": "must be a table of settings",
    "tuple_type": "must be a list",
    "mapping_type": "must be a table",
}


def complaints_of(error: ValidationError) -> list[tuple[Location, str]]:
    """Give the place and the wording of each complaint, without the value it is about."""
    found = []
    for each in error.errors(include_url=False, include_input=False, include_context=True):
        location = tuple(each["loc"])
        if each["type"] == "extra_forbidden":
            found.append((location, f"there is no such setting{_nearest(location)}"))
            continue
        context: Mapping[str, Any] = each.get("ctx", {})
        wording = _WORDINGS.get(each["type"]) or _reworded(each["msg"], context)
        found.append((location, wording))
    return found


def unknown_key(location: Location) -> str:
    """Say that a key does not exist, and which one was probably meant."""
    return f"there is no such setting{_nearest(location)}"


def _reworded(message: str, context: Mapping[str, Any]) -> str:
    if "expected" in context:
        return f"must be {context['expected']}"
    if "pattern" in context:
        return "holds characters that cannot be used here, or is too long"
    message = message.removeprefix("Value error, ")
    return message.replace("Input should", "must").replace("String should", "must")


def _nearest(location: Location) -> str:
    *parents, last = location
    known = _known_keys(Settings, parents)
    close = difflib.get_close_matches(str(last).lower(), known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known here: {', '.join(known)}" if known else ""


def _known_keys(model: type[BaseModel], parents: Sequence[int | str]) -> list[str]:
    for parent in parents:
        if isinstance(parent, int):
            continue
        field = model.model_fields.get(parent)
        inner = _model_in(field.annotation) if field else None
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Find the section in an annotation such as `tuple[CollectionSettings, ...]`."""
    if get_origin(annotation) is None:
        is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
        return annotation if is_model else None
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)
