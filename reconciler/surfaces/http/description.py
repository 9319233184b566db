"""How an operation is described in OpenAPI: its inputs, and every answer it can give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from reconciler.model.access import Scope
from reconciler.surfaces.http.answering import JSON
from reconciler.surfaces.http.inputs import Input, Schema
from reconciler.surfaces.http.problems import PROBLEM_JSON

IDEMPOTENCY_KEY: Mapping[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": (
        "Makes a repetition safe: the same key with the same request is done once, and answered as "
        "the first time."
    ),
    "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
}
_RETRY_AFTER: Mapping[str, Any] = {
    "Retry-After": {
        "description": "Seconds until it is worth another try.",
        "schema": {"type": "integer", "minimum": 0},
    }
}
_TOKEN = "token"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of an operation: what it means, and its body by media type.

    Schemas are references by name to those of the document, or schemas.
    """

    description: str
    content: Mapping[str, Schema]
    headers: Mapping[str, Any] | None = None

    def described(self) -> dict[str, Any]:
        """Give OpenAPI's response object."""
        response: dict[str, Any] = {
            "description": self.description,
            "content": {kind: {"schema": schema} for kind, schema in self.content.items()},
        }
        return response | ({"headers": dict(self.headers)} if self.headers else {})


def named_schema(name: str) -> Schema:
    """Refer to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def json_reply(description: str, name: str) -> Reply:
    """Describe an answer in JSON."""
    return Reply(description, {JSON: named_schema(name)})


def problem_reply(description: str) -> Reply:
    """Describe a refusal."""
    return Reply(description, {PROBLEM_JSON: named_schema("Problem")})


def unavailable_reply(description: str, name: str | None = None) -> Reply:
    """Describe a 503; `name` is the schema of an answer in JSON that it may have as well."""
    content = {PROBLEM_JSON: named_schema("Problem")}
    if name:
        content |= {JSON: named_schema(name)}
    return Reply(description, content, _RETRY_AFTER)


def description_of(
    *,
    path: Sequence[Input],
    query: Sequence[Input],
    body: Sequence[Input] | None,
    replies: Mapping[int, Reply],
    scope: Scope | None,
    has_tokens: bool,
) -> dict[str, Any]:
    """Give OpenAPI's operation object, without what the framework writes itself."""
    everything = {422: problem_reply("Something that was sent is not usable.")}
    everything |= {503: unavailable_reply("It may work later.")}
    parameters = [_parameter(each, "path") for each in path]
    parameters += [_parameter(each, "query") for each in query]
    operation: dict[str, Any] = {}
    if body is not None:
        everything |= _REPLIES_TO_A_BODY
        parameters.append(dict(IDEMPOTENCY_KEY))
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": body_schema(body)}},
        }
    if scope is not None or not has_tokens:
        everything |= _replies_of_the_gate(has_tokens=has_tokens)
    if scope is not None:
        operation["description"] = f"Needs the scope `{scope.value}`."
        operation["security"] = [{_TOKEN: []}] if has_tokens else []
    everything |= replies
    if parameters:
        operation["parameters"] = parameters
    operation["responses"] = {
        str(status): everything[status].described() for status in sorted(everything)
    }
    return operation


def body_schema(inputs: Sequence[Input]) -> Schema:
    """Describe the object that a body must be."""
    return {
        "type": "object",
        "properties": {
            each.name: {**each.schema, "description": each.description} for each in inputs
        },
        "required": [each.name for each in inputs if each.is_required],
        "additionalProperties": False,
    }


def _parameter(wanted: Input, where: str) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "in": where,
        "required": wanted.is_required or where == "path",
        "description": wanted.description,
        "schema": dict(wanted.schema),
    }


_REPLIES_TO_A_BODY: Mapping[int, Reply] = {
    400: problem_reply("The body is not JSON, or has a key twice."),
    409: problem_reply("The state of things forbids it; nothing was done."),
    413: problem_reply("The body is larger than is read."),
}


def _replies_of_the_gate(*, has_tokens: bool) -> Mapping[int, Reply]:
    replies = {
        403: problem_reply("The caller may not do this."),
        429: Reply(
            "Too many refused requests.", {PROBLEM_JSON: named_schema("Problem")}, _RETRY_AFTER
        ),
    }
    if has_tokens:
        replies[401] = problem_reply("A token is missing, unknown or expired.")
    return replies


class DescribedApi(FastAPI):
    """The framework's application, with the schemas of ours in its description."""

    def __init__(self, schemas: Mapping[str, Schema], *, has_tokens: bool, **options: Any) -> None:
        """Take the schemas by name, and whether callers need tokens."""
        super().__init__(**options)
        self._schemas = schemas
        self._has_tokens = has_tokens

    def openapi(self) -> dict[str, Any]:
        """Give the description: complete whether or not it is served."""
        document = super().openapi()
        components: dict[str, Any] = {"schemas": dict(self._schemas)}
        if self._has_tokens:
            components["securitySchemes"] = {_TOKEN: {"type": "http", "scheme": "bearer"}}
        document["components"] = components
        return document
