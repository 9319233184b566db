"""Stands around the whole application: tells of each request, and answers what nobody foresaw."""

import time
from collections.abc import Callable
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.surfaces.http.access import DenialObserver
from reconciler.surfaces.http.problems import problem_response, unexpected
from reconciler.surfaces.logs import Logs

UNMATCHED = "unmatched"
OTHER_METHOD = "OTHER"
# Of a request whose caller left before it was answered.
STATUS_LEFT = 499
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class HttpObserver(DenialObserver, Protocol):
    """Is told of requests, for metrics. It must return at once, and must not raise."""

    def request_finished(self, route: str, *, method: str, status: int, seconds: float) -> None:
        """A request was answered; `route` is its route's template or `unmatched`, never a path."""


class Observed:
    """Counts and times requests under their route's template; logs an error and says 500.

    The error's text and its traceback are in the log alone.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        observer: HttpObserver,
        logs: Logs,
        monotonic: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Stand before an application."""
        self._app = app
        self._observer = observer
        self._logs = logs
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = self._monotonic(), None

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:
            self._logs.error(
                "http_request_failed", error=error, route=route_of(scope), method=method_of(scope)
            )
            if status is not None:
                # Half an answer is out: only cutting the connection shows that it is none.
                raise
            await problem_response(unexpected())(scope, receive, noting)
        finally:
            self._observer.request_finished(
                route_of(scope),
                method=method_of(scope),
                status=STATUS_LEFT if status is None else status,
                seconds=self._monotonic() - begun,
            )


def route_of(scope: Scope) -> str:
    """Give the template of the route that a request met: one of few, whatever is asked for."""
    return str(getattr(scope.get("route"), "path_format", UNMATCHED))


def method_of(scope: Scope) -> str:
    """Give the method, if it is one of those that there are."""
    method: str = scope["method"]
    return method if method in _METHODS else OTHER_METHOD
