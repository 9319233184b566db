"""A receiver of Alertmanager's notifications, which remembers them."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.observing.processes import until

BODY_BYTES_MAX = 1 << 20
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Notified:
    """One alert of one notification: whether it fires, its labels, who was told and when."""

    at: float
    receiver: str
    status: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.labels["alertname"]


class Webhook:
    """What was told, in the order in which it was told."""

    def __init__(self) -> None:
        self.notified: list[Notified] = []
        self.url = ""  # without a slash at its end; every path under it is taken

    def of(self, name: str, status: str) -> list[Notified]:
        """What was told of an alert with a status, `firing` or `resolved`."""
        return [each for each in self.notified if (each.name, each.status) == (name, status)]

    async def told(self, name: str, status: str, *, within_seconds: float) -> Notified:
        """Wait until an alert is told with a status, and give the first time."""

        async def look() -> list[Notified]:
            return self.of(name, status)

        what = f"{name} told as {status}; told was {[(n.name, n.status) for n in self.notified]}"
        return (await until(look, what, within_seconds=within_seconds))[0]

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            body = await reader.readexactly(_length(head))
            self.notified += _alerts(json.loads(body))
            writer.write(ANSWER)
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def _length(head: str) -> int:
    for line in head.split("\r\n"):
        name, _, text = line.partition(":")
        if name.lower() == "content-length" and int(text) <= BODY_BYTES_MAX:
            return int(text)
    raise AssertionError(f"a notification of unknown or unheard-of length: {head!r}")


def _alerts(notification: dict[str, Any]) -> Iterator[Notified]:
    at = time.monotonic()
    for alert in notification["alerts"]:
        yield Notified(
            at,
            notification["receiver"],
            alert["status"],
            alert["labels"],
            alert["annotations"],
        )


@contextlib.asynccontextmanager
async def webhook() -> AsyncIterator[Webhook]:
    """Receive notifications on a port of loopback."""
    receiver = Webhook()
    server = await asyncio.start_server(receiver.take, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield receiver
