"""Looks at suspects again, in a later snapshot: only what is wrong twice is wrong."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from reconciler.errors import CannotLook, ReadInterrupted, SnapshotTooOld
from reconciler.model.comparison import Mismatch
from reconciler.model.finding import Sighting
from reconciler.scanning.deadline import Deadline
from reconciler.scanning.findings import Findings
from reconciler.scanning.judging import Judge
from reconciler.scanning.observer import ScanObserver
from reconciler.scanning.ports import BalanceSource, SeenKey, SeenView
from reconciler.scanning.records import SightingSink
from reconciler.scanning.rules import CONFIRMATION_RULES

ATTEMPTS_MAX = 3
# So many sightings are told at once.
TOLD_MAX = 500

Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class Suspect:
    """What was seen to be wrong: its key, the range it lies in, and how it looked last.

    `finding_key` names it for those who were told of it.
    """

    key: SeenKey
    range_number: int
    finding_key: str
    description: str
    agreements: int = 0


class Confirmation:
    """The suspects of one scan, at most `suspects_max` and one portion, and what becomes of them.

    `unsure` holds a sentence for each batch of which something could not be decided.
    """

    def __init__(
        self,
        source: BalanceSource,
        judge: Judge,
        findings: Findings,
        deadline: Deadline,
        *,
        scan_id: str,
        observer: ScanObserver,
        sink: SightingSink,
        sleep: Sleep,
        settle_seconds: float,
        suspects_max: int,
    ) -> None:
        self.unsure: list[str] = []
        self._source = source
        self._judge = judge
        self._findings = findings
        self._deadline = deadline
        self._scan_id = scan_id
        self._observer = observer
        self._sink = sink
        self._sleep = sleep
        self._settle_seconds = settle_seconds
        self._suspects_max = suspects_max
        self._rule = CONFIRMATION_RULES[source.consistency]
        self._suspects: list[Suspect] = []
        self._untold: list[Sighting] = []
        self._confirmed: list[Sighting] = []
        self._cleared: list[str] = []
        self._turn = asyncio.Lock()

    def suspect(self, range_number: int, seen: SeenView, mismatch: Mismatch) -> None:
        """Keep the key of what is to be looked at again."""
        sighting = Sighting(mismatch, self._judge.description_of(mismatch), is_confirmed=False)
        self._suspects.append(Suspect(seen.key, range_number, sighting.key, sighting.differences))
        self._untold.append(sighting)
        self._observer.suspect_found(self._scan_id, mismatch)

    async def make_room(self) -> None:
        """Tell of the suspects; look at them again if there are too many to keep."""
        await self._tell_suspects()
        if len(self._suspects) >= self._suspects_max:
            async with self._turn:
                if len(self._suspects) >= self._suspects_max:
                    await self._settle()

    async def finish(self) -> None:
        """Look at all that are left."""
        await self._tell_suspects()
        async with self._turn:
            if self._suspects:
                await self._settle()

    async def _settle(self) -> None:
        # A range that was read again may have shown the same document twice.
        by_key = {suspect.key.order: suspect for suspect in self._suspects}
        self._suspects = []
        left = [by_key[order] for order in sorted(by_key)]
        try:
            for number in range(1, self._rule.rounds_max + 1):
                await self._wait()
                left = await self._round(left, is_last=number == self._rule.rounds_max)
                if not left:
                    break
        except _GaveUp as error:
            self.unsure.append(f"{error.left} suspects could not be looked at again: {error.why}")
        else:
            if left:
                self.unsure.append(
                    f"{len(left)} accounts changed too often to be judged without snapshots"
                )
        finally:
            self._findings.end_batch()
            await self._tell_decided()

    async def _tell_suspects(self) -> None:
        while self._untold:
            some, self._untold = self._untold[:TOLD_MAX], self._untold[TOLD_MAX:]
            await self._sink.suspected(some)

    async def _tell_decided(self) -> None:
        confirmed, self._confirmed = self._confirmed, []
        cleared, self._cleared = self._cleared, []
        if confirmed or cleared:
            await self._sink.decided(confirmed=confirmed, cleared=cleared)

    async def _wait(self) -> None:
        await self._sleep(min(self._settle_seconds, self._deadline.remaining_seconds))

    async def _round(self, suspects: list[Suspect], *, is_last: bool) -> list[Suspect]:
        """Look at all of them once; give those of which nothing can be said yet."""
        undecided: list[Suspect] = []
        waiting = deque(suspects)
        attempts = 0
        while waiting:
            count = len(waiting)
            try:
                await self._look(waiting, undecided, is_last=is_last)
            except (SnapshotTooOld, ReadInterrupted, CannotLook) as error:
                attempts = 1 if len(waiting) < count else attempts + 1
                is_final = isinstance(error, CannotLook) or attempts >= ATTEMPTS_MAX
                if is_final or self._deadline.is_past:
                    left = len(waiting) + len(undecided)
                    raise _GaveUp(left, self._deadline.explain(error)) from error
        return undecided

    async def _look(
        self, waiting: deque[Suspect], undecided: list[Suspect], *, is_last: bool
    ) -> None:
        """Look at what is waiting as of one moment; each one looked at is waiting no more."""
        async with self._source.moment() as moment:
            views = moment.views([suspect.key for suspect in waiting])
            async with aclosing(views):
                async for seen in views:
                    suspect = waiting.popleft()
                    if not self._is_decided(suspect, seen, is_last=is_last):
                        undecided.append(suspect)
                    if len(self._confirmed) + len(self._cleared) >= TOLD_MAX:
                        await self._tell_decided()

    def _is_decided(self, suspect: Suspect, seen: SeenView, *, is_last: bool) -> bool:
        mismatch = self._judge.judge(seen)
        if mismatch is None:
            self._cleared.append(suspect.finding_key)
            return True
        description = self._judge.description_of(mismatch)
        is_same = description == suspect.description
        suspect.agreements = suspect.agreements + 1 if is_same else 0
        suspect.description = description
        is_confirmed = suspect.agreements >= self._rule.agreements_min or (
            is_last and self._rule.is_confirmed_unsettled
        )
        if is_confirmed:
            self._findings.add(suspect.range_number, suspect.key, mismatch)
            self._confirmed.append(Sighting(mismatch, description, is_confirmed=True))
            self._observer.mismatch_confirmed(self._scan_id, mismatch)
        return is_confirmed


class _GaveUp(Exception):
    """Suspects are left of which nothing can be said."""

    def __init__(self, left: int, why: str) -> None:
        super().__init__(why)
        self.left = left
        self.why = why
