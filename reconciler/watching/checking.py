"""Checks accounts that changed: a look at all that are due, and a second one at what was wrong."""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.comparison import Mismatch
from reconciler.model.finding import FindingState, Sighting, account_key, finding_key
from reconciler.model.report import Consistency, Coverage, ScanMode, ScanReport
from reconciler.model.scan_record import ScanRecord
from reconciler.scanning.judging import Judge
from reconciler.scanning.ports import BalanceSource, BalanceStore, Order, SeenKey, SeenView
from reconciler.scanning.rules import CONFIRMATION_RULES
from reconciler.watching.observer import WatchObserver
from reconciler.watching.pending import Touched
from reconciler.watching.ports import WatchedFindings
from reconciler.watching.recording import WatchRecorder
from reconciler.watching.rules import CHECKED_MAX, CONFIRM_SHARE, WatchOptions

# One look at accounts takes no longer; a stream that is taken up again repeats it.
LOOK_SECONDS_MAX = 10.0
# So long one source is used for looks.
SOURCE_SECONDS = 10.0


@dataclass(slots=True)
class _Suspect:
    """An account of which something is to be told, if a later snapshot agrees.

    `description` is how it was wrong; None where it is in sync and has an open finding.
    """

    touched: Touched
    description: str | None
    look_at: float
    looks: int = 0


@dataclass(slots=True)
class _Decided:
    """What became of suspects at one look."""

    confirmed: list[tuple[Touched, Sighting]] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    users: set[object] = field(default_factory=set)
    currencies: set[object] = field(default_factory=set)
    looked_at: int = 0
    undecided: int = 0


