"""Limits of every request, before any of its work: how many at once, how long, how large a body.

Plain ASGI, so that they hold for whatever the application does, and each stands alone. In their
order from the outside: `ConcurrencyLimit`, `Deadline`, `BodyLimit`; `limited` puts them so.
"""

import asyncio
import contextlib
from collections.abc import Iterator

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.settings import ApiSettings
from reconciler.surfaces.http.answering import retry_after
from reconciler.surfaces.http.problems import Problem, problem_response

# What is asked when nothing else is answered any more.
EXEMPT_PREFIXES = ("/healthz/", "/metrics")
_WITHOUT_EFFECT = frozenset({"GET", "HEAD", "OPTIONS"})
_BUSY_SECONDS = 1


def limited(app: ASGIApp, api: ApiSettings) -> ASGIApp:
    """Put an application behind all limits of the settings."""
    bounded = BodyLimit(app, bytes_max=api.body_bytes_max)
    punctual = Deadline(bounded, seconds=api.request_deadline_seconds)
    return ConcurrencyLimit(punctual, parallel_max=api.requests_parallel_max)


class ConcurrencyLimit:
    """Answers 503 where as many requests as may be are worked on; health and metrics never wait."""

    def __init__(self, app: ASGIApp, *, parallel_max: int) -> None:
        """Stand before an application."""
        self._app = app
        self._parallel_max = parallel_max
        self._running = 0

    @property
    def running(self) -> int:
        """How many requests are worked on now."""
        return self._running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["path"].startswith(EXEMPT_PREFIXES):
            await self._app(scope, receive, send)
            return
        if self._running >= self._parallel_max:
            await problem_response(_busy())(scope, receive, send)
            return
        with self._counted():
            await self._app(scope, receive, send)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1


class Deadline:
    """Gives a request up after some seconds, cancels its work and answers 503.

    An answer that has begun by then is cut: its connection is closed before its end. The same
    becomes of work that is cancelled from outside, as when the server stops.
    """

    def __init__(self, app: ASGIApp, *, seconds: float) -> None:
        """Stand before an application."""
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and watch it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                await self._app(scope, receive, watched)
        except TimeoutError:
            if not limit.expired() or has_begun:
                raise
            detail = f"The request took longer than {self._seconds:g} s and was given up."
            await problem_response(_given_up(scope, detail))(scope, receive, send)
        except asyncio.CancelledError:
            if not has_begun:
                problem = _given_up(scope, "The service stops, and gave the request up.")
                await problem_response(problem)(scope, receive, send)
            raise


class BodyLimit:
    """Refuses a body that is too long with 413, whether its length was declared or not.

    The body is read here to its end or to the limit, and handed on whole: no work has begun when it
    is refused, and what is left of it is never kept. A caller that hangs up before the end of its
    body gets no work done.
    """

    def __init__(self, app: ASGIApp, *, bytes_max: int) -> None:
        """Stand before an application."""
        self._app = app
        self._bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = None if self._is_declared_too_long(scope) else await self._read(receive)
        except _HungUp:
            return
        if body is None:
            await problem_response(_too_long(self._bytes_max))(scope, receive, send)
            return
        await self._app(scope, _replaying(body, receive), send)

    def _is_declared_too_long(self, scope: Scope) -> bool:
        declared = [value for name, value in scope["headers"] if name == b"content-length"]
        return any(each.isdigit() and int(each[:20]) > self._bytes_max for each in declared)

    async def _read(self, receive: Receive) -> bytes | None:
        """Read a body; None if it is too long."""
        parts: list[bytes] = []
        length = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _HungUp
            parts.append(message.get("body", b""))
            length += len(parts[-1])
            if length > self._bytes_max:
                return None
            if not message.get("more_body", False):
                return b"".join(parts)


class _HungUp(Exception):
    """The caller is gone."""


def _replaying(body: bytes, receive: Receive) -> Receive:
    """Give the body as one message, and then what comes after it: that the caller hung up."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return left.pop() if left else await receive()

    return replay


def _busy() -> Problem:
    return Problem(
        503,
        "Busy",
        "As many requests as may be are worked on already; nothing was done about this one.",
        headers={"Retry-After": str(_BUSY_SECONDS)},
    )


def _given_up(scope: Scope, what: str) -> Problem:
    if scope["method"] in _WITHOUT_EFFECT:
        return Problem(503, "Given up", what, headers=retry_after())
    is_keyed = any(name == b"idempotency-key" for name, _ in scope["headers"])
    how = (
        "Send the same request again with the same Idempotency-Key: it has its effect once, and "
        "the answer says what became of it."
        if is_keyed
        else "It had no Idempotency-Key: look at the account before you send it again, and send "
        "one next time."
    )
    return Problem(
        503,
        "Outcome unknown",
        f"{what} It may have had its effect, or may still have it. {how}",
        members={"outcome": "unknown"},
        headers=retry_after(),
    )


def _too_long(bytes_max: int) -> Problem:
    return Problem(413, "Body too long", f"A body has at most {bytes_max} bytes.")
