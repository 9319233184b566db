"""Listens on a socket and serves an application on it, inside the event loop that is there.

The server is uvicorn without what belongs to a program of its own: its signal handlers, its logging
configuration, its access log, its life cycle events. Whoever uses `serving` has those.
"""

import asyncio
import contextlib
import math
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from reconciler.errors import ReconcilerError
from reconciler.settings import ApiSettings
from reconciler.surfaces.http.binding import CONNECTIONS_WAITING_MAX, bound_socket, tls_context
from reconciler.surfaces.http.connection import HEAD_SECONDS_MAX, timed_connection

STOP_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 5
HEADER_BYTES_MAX = 32 * 1024
# What uvicorn needs beside the time that it gives to requests.
_STOP_MARGIN_SECONDS = 1.0
_START_SECONDS_MAX = 10.0
_LOOK_SECONDS = 0.005


class ServingEnded(ReconcilerError):
    """The HTTP server ended by itself, which it should not; its cause says why."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that answers: where, and until when."""

    host: str
    port: int
    is_tls: bool
    _task: asyncio.Task[None]

    @property
    def url(self) -> str:
        """The address for people and for curl."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_tls else 'http'}://{host}:{self.port}"

    async def wait_ended(self) -> None:
        """Wait for as long as it serves.

        Raises:
            ServingEnded: it ended by itself. It ends otherwise only when `serving` is left.
        """
        await asyncio.wait({self._task})
        error = None if self._task.cancelled() else self._task.exception()
        raise ServingEnded("the HTTP server ended by itself") from error


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, api: ApiSettings, *, stop_seconds: float = STOP_SECONDS
) -> AsyncIterator[Serving]:
    """Serve an application until the context is left; it answers when the context is entered.

    At the end no new connection is taken, and requests have `stop_seconds` to end; what is left
    then is cancelled, and connections are closed.

    Raises:
        InvalidSettings: the address cannot be listened on, or the certificate cannot be used; the
            message says which and what to do.
    """
    context = tls_context(api)
    with contextlib.closing(bound_socket(api.host, api.port)) as listener:
        host, port = listener.getsockname()[:2]
        server = _Server(_config(app, api, context, stop_seconds))
        task = asyncio.create_task(server.serve(sockets=[listener]), name="http")
        try:
            await _until_started(server, task)
            yield Serving(host, port, context is not None, task)
        finally:
            await _stop(server, task, stop_seconds)


class _Server(uvicorn.Server):
    """A server that leaves signals to the program, whose they are."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _config(
    app: ASGIApp, api: ApiSettings, context: ssl.SSLContext | None, stop_seconds: float
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="none",
        http=timed_connection(min(api.request_deadline_seconds, HEAD_SECONDS_MAX)),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",  # a warning for each request that is not HTTP would fill the log
        access_log=False,
        workers=1,
        # A header must not say who calls: whoever is denied would choose whom that is counted for.
        proxy_headers=False,
        server_header=False,
        backlog=CONNECTIONS_WAITING_MAX,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(stop_seconds),
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
        ssl_context_factory=None if context is None else lambda *_: context,
    )


async def _until_started(server: uvicorn.Server, task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(_START_SECONDS_MAX):
        while not server.started:
            if task.done():
                await task
                raise ServingEnded("the HTTP server ended before it answered")
            await asyncio.sleep(_LOOK_SECONDS)


async def _stop(server: uvicorn.Server, task: asyncio.Task[None], stop_seconds: float) -> None:
    """End the server within a bound, and whatever it leaves behind."""
    server.should_exit = True
    await asyncio.wait({task}, timeout=math.ceil(stop_seconds) + _STOP_MARGIN_SECONDS)
    if not task.done():
        task.cancel()
        for request in server.server_state.tasks:
            request.cancel()
    # Done already, unless the server died: its socket must leave the loop before it is closed.
    for listening in getattr(server, "servers", []):
        listening.close()
    await asyncio.wait({task, *server.server_state.tasks}, timeout=_STOP_MARGIN_SECONDS)
    if task.done() and not task.cancelled():
        task.exception()  # told by `wait_ended` to whoever asked
    for connection in list(server.server_state.connections):
        transport = getattr(connection, "transport", None)
        if transport is not None:
            transport.abort()
