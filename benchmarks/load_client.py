"""Many clients that ask one address again and again, in a process of its own.

`python -m benchmarks.load_client HOST PORT PATH CLIENTS PAUSE_SECONDS` opens a connection for each
client, says `ready` when each has been answered once, goes on until its standard input ends, and
prints JSON. A client waits for its answer, pauses, and asks again on the same connection. It speaks
just enough HTTP for that, so that it leaves the cores to what is measured.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

WAIT_SECONDS_MAX = 60.0


@dataclass
class Answers:
    """What came back: the seconds that each good answer took, and what was wrong with others."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    elapsed_seconds: float = 0.0


class Client:
    """Asks on a connection that it keeps."""

    def __init__(self, host: str, port: int, path: str) -> None:
        self._address = host, port
        self._request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode("ascii")

    async def open(self) -> None:
        """Connect, and be answered once."""
        self._reader, self._writer = await asyncio.open_connection(*self._address)
        await self.ask()

    async def ask(self) -> None:
        """Ask once.

        Raises:
            ValueError: the answer is not 200.
            OSError, EOFError, TimeoutError: there was none.
        """
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            self._writer.write(self._request)
            head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            await self._reader.readexactly(int(length))
        status = head.split(b" ", 2)[1]
        if status != b"200":
            raise ValueError(f"status {status.decode()}")

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def load(
    host: str, port: int, path: str, *, clients: int, pause_seconds: float
) -> dict[str, Any]:
    """Have all clients ask until the standard input ends."""
    answers = Answers()
    asking = [Client(host, port, path) for _ in range(clients)]
    await asyncio.gather(*(client.open() for client in asking))
    print("ready", flush=True)
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    started = time.perf_counter()
    going_on = [_go_on(client, pause_seconds, ended, answers) for client in asking]
    await asyncio.gather(_until(ended, answers, started), *going_on)
    await asyncio.gather(*(client.close() for client in asking))
    return {
        "elapsed_seconds": answers.elapsed_seconds,
        "seconds": [round(each, 6) for each in answers.seconds],
        "errors": answers.errors,
        "cpu_seconds": time.process_time(),
    }


async def _until(ended: "asyncio.Task[str]", answers: Answers, started: float) -> None:
    await ended
    answers.elapsed_seconds = time.perf_counter() - started


async def _go_on(
    client: Client, pause_seconds: float, ended: "asyncio.Task[str]", answers: Answers
) -> None:
    """Ask again and again, after pauses of different lengths: clients do not march in step."""
    pause = random.uniform(0, pause_seconds)
    while True:
        await asyncio.sleep(pause)
        if ended.done():
            return
        begun = time.perf_counter()
        try:
            await client.ask()
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            answers.errors.append(str(error) or type(error).__name__)
            return
        answers.seconds.append(time.perf_counter() - begun)
        pause = random.uniform(0.5, 1.5) * pause_seconds


def main(arguments: Sequence[str]) -> None:
    """Read the arguments and ask."""
    host, port, path, clients, pause_seconds = arguments
    found = load(host, int(port), path, clients=int(clients), pause_seconds=float(pause_seconds))
    json.dump(asyncio.run(found), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
