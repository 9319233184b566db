"""The watch of one daemon: follows the stream while it leads, from where it was left.

One loop reads, checks, confirms and stores the position, in turns: while it checks it does not
read, so that the server keeps what is not taken yet, and memory is bounded. Whatever fails ends the
stream; the next one goes on from the position that was stored, which is never beyond a change that
was not checked.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

from reconciler.errors import Fenced, PositionLost, ReconcilerError, UnsupportedServer
from reconciler.watching.checking import Checker
from reconciler.watching.intake import Intake, KnownOwners
from reconciler.watching.observer import Restart, ScanWanted, WatchObserver
from reconciler.watching.pending import PendingAccounts
from reconciler.watching.ports import (
    BypassingWrites,
    ChangeSource,
    ChangeStream,
    Owners,
    Position,
    Positions,
)
from reconciler.watching.rules import (
    CHECKED_MAX,
    IDLE_SECONDS,
    LOOK_SECONDS,
    PAUSE_SECONDS,
    PAUSE_SECONDS_MAX,
    ROUND_SECONDS,
    STORE_SECONDS,
    TICK_SECONDS,
    UNKNOWN_SCAN_SECONDS,
    UNSUPPORTED_SECONDS,
    WatchOptions,
)

Sleep = Callable[[float], Awaitable[None]]


class Leading(Protocol):
    """Knows whether this daemon leads."""

    @property
    def token(self) -> int | None:
        """The fencing token, while the lease is surely ours; else None."""


class Watch:
    """Follows the stream for as long as the daemon runs; see the module.

    Args:
        leading: says whether this daemon leads.
        source: opens streams.
        positions: where the position is kept.
        owners: says whose copy a document is.
        bypassing: where writes past the library are kept.
        new_checker: makes what checks the accounts of one stream.
        observer: is told.
        options: the settings.
        scan_soon: has a full scan made at once.
        monotonic: a clock in seconds.
        now: the time of day.
        sleep: waits some seconds.
    """

    def __init__(
        self,
        leading: Leading,
        source: ChangeSource,
        positions: Positions,
        owners: Owners,
        bypassing: BypassingWrites,
        new_checker: Callable[[], Checker],
        observer: WatchObserver,
        options: WatchOptions,
        *,
        scan_soon: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._leading = leading
        self._source = source
        self._positions = positions
        self._owners = owners
        self._bypassing = bypassing
        self._new_checker = new_checker
        self._observer = observer
        self._options = options
        self._scan_soon = scan_soon
        self._monotonic = monotonic
        self._now = now
        self._sleep = sleep
        self._known = KnownOwners()
        self._failures = 0
        self._is_lost = False
        self._owed: str | None = None
        self._next_unknown_at = monotonic()
        self._read_at = monotonic()

    async def run(self) -> None:
        """Watch for ever; cancel it to stop."""
        while True:
            token = self._leading.token
            if token is None:
                self._is_lost, self._failures, self._read_at = False, 0, self._monotonic()
                await self._sleep(LOOK_SECONDS)
                continue
            await self._sleep(await self._follow(token))

    async def _follow(self, token: int) -> float:
        """Follow one stream to its end; give how long to wait before the next."""
        try:
            await self._watch(token)
        except UnsupportedServer as error:
            self._observer.unsupported(str(error))
            return UNSUPPORTED_SECONDS
        except Fenced:
            return LOOK_SECONDS  # another daemon goes on
        except PositionLost as error:
            self._is_lost = True
            self._observer.restarted(Restart(error.reason), reason=str(error))
        except ReconcilerError as error:
            self._observer.restarted(Restart.INTERRUPTED, reason=str(error))
        except Exception as error:  # noqa: BLE001 - what no event may do is to end the daemon
            self._is_lost = True
            self._observer.restarted(Restart.FAULT, reason=type(error).__name__, error=error)
        else:
            return LOOK_SECONDS
        finally:
            self._observer.watching(is_active=False)
        self._observer.progressed(
            events=0, pending=0, lag_seconds=self._monotonic() - self._read_at
        )
        self._failures += 1
        return min(PAUSE_SECONDS * 2.0 ** min(self._failures, 10), PAUSE_SECONDS_MAX)

    async def _watch(self, token: int) -> None:
        position = None if self._is_lost else await self._positions.load()
        stream = await self._source.open(position)
        try:
            if position is None:
                # The stream is open, so that nothing falls between it and the scan.
                why = ScanWanted.LOST if self._is_lost else ScanWanted.FIRST_START
                self._want_scan(why, "what was written before is not known")
            following = _Following(self._new_pending(), self._new_checker(), stream.position)
            intake = self._new_intake(following.pending)
            self._observer.watching(is_active=True)
            await self._store(following, intake, token)
            self._is_lost = False
            while self._leading.token == token:
                await self._step(stream, following, intake, token)
        finally:
            await stream.close()

    async def _step(
        self, stream: ChangeStream, following: "_Following", intake: Intake, token: int
    ) -> None:
        """Read if there is room, check what is due, look again at what was wrong."""
        begun = self._monotonic()
        pending = following.pending
        look_at = following.checker.look_again_at
        is_idle = not len(pending) and look_at is None and intake.oldest_mark is None
        is_last = True
        if not pending.is_full:
            batch = await stream.read(wait_seconds=IDLE_SECONDS if is_idle else 0.0)
            self._read_at = self._monotonic()
            following.begin_batch(batch.position)
            await intake.take(batch, mark=following.mark, at=self._read_at)
            is_last = batch.is_last
            self._failures = 0
            self._observer.progressed(
                events=len(batch.events), pending=len(pending), lag_seconds=batch.behind_seconds
            )
            if batch.is_over:
                raise PositionLost(Restart.INVALIDATED, "the database was dropped")
        now = self._monotonic()
        is_turn = pending.is_full or now - following.looked_at >= ROUND_SECONDS
        due = pending.due(now, limit=CHECKED_MAX) if is_turn else ()
        if due:
            # Where more are due than one look takes, the next one follows at once.
            following.looked_at = now if len(due) < CHECKED_MAX else 0.0
            await following.checker.look(due, token=token)
            pending.done(due)
        await following.checker.look_again(token=token)
        if self._monotonic() - following.stored_at >= STORE_SECONDS:
            await self._store(following, intake, token)
        self._pay_scan()
        if is_last and not is_idle:
            await self._sleep(self._pause(begun, following.checker.look_again_at))

    def _pause(self, begun: float, look_at: float | None) -> float:
        """Give the time to the next tick, or to a second look that is due before."""
        end = begun + TICK_SECONDS
        return max((end if look_at is None else min(end, look_at)) - self._monotonic(), 0.0)

    async def _store(self, following: "_Following", intake: Intake, token: int) -> None:
        """Keep where everything before was checked."""
        position = following.safe_position(intake.oldest_mark)
        if position is not None and position != following.stored:
            await self._positions.store(position, token=token)
            following.stored = position
        following.stored_at = self._monotonic()

    def _new_pending(self) -> PendingAccounts:
        return PendingAccounts(
            settle_seconds=self._options.settle_seconds,
            max_wait_seconds=self._options.max_wait_seconds,
            accounts_max=self._options.pending_max,
        )

    def _new_intake(self, pending: PendingAccounts) -> Intake:
        return Intake(
            pending,
            self._owners,
            self._known,
            self._bypassing,
            self._observer,
            want_scan=self._want_scan,
            now=self._now,
        )

    def _want_scan(self, why: ScanWanted, detail: str) -> None:
        if why is ScanWanted.UNKNOWN_OWNER:
            self._owed = detail
            self._pay_scan()
        else:
            self._observer.scan_wanted(why, detail=detail)
            self._scan_soon()

    def _pay_scan(self) -> None:
        """Ask for the scan that finds accounts which cannot be known, unless one was just made."""
        now = self._monotonic()
        if self._owed is None or now < self._next_unknown_at:
            return
        detail, self._owed = self._owed, None
        self._next_unknown_at = now + UNKNOWN_SCAN_SECONDS
        self._observer.scan_wanted(ScanWanted.UNKNOWN_OWNER, detail=detail)
        self._scan_soon()


class _Following:
    """The state of one stream: what is not checked yet, and the positions behind each batch."""

    def __init__(self, pending: PendingAccounts, checker: Checker, position: Position) -> None:
        self.pending = pending
        self.checker = checker
        self.mark = 0
        self.stored: Position | None = None
        self.stored_at = self.looked_at = 0.0
        self._behind: deque[tuple[int, Position]] = deque([(0, position)])

    def begin_batch(self, position: Position) -> None:
        """Number a batch, and keep where the stream stands behind it."""
        self.mark += 1
        self._behind.append((self.mark, position))

    def safe_position(self, taking_mark: int | None) -> Position | None:
        """Give the last position before which all was checked; forget the earlier ones."""
        marks = (self.pending.oldest_mark, self.checker.oldest_mark, taking_mark)
        unfinished = min((mark for mark in marks if mark is not None), default=self.mark + 1)
        safe: Position | None = None
        while self._behind and self._behind[0][0] < unfinished:
            safe = self._behind.popleft()[1]
        return safe
