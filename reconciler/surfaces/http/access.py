"""Who may call: bearer tokens with scopes, or whoever is on this machine where there are none.

A denied request never says which of its reasons it was: a token that is missing, unknown or expired
gets one and the same answer. The reason is told to the observer.
"""

import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from fastapi import Request
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from reconciler.model.access import LOOPBACK, Denial, Principal, Scope, Token, identify
from reconciler.model.loopback import is_loopback_host, why_no_start
from reconciler.model.repair import Guard
from reconciler.settings import ApiSettings, InvalidSettings
from reconciler.settings import Problem as Complaint
from reconciler.surfaces.http.denials import DenialLimit
from reconciler.surfaces.http.problems import Problem, problem_response

_REALM = 'Bearer realm="reconciler"'


class DenialObserver(Protocol):
    """Is told of denied requests. It must return at once, and must not raise."""

    def request_denied(self, reason: str) -> None:
        """A request was denied; `reason` is the value of a `Denial`."""


class Gate:
    """Lets in who may, by the settings as they are now.

    A valid token gets in even from an address that was denied too often: behind a proxy or a NAT
    all callers have one address, and a neighbour must not lock out who is on call. Guessing gains
    nothing by it, since a token has 256 random bits.

    Args:
        api: the tokens, and the address to listen on, which no reload changes.
        clock: the time of day, for expiry.
        observer: is told of denials.
        monotonic: a clock in seconds, for the limit of denials.

    Raises:
        InvalidSettings: without tokens it would listen beyond this machine.
    """

    def __init__(
        self,
        api: ApiSettings,
        *,
        clock: Callable[[], datetime],
        observer: DenialObserver,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = api.host
        self._clock = clock
        self._observer = observer
        self._tokens = _tokens_of(api, host=self._host)
        self._limit = DenialLimit(api.denials_per_minute_max, monotonic=monotonic)

    @property
    def has_tokens(self) -> bool:
        """Whether callers need one."""
        return bool(self._tokens)

    def reload(self, api: ApiSettings) -> None:
        """Take other tokens and another limit of denials, from the next request on.

        Raises:
            InvalidSettings: without tokens it listens beyond this machine; nothing was changed.
        """
        self._tokens = _tokens_of(api, host=self._host)
        self._limit.set_limit(api.denials_per_minute_max)

    def require(
        self, scope: Scope, *, denied: Callable[[str], None] | None = None
    ) -> Callable[[Request], Awaitable[Principal]]:
        """Give a dependency that gives the caller, and denies one who has not the scope.

        `denied` is told the name of such a caller.

        The dependency raises:
            Problem: 401 without a token that is known and alive, 403 without the scope, 429 after
                too many denials.
        """

        async def permitted(request: Request) -> Principal:
            return self._permit(request.scope, scope, denied)

        return permitted

    def guard(self, connection: Connection) -> Problem | None:
        """Say why a request cannot be answered whatever it asks for; None if it can be.

        Without tokens it must be meant for this machine and come from no web page: a browser says
        `Origin` where a page asks another site, and `Host` is the page's own name where that was
        made to resolve to loopback. With tokens a page has none to send, and may say what it likes.
        """
        if self._tokens:
            return None
        if not is_loopback_host(_headers(connection, b"host")):
            return self._denied(connection, Denial.FOREIGN_HOST, _foreign_host())
        if _headers(connection, b"origin"):
            return self._denied(connection, Denial.FOREIGN_ORIGIN, _foreign_origin())
        return None

    def _permit(
        self, connection: Connection, scope: Scope, denied: Callable[[str], None] | None
    ) -> Principal:
        found = self._caller(connection)
        if isinstance(found, Denial):
            raise self._denied(connection, found, _unauthorized())
        if not found.may(scope):
            if denied is not None:
                denied(found.name)
            raise self._denied(connection, Denial.SCOPE_MISSING, _forbidden(scope))
        return found

    def _caller(self, connection: Connection) -> Principal | Denial:
        if not self._tokens:
            return LOOPBACK
        headers = _headers(connection, b"authorization")
        return identify(headers, self._tokens, self._clock())

    def _denied(self, connection: Connection, reason: Denial, problem: Problem) -> Problem:
        client = connection.get("client")
        wait_seconds = self._limit.deny(client[0] if client else None)
        if wait_seconds is None:
            self._observer.request_denied(reason.value)
            return problem
        self._observer.request_denied(Denial.TOO_MANY.value)
        return _too_many(math.ceil(wait_seconds))


class LoopbackGuard:
    """The part of the gate that stands before every route, pages of metrics and health too."""

    def __init__(self, app: ASGIApp, *, gate: Gate) -> None:
        """Stand before an application."""
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with its problem."""
        problem = self._gate.guard(scope) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await problem_response(problem)(scope, receive, send)


def _tokens_of(api: ApiSettings, *, host: str) -> Sequence[Token]:
    why = why_no_start(host, has_tokens=bool(api.tokens))
    if why is not None:
        raise InvalidSettings([Complaint("settings", "api.tokens", why)])
    return [
        Token(
            Principal(token.name, frozenset(token.scopes)),
            bytes.fromhex(token.sha256),
            token.expires,
        )
        for token in api.tokens
    ]


def _headers(connection: Connection, name: bytes) -> list[bytes]:
    return [value for key, value in connection["headers"] if key == name]


def _unauthorized() -> Problem:
    return Problem(
        401,
        "Unauthorized",
        "Send a valid token: Authorization: Bearer TOKEN. `reconciler token new` makes one.",
        headers={"WWW-Authenticate": _REALM},
    )


def _forbidden(scope: Scope) -> Problem:
    challenge = f'{_REALM}, error="insufficient_scope", scope="{scope.value}"'
    return Problem(
        403,
        "Forbidden",
        f"This takes a caller with the scope {scope.value}.",
        members={"scope": scope.value, **_guarding(scope)},
        headers={"WWW-Authenticate": challenge},
    )


def _guarding(scope: Scope) -> Mapping[str, str]:
    """Name the first guard of a repair, where it is the one that says no."""
    is_of_repair = scope in {Scope.REPAIR_PROPOSE, Scope.REPAIR_APPROVE}
    return {"guard": Guard.SCOPE.value} if is_of_repair else {}


def _foreign_host() -> Problem:
    return Problem(
        403,
        "Forbidden",
        "Without tokens only this machine is answered: ask for 127.0.0.1, localhost or [::1].",
    )


def _foreign_origin() -> Problem:
    return Problem(
        403,
        "Forbidden",
        "Without tokens no web page is answered: a request must not have an Origin header.",
    )


def _too_many(wait_seconds: int) -> Problem:
    return Problem(
        429,
        "Too many denials",
        "Too many requests from this address were denied. One with a valid token is answered.",
        headers={"Retry-After": str(wait_seconds)},
    )
