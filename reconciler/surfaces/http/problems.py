"""Problem documents (RFC 9457): how the API says no, never with the caller's own input in it.

`title` names the kind of problem and is the same each time, `type` is that name as a URI, `detail`
says what to do. Further members are of ours: an `op_id`, the names of fields.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match

from reconciler.surfaces.http.answering import ExactJsonResponse, retry_after

PROBLEM_JSON = "application/problem+json"
TYPE_PREFIX = "urn:reconciler:problem:"


class Problem(Exception):
    """What a request is refused with, or why it cannot be answered; made into a document.

    `detail` and `members` are ours: nothing that the caller sent may be in them.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        members: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Take the HTTP status, the kind's name, and what to do about it."""
        super().__init__(f"{status} {title}: {detail}")
        self.status = status
        self.title = title
        self.detail = detail
        self.members = dict(members or {})
        self.headers = dict(headers or {})

    @property
    def type(self) -> str:
        """The kind's name as a URI."""
        return TYPE_PREFIX + self.title.lower().replace(" ", "-")


def malformed(detail: str) -> Problem:
    """Say that a body cannot be read as one JSON object."""
    return Problem(400, "Malformed JSON", detail)


def invalid(detail: str) -> Problem:
    """Say that what was sent can be read and is not usable."""
    return Problem(422, "Invalid input", detail)


def not_found(detail: str) -> Problem:
    """Say that what was asked for is not there."""
    return Problem(404, "Not found", detail)


def conflict(title: str, detail: str) -> Problem:
    """Say that the request is sound and the state of things forbids it."""
    return Problem(409, title, detail)


def unavailable(detail: str, *, members: Mapping[str, object] | None = None) -> Problem:
    """Say that it may work later."""
    return Problem(503, "Unavailable", detail, members=members, headers=retry_after())


def unexpected() -> Problem:
    """Say that something of ours is broken, and nothing about what."""
    return Problem(
        500,
        "Unexpected error",
        "The service failed in a way that nobody foresaw; its log says how. Whether anything was "
        "done is not known: repeat a POST with the same Idempotency-Key only.",
    )


def problem_response(problem: Problem) -> Response:
    """Write a problem document."""
    return ExactJsonResponse(
        {
            "type": problem.type,
            "title": problem.title,
            "status": problem.status,
            "detail": problem.detail,
            **problem.members,
        },
        problem.status,
        headers=problem.headers,
        media_type=PROBLEM_JSON,
    )


def answer_problems(app: FastAPI) -> None:
    """Make the application answer its refusals, and the framework's, with problem documents."""
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_framework)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)


async def _answer_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error)


async def _answer_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem_response(not_found("There is nothing at this address."))
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return problem_response(_wrong_method(request))
    # The framework's own words may quote the request; the phrase of the status cannot.
    phrase = HTTPStatus(error.status_code).phrase
    return problem_response(
        Problem(error.status_code, phrase, f"{phrase}.", headers=error.headers or {})
    )


def _wrong_method(request: Request) -> Problem:
    allowed = ", ".join(_methods_at(request))
    return Problem(
        405,
        "Method not allowed",
        f"This address answers {allowed}.",
        headers={"Allow": allowed},
    )


def _methods_at(request: Request) -> Iterable[str]:
    found: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= set(getattr(route, "methods", None) or ())
    return sorted(found)


async def _answer_validation(_request: Request, _error: Exception) -> Response:
    return problem_response(invalid("A parameter is missing or not usable."))


async def _answer_nobody(_request: Request, _error: Exception) -> Response:
    # The caller hung up in the middle of its body: nobody reads this.
    return problem_response(malformed("The body ended before it was complete."))
