"""A connection of the server that hangs up on whoever does not come to the point.

Uvicorn bounds the time between two requests, and the application that of a request and its body;
nothing else bounds how long the head of a request may take, byte by byte.
"""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS_MAX = 10.0


class TimedConnection(H11Protocol):
    """Closes itself when no request is worked on and the next one's head is not there in time."""

    head_seconds: ClassVar[float] = HEAD_SECONDS_MAX
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def handle_events(self) -> None:
        """Wait no longer once a request's head is there."""
        super().handle_events()
        if self._is_working:
            self._wait_no_longer()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request, if it is not there yet."""
        super().on_response_complete()
        if not self._is_working and not self.transport.is_closing():
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._wait_no_longer()
        super().connection_lost(exc)

    @property
    def _is_working(self) -> bool:
        # Uvicorn has None for a cycle before the first one, whatever its annotation says.
        return getattr(self.cycle, "response_complete", True) is False

    def _wait(self) -> None:
        self._wait_no_longer()
        self._timer = self.loop.call_later(self.head_seconds, self.transport.close)

    def _wait_no_longer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def timed_connection(head_seconds: float) -> type[TimedConnection]:
    """Give the kind of connection on which the head of a request has so many seconds to arrive."""
    return type("TimedConnection", (TimedConnection,), {"head_seconds": head_seconds})
