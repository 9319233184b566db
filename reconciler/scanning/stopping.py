"""Ends tasks for certain: a cancellation can be lost on the way."""

import asyncio
from collections.abc import Iterable
from typing import Any


async def cancelled(tasks: Iterable["asyncio.Future[Any]"], *, again_seconds: float) -> None:
    """Cancel tasks, and again every `again_seconds`, until each of them has ended.

    The driver was seen to lose a cancellation while it connected: whoever cancels once and waits,
    waits for ever. Bound it from outside.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=again_seconds)
