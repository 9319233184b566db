"""Real processes beside the tests, which end with them, whatever ends them."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from reconciler.embedded.guarded import Guarded

LOOK_SECONDS = 0.05
LOG_TAIL_CHARACTERS = 2_000
# Debian keeps some servers where only root looks.
PLACES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/bin", "/usr/sbin"))

T = TypeVar("T")


def binary(name: str) -> Path:
    """A program of the system. Absent ones are skipped at home and are a failure in CI."""
    found = shutil.which(name, path=PLACES)
    if found is not None:
        return Path(found)
    message = f"There is no {name}: CONTRIBUTING.md names the Debian packages of the tests."
    if os.environ.get("RECONCILER_REQUIRE_SERVICES") == "1":
        pytest.fail(message)
    pytest.skip(message)


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


async def until(look: Callable[[], Awaitable[T | None]], what: str, *, within_seconds: float) -> T:
    """Look until there is something to see; `what` says what was waited for in vain."""
    deadline = time.monotonic() + within_seconds
    while True:
        seen = await look()
        if seen:
            return seen
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within_seconds} s: {what}")
        await asyncio.sleep(LOOK_SECONDS)


@dataclass(frozen=True, slots=True)
class Process:
    """A running program, and where it logs."""

    guarded: Guarded
    number: int
    pid: int
    log: Path

    async def signal(self, number: signal.Signals) -> None:
        await self.guarded.signal(self.number, number)

    async def exit_code(self) -> int | None:
        return await self.guarded.exit_code(self.number)

    async def kill(self) -> None:
        """End it as the kernel would, and wait until it has ended."""
        await self.signal(signal.SIGKILL)
        await until(self._has_ended, f"the end of process {self.pid}", within_seconds=5)

    async def answers(self, ask: Callable[[], Awaitable[bool]], *, within_seconds: float) -> None:
        """Wait until it answers; fail with the end of its log if it does not or has ended."""

        async def look() -> bool:
            return await self._has_ended() or await ask()

        with contextlib.suppress(AssertionError):
            await until(look, "", within_seconds=within_seconds)
        if await self._has_ended() or not await ask():
            raise AssertionError(f"{self.log.name} does not answer:\n{self.tail()}")

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]

    async def _has_ended(self) -> bool:
        return await self.exit_code() is not None


class Processes:
    """Starts programs in one temporary directory, held by a guardian as the embedded MongoDB is."""

    def __init__(self, guarded: Guarded, directory: Path) -> None:
        self._guarded = guarded
        self._count = 0
        self.directory = directory

    async def start(
        self, name: str, argv: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> Process:
        """Start a program; `environment` is added to that of the tests, less their own settings."""
        own = [f"--unset={name}" for name in os.environ if name.startswith("RECONCILER_")]
        settings = [f"{key}={text}" for key, text in (environment or {}).items()]
        log = self.directory / f"{self._count}-{name}.log"
        number, self._count = self._count, self._count + 1
        pid = await self._guarded.start(number, [str(binary("env")), *own, *settings, *argv], log)
        return Process(self._guarded, number, pid, log)


@contextlib.asynccontextmanager
async def processes() -> AsyncIterator[Processes]:
    """Give a place for processes, all of which are ended and removed in the end."""
    guarded = await Guarded.launch()
    try:
        yield Processes(guarded, await guarded.open(None))
    finally:
        await guarded.close()
