"""A stream of raw documents holds two batches at most, whatever comes."""

import asyncio
from typing import Any

import bson
import pytest

from reconciler.storage.elements import document_end
from reconciler.storage.streams import RawStream

BATCHES = 200
DOCUMENTS = 50


def batch(number: int) -> bytes:
    return b"".join(bson.encode({"n": number * DOCUMENTS + n}) for n in range(DOCUMENTS))


class Source:
    """Gives batches, and counts those asked for."""

    def __init__(self, batches: int = BATCHES, *, fails_at: int | None = None) -> None:
        self.asked = 0
        self._batches = batches
        self._fails_at = fails_at

    async def next(self) -> bytes | None:
        self.asked += 1
        if self.asked == self._fails_at:
            raise ConnectionError
        return batch(self.asked - 1) if self.asked <= self._batches else None


def take(stream: RawStream) -> int:
    end = document_end(stream.buffer, stream.position)
    number: int = bson.decode(stream.buffer[stream.position : end])["n"]
    stream.position = end
    return number


async def test_memory_does_not_grow() -> None:
    """However long a stream, the bytes at hand are one batch and a bit, and one more is coming."""
    source = Source()
    stream = RawStream("wallets", source.next)
    size = len(batch(0))
    seen = []
    stream.start()
    await stream.fill()
    while not stream.is_done:
        seen.append(take(stream))
        await stream.fill()
        assert len(stream.buffer) < 2 * size
        assert source.asked * DOCUMENTS <= len(seen) + 3 * DOCUMENTS

    assert seen == list(range(BATCHES * DOCUMENTS))


async def test_nothing_at_all() -> None:
    """A stream without a batch is done at once."""
    stream = RawStream("wallets", Source(0).next)
    await stream.fill()

    assert stream.is_done
    assert not stream.is_low


async def test_failure_reaches_who_fills() -> None:
    """A batch that cannot be had fails the fill that needs it."""
    stream = RawStream("wallets", Source(fails_at=1).next)
    with pytest.raises(ConnectionError):
        await stream.fill()


def test_stop_gives_up_what_is_coming() -> None:
    """A stopped stream leaves no task behind, whether its batch came, failed or never comes."""

    async def never() -> bytes | None:
        await asyncio.Event().wait()
        return None

    async def tasks_left() -> set[asyncio.Task[Any]]:
        for next_batch in (never, Source().next, Source(fails_at=1).next):
            stream = RawStream("wallets", next_batch)
            stream.start()
            await asyncio.sleep(0)
            await stream.stop()
            await stream.stop()
        return asyncio.all_tasks() - {asyncio.current_task()}

    # In a loop of its own: in that of other tests a client's tasks come and go.
    assert asyncio.run(tasks_left()) == set()
