"""The balance collections as a scan sees them, with ranges read by the workers of a cluster."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Protocol

from reconciler.cluster.tasks import (
    MISMATCHES_PER_ANSWER_MAX,
    Access,
    RangeAnswer,
    RangeJob,
)
from reconciler.errors import CannotLook
from reconciler.model.digest import Digests
from reconciler.model.mapping import Mappings
from reconciler.model.report import Consistency
from reconciler.scanning.deadline import Deadline
from reconciler.scanning.ports import (
    BalanceSource,
    BalanceStore,
    Bound,
    KeyRange,
    Moment,
    Portion,
    SeenKey,
    SeenView,
    Selection,
)
from reconciler.storage.moments import BATCH_DOCUMENTS


class Workers(Protocol):
    """Where jobs are done."""

    async def connect(self, *, seconds: float) -> None:
        """Make sure that jobs can be done, within some seconds.

        Raises:
            CannotLook: they cannot; the message says what to do.
        """

    async def read(self, job: RangeJob, *, seconds: float) -> RangeAnswer:
        """Have a job done within some seconds; one whose worker dies is done again by another.

        Raises:
            ReadInterrupted: it was not done, in a way that may pass.
            CannotLook: it cannot be done.
        """


class ClusterBalanceStore:
    """Opens sources whose ranges are read by workers, and all else by a store here.

    Args:
        here: the store that does what is not worth a journey: bounds, single users, second looks.
        workers: who reads ranges.
        access: how they reach the same database.
        double_tolerance: gives the tolerance of the scan that begins.
        batch_documents: how many documents come to a worker at once from each collection.
        answer_mismatches_max: with how many mismatches an answer of a worker ends.
    """

    def __init__(
        self,
        here: BalanceStore,
        workers: Workers,
        access: Access,
        mappings: Mappings,
        *,
        double_tolerance: Callable[[], Decimal],
        batch_documents: int = BATCH_DOCUMENTS,
        answer_mismatches_max: int = MISMATCHES_PER_ANSWER_MAX,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._here = here
        self._workers = workers
        self._access = access
        self._mappings = mappings
        self._double_tolerance = double_tolerance
        self._batch_documents = batch_documents
        self._answer_mismatches_max = answer_mismatches_max
        self._monotonic = monotonic

    async def open(self, *, deadline_seconds: float) -> "ClusterBalanceSource":
        """Find out what server this is; the cluster is asked for when a range is to be read.

        Raises:
            ReadInterrupted, CannotLook: the server could not be asked.
        """
        deadline = Deadline(deadline_seconds, self._monotonic)
        template = RangeJob(
            access=self._access,
            mappings=self._mappings,
            double_tolerance=self._double_tolerance(),
            key_range=KeyRange(),
            selection=Selection(),
            deadline_seconds=deadline_seconds,
            batch_documents=self._batch_documents,
            mismatches_max=self._answer_mismatches_max,
        )
        here = await self._here.open(deadline_seconds=deadline_seconds)
        return ClusterBalanceSource(here, _Errands(self._workers, template, deadline))


class _Errands:
    """The jobs of one scan. A cluster that cannot be used is not asked for again and again."""

    def __init__(self, workers: Workers, template: RangeJob, deadline: Deadline) -> None:
        self._workers = workers
        self._template = template
        self._deadline = deadline
        self._unusable: CannotLook | None = None

    async def read(self, key_range: KeyRange, selection: Selection) -> RangeAnswer:
        """Have a range read.

        Raises:
            ReadInterrupted, CannotLook: it was not read.
        """
        if self._unusable is not None:
            raise CannotLook(str(self._unusable))
        try:
            await self._workers.connect(seconds=self._deadline.remaining_seconds)
        except CannotLook as error:
            self._unusable = error
            raise
        seconds = self._deadline.remaining_seconds
        job = replace(
            self._template, key_range=key_range, selection=selection, deadline_seconds=seconds
        )
        return await self._workers.read(job, seconds=seconds)


class ClusterBalanceSource:
    """The balance collections during one scan."""

    def __init__(self, here: BalanceSource, errands: _Errands) -> None:
        self._here = here
        self._errands = errands

    @property
    def consistency(self) -> Consistency:
        """Whether its moments are snapshots."""
        return self._here.consistency

    async def collections(self) -> Mapping[str, Hashable]:
        """Name the mapped collections that exist."""
        return await self._here.collections()

    async def estimated_accounts(self) -> int:
        """Estimate the number of accounts."""
        return await self._here.estimated_accounts()

    async def ranges(self, *, accounts: int | None = None) -> Sequence[KeyRange]:
        """Divide all accounts into ranges of roughly equal size, by the data."""
        return await self._here.ranges(accounts=accounts)

    async def middle(self, key_range: KeyRange) -> Bound | None:
        """Find a user id that divides a range by its data."""
        return await self._here.middle(key_range)

    @asynccontextmanager
    async def moment(self) -> AsyncIterator["ClusterMoment"]:
        """Open a moment; here it begins with the first thing that is read here."""
        async with AsyncExitStack() as stack:
            yield ClusterMoment(self._here, stack, self._errands)


class ClusterMoment:
    """Reads ranges on workers, each in a snapshot of its own, and all else in one moment here.

    Of a range that is read in parts each part has its own snapshot, as after any failure. Once
    something was read here, ranges are as well: whoever goes on in a moment means that moment.
    """

    def __init__(self, source: BalanceSource, stack: AsyncExitStack, errands: _Errands) -> None:
        self._source = source
        self._stack = stack
        self._errands = errands
        self._here: Moment | None = None

    async def portions(
        self, key_range: KeyRange, selection: Selection
    ) -> AsyncGenerator[Portion, None]:
        """Merge the collections within a range; views that are in sync are left out.

        Raises:
            SnapshotTooOld, ReadInterrupted, CannotLook: what was given until then stands.
        """
        if self._here is not None or selection.user_id is not None:
            here = await self._moment_here()
            portions = here.portions(key_range, selection)
            async with aclosing(portions):
                async for portion in portions:
                    yield portion
            return
        left = key_range
        while True:
            answer = await self._errands.read(left, selection)
            if answer.has_progressed:
                yield answer.portion
            if answer.error is not None:
                raise answer.error
            if answer.resume_at is None:
                return
            left = replace(left, lower=answer.resume_at)

    async def digests(
        self, key_range: KeyRange, *, accounts: int, collections_parallel: int
    ) -> Digests | None:
        """Have the digests of a range computed from here: the server does the work.

        Raises:
            SnapshotTooOld, ReadInterrupted, CannotLook: a collection could not be read.
        """
        here = await self._moment_here()
        return await here.digests(
            key_range, accounts=accounts, collections_parallel=collections_parallel
        )

    async def views(self, keys: Sequence[SeenKey]) -> AsyncGenerator[SeenView, None]:
        """Read in full what was seen before.

        Raises:
            SnapshotTooOld, ReadInterrupted, CannotLook: what was given until then stands.
        """
        here = await self._moment_here()
        views = here.views(keys)
        async with aclosing(views):
            async for view in views:
                yield view

    async def _moment_here(self) -> Moment:
        if self._here is None:
            self._here = await self._stack.enter_async_context(self._source.moment())
        return self._here
