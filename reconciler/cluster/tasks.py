"""What a worker does: it reads a range from a snapshot of its own, and judges what it sees.

Nothing here knows Dask: a task is a plain function from one value to another. What it raises is a
fault; what the database does is part of its answer.
"""

import asyncio
from collections.abc import Hashable
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal

from reconciler.errors import (
    CannotLook,
    ReadInterrupted,
    ReconcilerError,
    SnapshotTooOld,
)
from reconciler.model.mapping import Mappings
from reconciler.scanning.judging import Judge
from reconciler.scanning.ports import Bound, KeyRange, Portion, SeenView, Selection
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.server import connect

# An answer ends with the portion that reaches so many mismatches; the rest is asked for again.
MISMATCHES_PER_ANSWER_MAX = 2_000

_FAILURES: dict[str, type[ReconcilerError]] = {
    kind.__name__: kind for kind in (SnapshotTooOld, ReadInterrupted, CannotLook)
}


@dataclass(frozen=True, slots=True)
class Access:
    """How a worker reaches the database. No text of it shows the connection string."""

    uri: str = field(repr=False)
    database: str
    connect_seconds: float
    server_selection_seconds: float


@dataclass(frozen=True, slots=True)
class RangeJob:
    """All that a worker needs to read a range, within `deadline_seconds` from when it begins."""

    access: Access
    mappings: Mappings
    double_tolerance: Decimal
    key_range: KeyRange
    selection: Selection
    deadline_seconds: float
    batch_documents: int
    mismatches_max: int = MISMATCHES_PER_ANSWER_MAX


@dataclass(frozen=True, slots=True)
class RangeAnswer:
    """What a worker saw: exact counts of whole users, and the views with a mismatch.

    From `resume_at` on nothing was counted; None: the range is done. `failure` names the kind of
    error that ended the reading, and says why; None if nothing did. Nothing was counted if
    `has_progressed` is false.
    """

    accounts: int = 0
    users: int = 0
    currencies: frozenset[Hashable] = frozenset()
    mismatched: tuple[SeenView, ...] = ()
    resume_at: Bound | None = None
    has_progressed: bool = False
    failure: tuple[str, str] | None = None

    @property
    def portion(self) -> Portion:
        """The same as the scanner takes it."""
        return Portion(self.accounts, self.users, self.currencies, self.mismatched, self.resume_at)

    @property
    def error(self) -> ReconcilerError | None:
        """The error that ended the reading."""
        if self.failure is None:
            return None
        kind, why = self.failure
        return _FAILURES[kind](why)


def read_range(job: RangeJob) -> RangeAnswer:
    """Read a range, or as much of it as an answer may hold. Reading again does no harm."""
    return asyncio.run(_read(job))


async def _read(job: RangeJob) -> RangeAnswer:
    collected = _Collected(job)
    failure: tuple[str, str] | None = None
    try:
        await _collect(job, collected)
    except (SnapshotTooOld, ReadInterrupted, CannotLook) as error:
        failure = (type(error).__name__, str(error))
    return collected.answer(failure)


async def _collect(job: RangeJob, collected: "_Collected") -> None:
    client = connect(
        job.access.uri,
        server_selection_seconds=job.access.server_selection_seconds,
        connect_seconds=job.access.connect_seconds,
    )
    async with client:
        store = MongoBalanceStore(
            client[job.access.database], job.mappings, batch_documents=job.batch_documents
        )
        source = await store.open(deadline_seconds=job.deadline_seconds)
        async with source.moment() as moment:
            portions = moment.portions(job.key_range, job.selection)
            async with aclosing(portions):
                async for portion in portions:
                    collected.add(portion)
                    if collected.is_full:
                        return


class _Collected:
    """What was seen so far; of the views only those with a mismatch are kept."""

    def __init__(self, job: RangeJob) -> None:
        self._judge = Judge(job.mappings, double_tolerance=job.double_tolerance)
        self._mismatches_max = job.mismatches_max
        self._accounts = self._users = 0
        self._currencies: set[Hashable] = set()
        self._mismatched: list[SeenView] = []
        self._last: Portion | None = None

    @property
    def is_full(self) -> bool:
        """Whether no more fits into the answer."""
        return len(self._mismatched) >= self._mismatches_max

    def add(self, portion: Portion) -> None:
        """Count a portion."""
        self._accounts += portion.accounts
        self._users += portion.users
        self._currencies |= portion.currencies
        self._mismatched += [seen for seen in portion.views if self._judge.judge(seen)]
        self._last = portion

    def answer(self, failure: tuple[str, str] | None) -> RangeAnswer:
        """Give all of it."""
        return RangeAnswer(
            accounts=self._accounts,
            users=self._users,
            currencies=frozenset(self._currencies),
            mismatched=tuple(self._mismatched),
            resume_at=self._last.resume_at if self._last else None,
            has_progressed=self._last is not None,
            failure=failure,
        )
