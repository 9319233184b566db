"""An operation of the API as a value: where it is, what it takes, what it answers, who may call.

Mounting one makes the route and its description of the same value.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from reconciler.model.access import Principal, Scope
from reconciler.surfaces.http.access import Gate
from reconciler.surfaces.http.description import Reply, description_of
from reconciler.surfaces.http.idempotency import Idempotency
from reconciler.surfaces.http.inputs import Input
from reconciler.surfaces.http.json_body import read_body
from reconciler.surfaces.http.query import read_path, read_query

_ANYTHING = "anything"


class _Anything(StringConvertor):
    """Lets any text stand in a path. `read_path` then tells its parts from each other.

    An id may hold a slash, sent as %2F, and the framework matches the path after decoding it; its
    own convertors stop at a slash or at a line break.
    """

    regex = "(?s:.*)"


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked, read and checked.

    Each has its inputs by name, None for what was left out. `op_id` names the posting that a
    request with an `Idempotency-Key` makes; `caller` is the name of who sent a POST; `accept` is
    the header, if there is one.
    """

    path: Mapping[str, Any]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    op_id: str | None = None
    caller: str | None = None
    accept: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method at one address.

    `prefix` and `suffix` are what stands before and after the inputs of the path. Without a `scope`
    anybody may call; `denied` is told the name of a caller that has not the scope.
    """

    name: str
    method: str
    prefix: str
    summary: str
    handle: Callable[[Call], Awaitable[Response]]
    replies: Mapping[int, Reply]
    scope: Scope | None = None
    denied: Callable[[str], None] | None = None
    suffix: str = ""
    path: tuple[Input, ...] = ()
    query: tuple[Input, ...] = ()
    body: tuple[Input, ...] = ()

    @property
    def template(self) -> str:
        """The address with names in braces for what differs, as documents and metrics have it."""
        return self.prefix + "/".join(f"{{{each.name}}}" for each in self.path) + self.suffix


def mount(
    app: FastAPI, operation: Operation, *, gate: Gate, idempotency: Idempotency, has_tokens: bool
) -> None:
    """Make the routes of an operation; what answers GET answers HEAD alike."""
    extra = description_of(
        path=operation.path,
        query=operation.query,
        body=operation.body if operation.method == "POST" else None,
        replies=operation.replies,
        scope=operation.scope,
        has_tokens=has_tokens,
    )
    # The framework keeps these for the whole process; doing it again changes nothing.
    register_url_convertor(_ANYTHING, _Anything())
    inputs = "/".join(_placeholder(each) for each in operation.path)
    route = operation.prefix + inputs + operation.suffix
    endpoint = _endpoint(operation, gate, idempotency)
    add = partial(app.add_api_route, route, endpoint, response_class=Response)
    add(
        methods=[operation.method],
        operation_id=operation.name,
        summary=operation.summary,
        openapi_extra=extra,
    )
    if operation.method == "GET":
        add(methods=["HEAD"], include_in_schema=False)


def _placeholder(wanted: Input) -> str:
    """Write where an input stands in a route."""
    return f"{{{wanted.name}}}" if wanted.is_one_segment else f"{{{wanted.name}:{_ANYTHING}}}"


def _endpoint(
    operation: Operation, gate: Gate, idempotency: Idempotency
) -> Callable[..., Awaitable[Response]]:
    if operation.scope is None:

        async def open_to_all(request: Request) -> Response:
            return await operation.handle(_read(operation, request))

        return open_to_all

    allowed = Annotated[Principal, Depends(gate.require(operation.scope, denied=operation.denied))]

    async def guarded(request: Request, principal: allowed) -> Response:
        if operation.method != "POST":
            return await operation.handle(_read(operation, request))
        return await _post(operation, request, principal, idempotency)

    return guarded


def _read(operation: Operation, request: Request) -> Call:
    accept = request.headers.get("accept")
    path = _path(operation, request)
    return Call(path, read_query(request, operation.query), {}, accept=accept)


def _path(operation: Operation, request: Request) -> Mapping[str, Any]:
    if not operation.path:
        return {}
    return read_path(request, operation.prefix, operation.path, suffix=operation.suffix)


async def _post(
    operation: Operation, request: Request, principal: Principal, idempotency: Idempotency
) -> Response:
    path, query = _path(operation, request), read_query(request, operation.query)
    raw = await request.body()
    body = read_body(raw, operation.body)

    async def work(op_id: str | None) -> Response:
        return await operation.handle(Call(path, query, body, op_id, principal.name))

    return await idempotency.once(request, principal, raw, work)
