"""What the API is given by others: who may call, what is told, and the memory of keys."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from starlette.responses import Response

from reconciler.model.access import Principal, Scope


class Gate(Protocol):
    """Decides who may call."""

    def require(self, scope: Scope) -> Callable[..., Any]:
        """Give a dependency: it takes the request, and gives a `Principal` or raises `Problem`."""


class HttpObserver(Protocol):
    """Is told of requests, for metrics. `route` is a template, or `unmatched`; never a path."""

    def request_finished(self, route: str, *, method: str, status: int, seconds: float) -> None:
        """A request was answered; 499 is one whose caller left before."""

    def request_denied(self, reason: str) -> None:
        """A caller was refused for who it is; `reason` is one of few."""


class Idempotency(Protocol):
    """Remembers the answers to requests that came with an `Idempotency-Key`."""

    async def once(
        self,
        act: Callable[[], Awaitable[Response]],
        *,
        key: str,
        principal: Principal,
        operation: str,
        body: bytes,
    ) -> Response:
        """Act, or give the answer of the first time.

        Raises:
            Problem: 422 if the key came with another body before, 409 while that is in flight.
        """
