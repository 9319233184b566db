"""Asks a running daemon over HTTP: no redirects, no proxies, so that a token goes nowhere else."""

import asyncio
import json
import socket
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from reconciler import __version__
from reconciler.errors import CannotLook, ReadInterrupted

CONNECT_SECONDS_MAX = 10.0
# Longer answers are no daemon's: it cuts what it lists.
ANSWER_BYTES_MAX = 16 * 1_048_576

_DENIED = {
    401: "it does not let this token in: set RECONCILER_GATE__TOKEN to one with the scope check",
    403: "the token has not the scope check, or no token is set and the address is foreign to it",
    404: "there is nothing at this address: a daemon of an older version, or something else",
    429: "it was asked too often without a valid token: wait a minute",
}


@dataclass(frozen=True, slots=True)
class DaemonAddress:
    """Where a daemon is; `prefix` is what a proxy puts before its paths."""

    is_tls: bool
    host: str
    port: int | None
    prefix: str

    @classmethod
    def of(cls, url: str) -> "DaemonAddress":
        """Read an address as people write it.

        Raises:
            ValueError: it is none, or holds what belongs elsewhere; the message shows none of it.
        """
        try:
            parts = urlsplit(url)
            port, host = parts.port, parts.hostname
        except ValueError:
            parts, port, host = urlsplit(""), None, None
        if parts.scheme not in {"http", "https"} or not host or not url.isascii():
            raise ValueError("must look like https://host:8080")
        if "@" in parts.netloc:
            raise ValueError("must hold no password: the token is RECONCILER_GATE__TOKEN")
        if parts.query or parts.fragment or any(sign <= " " or sign == "\x7f" for sign in url):
            raise ValueError("must end after the host, its port, and a path if a proxy adds one")
        return cls(parts.scheme == "https", host, port, parts.path.rstrip("/"))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"{'https' if self.is_tls else 'http'}://{host}{port}{self.prefix}"


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer: its status, and the JSON object that it is."""

    status: int
    document: dict[str, Any]


class DaemonClient:
    """Asks one daemon; a question takes no longer than `seconds_max`."""

    def __init__(self, address: DaemonAddress, *, token: str, seconds_max: float) -> None:
        self._address = address
        self._headers = {"Accept": "application/json", "User-Agent": f"reconciler/{__version__}"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._seconds_max = seconds_max

    async def get(self, path: str) -> Heard:
        """Ask once.

        Raises:
            ReadInterrupted: it does not answer, or not in time.
            CannotLook: it does not let us in, or is no such daemon.
        """
        connection = self._connection()
        try:
            async with asyncio.timeout(self._seconds_max):
                return await asyncio.to_thread(self._ask, connection, path)
        except TimeoutError as error:
            raise ReadInterrupted(f"{self._address} did not answer in time") from error
        except (OSError, HTTPException) as error:
            why = str(error) or type(error).__name__
            raise ReadInterrupted(
                f"{self._address} does not answer ({why}): is it the address of `reconciler run`, "
                "and is that up?"
            ) from error
        finally:
            _hang_up(connection)

    def _connection(self) -> HTTPConnection:
        made = HTTPSConnection if self._address.is_tls else HTTPConnection
        seconds = min(CONNECT_SECONDS_MAX, self._seconds_max)
        return made(self._address.host, self._address.port, timeout=seconds)

    def _ask(self, connection: HTTPConnection, path: str) -> Heard:
        connection.connect()
        connection.sock.settimeout(self._seconds_max)
        connection.request("GET", self._address.prefix + path, headers=self._headers)
        answer = connection.getresponse()
        if answer.status in _DENIED:
            raise CannotLook(f"{self._address}{path}: {_DENIED[answer.status]}")
        text = answer.read(ANSWER_BYTES_MAX + 1)
        try:
            document = json.loads(text) if len(text) <= ANSWER_BYTES_MAX else None
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise CannotLook(
                f"{self._address}{path} answers {answer.status} with no JSON object: is it the "
                "address of `reconciler run`?"
            )
        return Heard(answer.status, document)


def _hang_up(connection: HTTPConnection) -> None:
    """End what a thread may still wait for: the process must not wait for it."""
    try:
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it was closed already
    finally:
        connection.close()
