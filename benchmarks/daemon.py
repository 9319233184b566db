"""A running daemon, in a process of its own, for as long as a measurement takes."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The daemon must be up, and its first scan done, within so long.
WAIT_SECONDS_MAX = 120.0
STOP_SECONDS_MAX = 15.0
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class RunningDaemon:
    """Where it listens."""

    address: tuple[str, int]


@contextlib.asynccontextmanager
async def running_daemon(uri: str, database: str, **settings: str) -> AsyncIterator[RunningDaemon]:
    """Run `reconciler run`, with its default settings but for those given.

    Its own scans are a day apart, so that none falls into a measurement.
    """
    kept = {name: text for name, text in os.environ.items() if not name.startswith("RECONCILER_")}
    given = {
        "MONGO__URI": uri,
        "MONGO__DATABASE": database,
        "API__PORT": "0",
        "SCAN__INTERVAL_SECONDS": "86400",
        **settings,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "reconciler", "run"),
        cwd=_ROOT,
        env=kept | {f"RECONCILER_{name}": text for name, text in given.items()},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None, "it was asked for"
    draining = None
    try:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            listening = await _event(process.stderr, "http_listening")
            await _event(process.stderr, "scan_finished")
        draining = asyncio.create_task(process.stderr.read())
        yield RunningDaemon((listening["host"], listening["port"]))
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if draining is not None:
            await draining


async def _event(log: asyncio.StreamReader, name: str) -> dict[str, Any]:
    """Read the log up to an event.

    Raises:
        RuntimeError: the daemon ended before.
    """
    lines = b""
    while line := await log.readline():
        lines += line
        event = json.loads(line) if line.startswith(b"{") else {}
        if event.get("event") == name:
            found: dict[str, Any] = event
            return found
    raise RuntimeError(f"the daemon ended: {lines.decode(errors='replace')[-2000:]}")
