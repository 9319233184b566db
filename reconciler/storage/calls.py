"""Bounds every call to the server, and names its failures."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.cursor import AsyncRawBatchCursor
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.storage.elements import RawValue, documents, elements
from reconciler.storage.server import no_answer, translating
from reconciler.storage.shape import SIMPLE_COLLATION

Database = AsyncDatabase[dict[str, Any]]

# No single call waits longer, however far away the deadline is.
CALL_SECONDS_MAX = 120.0
QUICK_SECONDS_MAX = 10.0


async def next_batch(cursor: AsyncRawBatchCursor[dict[str, Any]]) -> bytes | None:
    """Give a cursor's next documents, or None when there are none.

    The driver's annotations say that a raw cursor gives documents; what it gives is bytes.
    """
    batch: Any = await anext(cursor, None)
    return None if batch is None else bytes(batch)


class Calls:
    """The calls of one undertaking, none of which outlives its deadline.

    Args:
        deadline_seconds: from now.
        call_seconds_max: what a single call may take.
        monotonic: a clock in seconds.
    """

    def __init__(
        self,
        *,
        deadline_seconds: float,
        call_seconds_max: float = CALL_SECONDS_MAX,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._call_seconds_max = call_seconds_max
        self._monotonic = monotonic
        self._deadline = monotonic() + deadline_seconds

    def remaining(self) -> float:
        """Give the seconds a call may take; never quite none, so that it fails as a time-out."""
        return min(max(self._deadline - self._monotonic(), 0.001), self._call_seconds_max)

    @property
    def milliseconds_max(self) -> int:
        """How long the server may work for one cursor, for `maxTimeMS`."""
        return max(int(self.remaining() * 1000), 1)

    @asynccontextmanager
    async def bounded(
        self, what: str, *, is_quick: bool = False, is_write: bool = False
    ) -> AsyncIterator[None]:
        """Bound the calls within, and translate their errors; `what` names what is read.

        `is_quick` is for what a server that is there answers at once. The driver's own time-out is
        not used: within one, it waits for a server, and repeats a failed read, until time is up.

        Raises:
            SnapshotTooOld, ReadInterrupted, CannotLook: the call failed, or took too long.
        """
        seconds = min(self.remaining(), QUICK_SECONDS_MAX) if is_quick else self.remaining()
        try:
            async with asyncio.timeout(seconds):
                with translating(what, is_write=is_write):
                    yield
        except TimeoutError as error:
            raise no_answer(what) from error

    async def rows(
        self,
        database: Database,
        collection: str,
        pipeline: Sequence[Mapping[str, Any]],
        session: AsyncClientSession | None = None,
    ) -> AsyncGenerator[dict[str, RawValue], None]:
        """Run a pipeline and give its documents taken apart; at most one batch is held."""
        async with self.bounded(collection):
            cursor = await database[collection].aggregate_raw_batches(
                pipeline,
                session=session,
                collation=SIMPLE_COLLATION,
                allowDiskUse=True,
                maxTimeMS=self.milliseconds_max,
            )
        async with cursor:
            while True:
                async with self.bounded(collection):
                    batch = await next_batch(cursor)
                if batch is None:
                    return
                for document in documents(batch):
                    yield elements(document)
