"""Reads a request's query and path: no parameter that is not known, none twice, UTF-8 alone.

The framework leaves out what it does not know, and a filter that is left out asks for everything.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.requests import Request

from reconciler.surfaces.http.inputs import Input, Unusable, names_of
from reconciler.surfaces.http.problems import invalid, not_found


def read_query(request: Request, inputs: Sequence[Input]) -> Mapping[str, Any]:
    """Read the parameters of a query; one that may be left out and is reads as None.

    Raises:
        Problem: 422.
    """
    known = {each.name: each for each in inputs}
    found: dict[str, Any] = {}
    for name, value in _pairs(request.scope["query_string"]):
        if name not in known:
            raise invalid(
                f"The query has a parameter that is not known here; known are {names_of(inputs)}."
            )
        if name in found:
            raise invalid(f"The query has the parameter {name} twice.")
        try:
            found[name] = known[name].read(value)
        except Unusable as error:
            raise invalid(f"The parameter {name} {error}.") from error
    for each in inputs:
        if each.is_required and each.name not in found:
            raise invalid(f"The query needs the parameter {each.name}.")
    return {name: found.get(name) for name in known}


def read_path(
    request: Request, prefix: str, inputs: Sequence[Input], *, suffix: str = ""
) -> Mapping[str, Any]:
    """Read the segments between a prefix and a suffix, from the path as it was sent.

    In the decoded path a slash within an id (`%2F`) is no longer told from one between two.

    Raises:
        Problem: 404 if there are more or fewer segments, 422 if one is not usable.
    """
    raw: bytes = request.scope["raw_path"]
    segments = raw.removesuffix(suffix.encode("ascii")).split(b"/")[prefix.count("/") :]
    if len(segments) != len(inputs):
        raise not_found("There is nothing at this address. A slash within an id is written %2F.")
    found = {}
    for each, segment in zip(inputs, segments, strict=True):
        try:
            found[each.name] = each.read(_decoded(segment))
        except Unusable as error:
            raise invalid(f"The path's {each.name} {error}.") from error
    return found


def _pairs(query: bytes) -> Iterator[tuple[str, str]]:
    for part in query.split(b"&"):
        if not part:
            continue
        name, _, value = part.partition(b"=")
        try:
            yield _decoded(name.replace(b"+", b" ")), _decoded(value.replace(b"+", b" "))
        except Unusable as error:
            raise invalid(f"The query {error}.") from error


def _decoded(part: bytes) -> str:
    try:
        return unquote_to_bytes(part).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unusable("is not percent-encoded UTF-8") from error
