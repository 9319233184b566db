"""The scan: digests compared first, accounts where they must be, and what is wrong twice."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count

from reconciler.errors import CannotLook, ReadInterrupted, SnapshotTooOld
from reconciler.model.mapping import Mappings
from reconciler.model.report import Consistency, Coverage, ScanMethod, ScanMode, ScanReport
from reconciler.scanning.confirmation import Confirmation
from reconciler.scanning.deadline import Deadline
from reconciler.scanning.digesting import Digesting
from reconciler.scanning.existence import changed_of, missing_of
from reconciler.scanning.findings import Findings
from reconciler.scanning.judging import Judge
from reconciler.scanning.observer import ScanObserver, ScanStage, Unobserved, Unwritten
from reconciler.scanning.ports import (
    BalanceSource,
    BalanceStore,
    KeyRange,
    Portion,
    Selection,
)
from reconciler.scanning.range_reading import (
    PAUSE_SECONDS,
    RangeReading,
    ReadPart,
    reading_exactly,
)
from reconciler.scanning.records import SightingSink
from reconciler.scanning.rules import ScanOptions
from reconciler.scanning.throttle import LoadSource, Throttles

# Accounts so far, and how many there will be, roughly.
Progress = Callable[[int, int], None]
Sleep = Callable[[float], Awaitable[None]]

# After so many ranges that could not be read, the others are not tried.
FAILED_RANGES_MAX = 3
DIVIDING_ATTEMPTS_MAX = 3


class Scanner:
    """Scans the balance collections; one instance may make many scans, also at once.

    `options` may be changed; scans that begin afterwards go by them.

    Args:
        store: where the collections are read.
        mappings: what their fields mean.
        options: limits and settings.
        observer: is told what happens.
        load: says how busy the server is; None lets no scan wait for it.
        now: the time of day.
        monotonic: a clock in seconds, for durations and the deadline.
        sleep: waits some seconds.
        new_id: makes the id of a scan.
    """

    def __init__(
        self,
        store: BalanceStore,
        mappings: Mappings,
        options: ScanOptions | None = None,
        *,
        observer: ScanObserver | None = None,
        load: LoadSource | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._store = store
        self._mappings = mappings
        self.options = options or ScanOptions()
        self._observer = observer or Unobserved()
        self._now = now
        self._monotonic = monotonic
        self._sleep = sleep
        self._new_id = new_id
        self._throttles = Throttles(load, self._observer, monotonic=monotonic, sleep=sleep)

    async def scan_all(self, *, progress: Progress | None = None) -> ScanReport:
        """Scan all accounts."""
        return await self.scan(None, None, progress=progress)

    async def scan(
        self,
        user_id: str | None,
        currency: str | None,
        *,
        progress: Progress | None = None,
        scan_id: str | None = None,
        sink: SightingSink | None = None,
    ) -> ScanReport:
        """Scan the accounts of one user, of one currency, or both; None means all.

        A user id that a person typed means the string, and any other id whose text it is. This
        never raises for what the database does: a scan that could not look is `incomplete`. `sink`
        is told all that is seen, however much it is.
        """
        started_at, begun = self._now(), self._monotonic()
        scan = _Scan(
            scan_id=scan_id or self._new_id(),
            selection=Selection(user_id, currency),
            mappings=self._mappings,
            options=self.options,
            observer=self._observer,
            sink=sink or Unwritten(),
            deadline=Deadline(self.options.deadline_seconds, self._monotonic),
            throttles=self._throttles,
            monotonic=self._monotonic,
            sleep=self._sleep,
            progress=progress,
        )
        await scan.run(self._store)
        report = scan.report(started_at, duration_seconds=self._monotonic() - begun)
        self._observer.scan_finished(report)
        return report


class _Scan:
    """One scan while it runs."""

    def __init__(
        self,
        *,
        scan_id: str,
        selection: Selection,
        mappings: Mappings,
        options: ScanOptions,
        observer: ScanObserver,
        sink: SightingSink,
        deadline: Deadline,
        throttles: Throttles,
        monotonic: Callable[[], float],
        sleep: Sleep,
        progress: Progress | None,
    ) -> None:
        self._scan_id = scan_id
        self._selection = selection
        self._names = mappings.names
        self._options = options
        self._observer = observer
        self._sink = sink
        self._deadline = deadline
        self._throttle = throttles.of_scan(scan_id, selection, options.throttle, deadline)
        self._monotonic = monotonic
        self._sleep = sleep
        self._progress = progress
        self._judge = Judge(mappings, double_tolerance=options.double_tolerance)
        self._findings = Findings(options.mismatches_max)
        self._consistency = Consistency.SNAPSHOT
        self._incomplete: list[str] = []
        self._accounts = self._users = 0
        self._currencies: set[Hashable] = set()
        self._estimated_accounts = 0
        # No two ranges have the same number, however they are read.
        self._numbers = count()
        is_by_digest = options.method is ScanMethod.DIGEST and selection.mode is ScanMode.FULL
        self._digesting = Digesting(options.digest, monotonic) if is_by_digest else None

    async def run(self, store: BalanceStore) -> None:
        """Read, compare and confirm everything that is selected."""
        try:
            source = await store.open(deadline_seconds=self._deadline.remaining_seconds)
            self._consistency = source.consistency
            self._observer.scan_started(
                self._scan_id, mode=self._selection.mode, consistency=self._consistency
            )
            there = await source.collections()
            self._incomplete += missing_of(self._names, there)
            if not self._incomplete:
                confirmation = self._confirmation(source)
                await self._read_all(source, confirmation)
                with self._timed(ScanStage.CONFIRM):
                    await confirmation.finish()
                self._incomplete += confirmation.unsure
                self._incomplete += changed_of(there, await source.collections())
        except (CannotLook, ReadInterrupted, SnapshotTooOld) as error:
            self._incomplete.append(self._deadline.explain(error))

    @contextmanager
    def _timed(self, stage: ScanStage) -> Iterator[None]:
        begun = self._monotonic()
        yield
        self._tell_stage(stage, self._monotonic() - begun)

    def _tell_stage(self, stage: ScanStage, seconds: float) -> None:
        mode = self._selection.mode
        self._observer.stage_finished(self._scan_id, stage, mode=mode, seconds=seconds)

    def report(self, started_at: datetime, *, duration_seconds: float) -> ScanReport:
        """Say what was found."""
        findings = self._findings
        return ScanReport(
            scan_id=self._scan_id,
            mode=self._selection.mode,
            consistency=self._consistency,
            started_at=started_at,
            duration_seconds=duration_seconds,
            coverage=Coverage(self._accounts, self._users, len(self._currencies)),
            mismatch_count=findings.count,
            mismatched_users=findings.users,
            by_kind=dict(findings.by_kind),
            mismatches=findings.mismatches,
            incomplete=tuple(self._incomplete),
            digest=self._digesting.use if self._digesting else None,
        )

    def _confirmation(self, source: BalanceSource) -> Confirmation:
        return Confirmation(
            source,
            self._judge,
            self._findings,
            self._deadline,
            scan_id=self._scan_id,
            observer=self._observer,
            sink=self._sink,
            sleep=self._sleep,
            settle_seconds=self._options.settle_seconds,
            suspects_max=self._options.suspects_max,
        )

    async def _read_all(self, source: BalanceSource, confirmation: Confirmation) -> None:
        """Compare digests if that is wanted, and account by account what they leave."""
        digesting = self._digesting
        if digesting is None:
            left = await self._ranges(source)
        else:
            await digesting.prepare(source)
            ranges = await self._ranges(source, digesting.range_accounts)
            # One after the other: each of them keeps the server busy by itself.
            await self._read_ranges(source, ranges, confirmation, digesting.read_part, parallel=1)
            self._tell_stage(ScanStage.DIGEST, digesting.digest_seconds)
            self._tell_stage(ScanStage.DRILLDOWN, digesting.drilldown_seconds)
            left = digesting.left_of(await self._ranges(source)) if digesting.left_over else []
        with self._timed(ScanStage.COMPARE):
            exactly = reading_exactly(self._selection)
            parallel = self._options.ranges_parallel
            await self._read_ranges(source, left, confirmation, exactly, parallel=parallel)

    async def _ranges(self, source: BalanceSource, accounts: int | None = None) -> list[KeyRange]:
        if self._selection.user_id is not None:
            return [KeyRange()]
        for attempt in range(DIVIDING_ATTEMPTS_MAX):
            try:
                if self._progress:
                    self._estimated_accounts = await source.estimated_accounts()
                return list(await source.ranges(accounts=accounts))
            except (ReadInterrupted, SnapshotTooOld):
                await self._sleep(PAUSE_SECONDS * 2**attempt)
        # One range is as right as many; if it cannot be read either, that will be said.
        return [KeyRange()]

    async def _read_ranges(
        self,
        source: BalanceSource,
        ranges: list[KeyRange],
        confirmation: Confirmation,
        read_part: ReadPart,
        *,
        parallel: int,
    ) -> None:
        waiting = zip(self._numbers, ranges, strict=False)

        async def work() -> None:
            """Read one range after the other until there are no more, or too many failed."""
            while len(self._incomplete) < FAILED_RANGES_MAX and not self._deadline.is_past:
                number, key_range = next(waiting, (0, None))
                if key_range is None:
                    return
                await self._read(source, number, key_range, confirmation, read_part)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(parallel, len(ranges))):
                group.create_task(work())
        left = sum(1 for _ in waiting)
        if left and self._deadline.is_past:
            why = self._deadline.explain(TimeoutError())
            self._incomplete.append(f"{left} further ranges were not read: {why}")
        elif left:
            self._incomplete.append(f"{left} further ranges were not tried any more")

    async def _read(
        self,
        source: BalanceSource,
        number: int,
        key_range: KeyRange,
        confirmation: Confirmation,
        read_part: ReadPart,
    ) -> None:
        accounts = 0

        async def take(portion: Portion) -> None:
            nonlocal accounts
            accounts += portion.accounts
            await self._take(number, portion, confirmation)

        def read_again(part: KeyRange, why: str) -> None:
            self._observer.range_read_again(self._scan_id, part, why=why)

        reading = RangeReading(
            source,
            read_part,
            self._deadline,
            sleep=self._sleep,
            take=take,
            read_again=read_again,
        )
        try:
            await self._throttle.pass_through(key_range)
            await reading.read(key_range)
        except CannotLook as error:
            self._incomplete.append(str(error))
        else:
            self._observer.range_done(self._scan_id, key_range, accounts=accounts)

    async def _take(self, number: int, portion: Portion, confirmation: Confirmation) -> None:
        self._accounts += portion.accounts
        self._users += portion.users
        self._currencies |= portion.currencies
        for seen in portion.views:
            mismatch = self._judge.judge(seen)
            if mismatch:
                confirmation.suspect(number, seen, mismatch)
        if self._progress:
            self._progress(self._accounts, max(self._accounts, self._estimated_accounts))
        await confirmation.make_room()
