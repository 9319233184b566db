"""Runs a command's work so that SIGINT and SIGTERM end it in good order."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from reconciler.surfaces.cli.failures import Interrupted

T = TypeVar("T")


def run_interruptibly(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run work in an event loop of its own; the first signal cancels it, a second one kills.

    Raises:
        Interrupted: a signal came and the work ended without a result.
    """
    return asyncio.run(_watched(work))


async def _watched(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    loop = asyncio.get_running_loop()
    task = loop.create_task(work())
    seen: list[int] = []

    def interrupt(number: int) -> None:
        seen.append(number)
        loop.remove_signal_handler(number)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt, number)
    try:
        return await task
    except asyncio.CancelledError:
        if seen:
            raise Interrupted(seen[0]) from None
        raise
