"""One collection's part of a range as a stream of bytes, its next batch always on the way."""

import asyncio
from collections.abc import Awaitable, Callable

from reconciler.storage.elements import document_end

# Gives the next batch of documents, or None when there is none.
NextBatch = Callable[[], Awaitable[bytes | None]]


class RawStream:
    """Documents in order, of which at least two lie in `buffer` from `position` on.

    Two, or all that are left: whoever looks at the first can see whether the second has its key.
    At most two batches are held: the one in use, and the next one.
    """

    def __init__(self, collection: str, next_batch: NextBatch) -> None:
        self.collection = collection
        self.buffer = b""
        self.position = 0
        self.batches = 0
        self._next_batch = next_batch
        self._coming: asyncio.Task[bytes | None] | None = None
        self._is_over = False

    @property
    def is_done(self) -> bool:
        """Whether every document was taken; to be asked when the stream is filled."""
        return self.position >= len(self.buffer)

    @property
    def is_low(self) -> bool:
        """Whether fewer than two documents are at hand, and more may come."""
        if self._is_over:
            return False
        if self.position >= len(self.buffer):
            return True
        return document_end(self.buffer, self.position) >= len(self.buffer)

    def start(self) -> None:
        """Send for the first batch."""
        self._send_for_next()

    async def fill(self) -> None:
        """Wait until two documents are at hand, or there are no more."""
        while self.is_low:
            if self._coming is None:
                self._send_for_next()
            assert self._coming is not None
            batch = await self._coming
            self._coming = None
            if batch is None:
                self._is_over = True
                return
            self.buffer = self.buffer[self.position :] + batch
            self.position = 0
            self.batches += 1
            self._send_for_next()

    async def stop(self) -> None:
        """Give up whatever is on the way."""
        if self._coming is not None:
            coming, self._coming = self._coming, None
            coming.cancel()
            await asyncio.wait([coming])
            if not coming.cancelled():
                coming.exception()  # looked at, so that asyncio does not report it

    def _send_for_next(self) -> None:
        self._coming = asyncio.ensure_future(self._next_batch())
