"""Reads one range to its end, in as many snapshots as that takes, or says why it cannot be read."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from reconciler.errors import CannotLook, ReadInterrupted, SnapshotTooOld
from reconciler.scanning.deadline import Deadline
from reconciler.scanning.ports import (
    BalanceSource,
    Bound,
    KeyRange,
    Moment,
    Portion,
    Selection,
)

ATTEMPTS_MAX = 3
HALVINGS_MAX = 16
PAUSE_SECONDS = 0.1

# Reads a part as of a moment, and says with each portion what is left of it then.
ReadPart = Callable[[Moment, KeyRange], AsyncGenerator[tuple[Portion, KeyRange | None], None]]
TakePortion = Callable[[Portion], Awaitable[None]]
ReadAgain = Callable[[KeyRange, str], None]
Sleep = Callable[[float], Awaitable[None]]


def reading_exactly(selection: Selection) -> ReadPart:
    """Make the way to read that looks at every account of a part."""

    async def read_part(
        moment: Moment, part: KeyRange
    ) -> AsyncGenerator[tuple[Portion, KeyRange | None], None]:
        portions = moment.portions(part, selection)
        async with aclosing(portions):
            async for portion in portions:
                left = part.from_on(portion.resume_at) if portion.resume_at else None
                yield portion, left

    return read_part


class RangeReading:
    """Reads one range; after a failure it goes on from the first user not wholly merged.

    While there is progress it goes on. Without any, a part of which the snapshot is too old is
    halved by its data, `HALVINGS_MAX` times at most; for all else there are `ATTEMPTS_MAX`.

    Args:
        read_part: reads what is left of it as of one moment.
        take: gets each portion, once.
        read_again: is told which part is read in a new snapshot, and why.
    """

    def __init__(
        self,
        source: BalanceSource,
        read_part: ReadPart,
        deadline: Deadline,
        *,
        sleep: Sleep,
        take: TakePortion,
        read_again: ReadAgain,
    ) -> None:
        self._source = source
        self._read_as_of = read_part
        self._deadline = deadline
        self._sleep = sleep
        self._take = take
        self._read_again = read_again
        self._parts: list[KeyRange] = []
        self._failures = 0
        self._halvings = 0

    async def read(self, key_range: KeyRange) -> None:
        """Read a range.

        Raises:
            CannotLook: what is left of it cannot be read; the message says which part, and why.
        """
        self._parts = [key_range]
        while self._parts:
            attempt = _Attempt(self._parts.pop())
            try:
                await self._read_part(attempt)
            except CannotLook as error:
                raise self._given_up(attempt.left, error) from error
            except (SnapshotTooOld, ReadInterrupted) as error:
                await self._plan_rest(attempt, error)

    async def _read_part(self, attempt: "_Attempt") -> None:
        async with self._source.moment() as moment:
            portions = self._read_as_of(moment, attempt.left)
            async with aclosing(portions):
                async for portion, left in portions:
                    if self._deadline.is_past:
                        raise CannotLook(self._deadline.explain(TimeoutError()))
                    await self._take(portion)
                    attempt.move_to(left)
        self._failures = 0

    async def _plan_rest(
        self, attempt: "_Attempt", error: SnapshotTooOld | ReadInterrupted
    ) -> None:
        """Decide how what is left is read.

        Raises:
            CannotLook: it was tried often enough.
        """
        if attempt.is_done:
            return
        rest = attempt.left
        self._failures = 1 if attempt.has_progressed else self._failures + 1
        if isinstance(error, SnapshotTooOld) and not attempt.has_progressed:
            middle = await self._middle(rest)
            if middle is not None:
                self._failures = 0
                self._parts.append(rest.from_on(middle))
                rest = rest.up_to(middle)
        if self._failures >= ATTEMPTS_MAX or self._deadline.is_past:
            raise self._given_up(rest, error) from error
        self._parts.append(rest)
        self._read_again(rest, str(error))
        if isinstance(error, ReadInterrupted):
            await self._sleep(PAUSE_SECONDS * 2**self._failures)

    async def _middle(self, key_range: KeyRange) -> Bound | None:
        if self._halvings >= HALVINGS_MAX:
            return None
        self._halvings += 1
        try:
            return await self._source.middle(key_range)
        except (ReadInterrupted, SnapshotTooOld, CannotLook):
            return None

    def _given_up(self, rest: KeyRange, error: Exception) -> CannotLook:
        what = KeyRange(rest.lower, self._parts[0].upper) if self._parts else rest
        return CannotLook(f"{what} could not be read: {self._deadline.explain(error)}")


class _Attempt:
    """One try to read a part, and what is left of it."""

    def __init__(self, key_range: KeyRange) -> None:
        self.left = key_range
        self.has_progressed = False
        self.is_done = False

    def move_to(self, left: KeyRange | None) -> None:
        """Note what is left; None if nothing is."""
        if left is None:
            self.is_done = True
            return
        before, now = self.left.lower, left.lower
        is_beyond = now is not None and (before is None or now.order > before.order)
        self.has_progressed |= is_beyond or left.buckets != self.left.buckets
        self.left = left