class Checker:
    """Checks the accounts of one stream.

    Args:
        store: where the balances are read.
        judge: says what is wrong with a view.
        findings: knows which accounts have an open finding.
        recorder: writes down what was decided.
        observer: is told.
        options: the settings of the watch.
        monotonic: a clock in seconds.
        now: the time of day.
    """

    def __init__(
        self,
        store: BalanceStore,
        judge: Judge,
        findings: WatchedFindings,
        recorder: WatchRecorder,
        observer: WatchObserver,
        options: WatchOptions,
        *,
        monotonic: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._judge = judge
        self._findings = findings
        self._recorder = recorder
        self._observer = observer
        self._options = options
        self._monotonic = monotonic
        self._now = now
        self._rule = CONFIRMATION_RULES[Consistency.SNAPSHOT]
        self._suspects: dict[Order, _Suspect] = {}
        self._record: ScanRecord | None = None
        self._source: BalanceSource | None = None
        self._source_until = 0.0

    @property
    def look_again_at(self) -> float | None:
        """When the next second look is due; None if nothing waits for one."""
        return min((each.look_at for each in self._suspects.values()), default=None)

    @property
    def oldest_mark(self) -> int | None:
        """The batch of the oldest change that is still judged; None if there is none."""
        return min((each.touched.mark for each in self._suspects.values()), default=None)

    async def look(self, due: Sequence[Touched], *, token: int) -> None:
        """Look at accounts; keep those that must be looked at again.

        Raises:
            Fenced: another daemon leads.
            SnapshotTooOld, ReadInterrupted, CannotLook: they could not be looked at.
        """
        seen: list[tuple[Touched, str, str | None]] = []
        by_order = {each.key.order: each for each in due}
        async with aclosing(self._views([each.key for each in due])) as views:
            async for each in views:
                mismatch = self._judge.judge(each)
                wrong = None if mismatch is None else self._judge.description_of(mismatch)
                seen.append((by_order[each.key.order], _finding_key(each, mismatch), wrong))
        mismatched = sum(wrong is not None for _, _, wrong in seen)
        self._observer.checked(accounts=len(seen), mismatched=mismatched)
        states = await self._findings.open_among([name for _, name, _ in seen])
        look_at = self._monotonic() + self._options.settle_seconds * CONFIRM_SHARE
        for touched, name, wrong in seen:
            state = states.get(name)
            if wrong is not None and state is FindingState.CONFIRMED:
                continue  # it is known; what became of the amounts is for the next full scan
            if wrong is not None or state is not None:
                suspect = _Suspect(touched, wrong, look_at)
                self._suspects.setdefault(touched.key.order, suspect)
        await self._begin(token)

    async def look_again(self, *, token: int) -> None:
        """Look again at what is due for that, and write down what was decided.

        Raises:
            Fenced: another daemon leads. SnapshotTooOld, ReadInterrupted, CannotLook,
            DatabaseUnavailable: nothing was decided, or not all of it is written down.
        """
        now = self._monotonic()
        due = [each for each in self._suspects.values() if each.look_at <= now][:CHECKED_MAX]
        if not due or self._record is None:
            return
        record, self._record = self._record, None
        decided = _Decided()
        async with aclosing(self._views([each.touched.key for each in due])) as views:
            async for seen in views:
                self._decide(self._suspects[seen.key.order], seen, decided)
        sightings = [sighting for _, sighting in decided.confirmed]
        report = self._report(record, decided)
        await self._recorder.record(record, report, confirmed=sightings, cleared=decided.cleared)
        done = self._monotonic()
        for touched, _ in decided.confirmed:
            latency = done - touched.first_at + touched.behind_seconds
            self._observer.confirmed(latency_seconds=latency)
        await self._begin(token)

    async def _begin(self, token: int) -> None:
        """Number the next check while it waits: it reads after this all the same."""
        if self._suspects and self._record is None:
            self._record = await self._recorder.begin(token=token)

    async def _views(self, keys: Sequence[SeenKey]) -> AsyncGenerator[SeenView, None]:
        source = await self._opened()
        async with source.moment() as moment, aclosing(moment.views(keys)) as views:
            async for each in views:
                yield each

    async def _opened(self) -> BalanceSource:
        """Give a source that lasts for a look: what server it is need not be asked each time."""
        now = self._monotonic()
        if self._source is None or now >= self._source_until:
            lasting = SOURCE_SECONDS + LOOK_SECONDS_MAX
            self._source = await self._store.open(deadline_seconds=lasting)
            self._source_until = now + SOURCE_SECONDS
        return self._source

    def _decide(self, suspect: _Suspect, seen: SeenView, decided: _Decided) -> None:
        decided.looked_at += 1
        decided.currencies.add(seen.view.account.currency)
        if seen.key.user is not None:
            decided.users.add(seen.key.user)
        mismatch = self._judge.judge(seen)
        suspect.looks += 1
        if mismatch is None:
            del self._suspects[seen.key.order]
            if seen.key.is_account:
                decided.cleared.append(account_key(seen.view.account))
            return
        wrong = self._judge.description_of(mismatch)
        if wrong == suspect.description or suspect.looks >= self._rule.rounds_max:
            del self._suspects[seen.key.order]
            sighting = Sighting(mismatch, wrong, is_confirmed=True)
            decided.confirmed.append((suspect.touched, sighting))
            return
        suspect.description = wrong
        suspect.look_at = self._monotonic() + self._options.settle_seconds * CONFIRM_SHARE
        decided.undecided += 1

    def _report(self, record: ScanRecord, decided: _Decided) -> ScanReport:
        mismatches = [sighting.mismatch for _, sighting in decided.confirmed]
        users = {each.account.user_id for each in mismatches if each.account.user_id.text}
        undecided = decided.undecided
        return ScanReport(
            scan_id=record.scan_id,
            mode=ScanMode.WATCH,
            consistency=Consistency.SNAPSHOT,
            started_at=record.started_at,
            duration_seconds=max((self._now() - record.started_at).total_seconds(), 0.0),
            coverage=Coverage(decided.looked_at, len(decided.users), len(decided.currencies)),
            mismatch_count=len(mismatches),
            mismatched_users=len(users),
            by_kind=dict(Counter(each.kind for each in mismatches)),
            mismatches=tuple(mismatches[: self._options.mismatches_max]),
            incomplete=(f"{undecided} accounts are looked at once more",) if undecided else (),
        )


def _finding_key(seen: SeenView, mismatch: Mismatch | None) -> str:
    return account_key(seen.view.account) if mismatch is None else finding_key(mismatch)
