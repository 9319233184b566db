"""The harness of the end-to-end tests, tried on a target of its own."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from tests.observing.monitoring import monitoring
from tests.observing.processes import processes, until
from tests.observing.webhook import Webhook, webhook

ROOT = Path(__file__).resolve().parents[2]
RULES = {
    "groups": [
        {
            "name": "harness",
            "rules": [{"alert": "TooMuch", "expr": "much > 1", "labels": {"severity": "critical"}}],
        }
    ]
}
# Starts a process that would run for a minute, says its id, and is killed.
ORPHANING = """
import asyncio, os, signal
from tests.observing.processes import binary, processes
async def main():
    async with processes() as place:
        process = await place.start("sleep", [str(binary("sleep")), "60"])
        print(process.pid, place.directory, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


class Target:
    """A tiny server of one metric."""

    def __init__(self) -> None:
        self.much = 0
        self.address = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            text = f"# TYPE much gauge\nmuch {self.much}\n".encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + text)
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def target() -> AsyncIterator[Target]:
    served = Target()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield served


def routing(receiver: Webhook) -> dict[str, object]:
    """Tell everything at once."""
    return {
        "route": {
            "receiver": "test",
            "group_by": ["alertname"],
            "group_wait": "0s",
            "group_interval": "1s",
        },
        "receivers": [
            {"name": "test", "webhook_configs": [{"url": receiver.url, "send_resolved": True}]}
        ],
    }


async def test_what_fires_is_told_and_then_resolved() -> None:
    """A metric is scraped, asked for, fires and resolves, and the receiver is told of both."""
    async with (
        target() as served,
        webhook() as receiver,
        processes() as place,
        monitoring(
            place, targets=[served.address], rules=RULES, routing=routing(receiver)
        ) as watching,
    ):
        await watching.prometheus.holds("much == 0", within_seconds=10)
        assert await watching.prometheus.value("absent_metric") is None

        served.much = 2
        told = await receiver.told("TooMuch", "firing", within_seconds=10)
        assert told.labels["instance"] == served.address
        assert await watching.prometheus.firing() == {"TooMuch"}
        assert await watching.alertmanager.inhibited() == set()

        served.much = 1
        await receiver.told("TooMuch", "resolved", within_seconds=15)


async def test_processes_end_with_a_killed_test() -> None:
    """A killed process of tests leaves neither processes nor directories behind."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        ORPHANING,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    pid, directory = (await child.stdout.readline()).decode().split()
    assert await child.wait() == -signal.SIGKILL

    async def is_gone() -> bool:
        return not Path(f"/proc/{pid}").exists() and not Path(directory).exists()

    await until(is_gone, f"process {pid} and {directory} are gone", within_seconds=10)
    assert os.getpid() != int(pid)
