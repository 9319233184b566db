"""Asks a running daemon over HTTP."""

from typing import Any

import httpx

from tests.observing.daemon import Daemon
from tests.observing.processes import until

ANSWER_SECONDS = 30.0


async def get(daemon: Daemon, path: str, **query: str) -> httpx.Response:
    """Ask once; whatever the answer."""
    async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_SECONDS) as client:
        return await client.get(f"http://{daemon.address}{path}", params=query)


async def metrics(daemon: Daemon) -> dict[str, float]:
    """Give all series of the daemon with their values."""
    text = (await get(daemon, "/metrics")).text
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


async def until_metric(
    daemon: Daemon, name: str, value: float | None, *, within_seconds: float
) -> None:
    """Wait until a series has a value; None waits until it is not there."""

    async def look() -> bool:
        return (await metrics(daemon)).get(name) == value

    await until(look, f"{name} {value}", within_seconds=within_seconds)


async def until_event(daemon: Daemon, name: str, *, within_seconds: float) -> dict[str, Any]:
    """Wait until the daemon logged something; give the last such event."""

    async def look() -> dict[str, Any] | None:
        found = daemon.events(name)
        return found[-1] if found else None

    return await until(look, f"the event {name}", within_seconds=within_seconds)


async def watching(daemon: Daemon) -> None:
    """Wait until it follows the stream, and both scans are over: that of the start, and its own."""
    await until_metric(daemon, "reconciler_watch_active", 1, within_seconds=10)
    await until_event(daemon, "watch_wants_scan", within_seconds=10)

    async def is_over() -> bool:
        begun = {each["scan_id"] for each in daemon.events("scan_started")}
        over = {each["scan_id"] for each in daemon.events("scan_finished")}
        return len(over) >= 2 and begun == over

    await until(is_over, "the scan that was asked for", within_seconds=20)
