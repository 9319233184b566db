"""Reads the last full scan for many callers at once, and never tells them of what is long gone."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from reconciler.model.scan_record import ScanRecord

# What was read is good for so long; a scan of another daemon is seen after that.
SHARED_SECONDS = 0.5

ReadLast = Callable[[], Coroutine[Any, Any, ScanRecord | None]]


class LatestScan:
    """Lets callers share what was read of the last full scan.

    A record is given out for `SHARED_SECONDS` from when it was asked for, and not after `forget`.
    A failure goes to those who waited for it, and the next caller asks anew: while the database is
    away nobody is told of what it said before.

    Args:
        read: reads the last full scan.
        monotonic: a clock in seconds.
    """

    def __init__(self, read: ReadLast, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._monotonic = monotonic
        self._reading: asyncio.Task[ScanRecord | None] | None = None
        self._good_until = 0.0

    async def get(self) -> ScanRecord | None:
        """Give the last full scan; None if there is none.

        Raises:
            ReadInterrupted, CannotLook: it could not be read.
        """
        reading = self._reading
        if reading is None or self._is_over(reading):
            reading = asyncio.create_task(self._read())
            reading.add_done_callback(_seen)
            self._reading, self._good_until = reading, self._monotonic() + SHARED_SECONDS
        # A caller who leaves does not take it from the others.
        return await asyncio.shield(reading)

    def forget(self) -> None:
        """Read anew for the next caller: there is a younger scan."""
        self._reading = None

    def _is_over(self, reading: "asyncio.Task[ScanRecord | None]") -> bool:
        if self._monotonic() >= self._good_until:
            return True
        return reading.done() and (reading.cancelled() or reading.exception() is not None)


def _seen(reading: "asyncio.Task[ScanRecord | None]") -> None:
    if not reading.cancelled():
        reading.exception()  # so that asyncio does not report it when all callers have left
