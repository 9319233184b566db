"""Carries one piece of work through a transaction: attempts, commit, and clearing up.

`with_transaction` cannot keep the library's promises: a cancellation or a time-out in it leaves a
commit that may still land, or a transaction that blocks its accounts for a minute. So the work runs
in a task of its own, which the caller only watches. Until the commit begins, the caller can leave
and the transaction is undone. From then on it is carried to its end, whoever left.
"""

import asyncio
import contextlib
import contextvars
import itertools
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from typing import Any, Protocol, TypeVar

import pymongo
from bson import Binary
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure, PyMongoError

from reconciler.errors import (
    AccountPaused,
    DeadlineExceeded,
    OutcomeUnknown,
    PostingFailed,
    PostingRefused,
)
from reconciler.sync.accounts import Paused
from reconciler.sync.transaction import Document, DuplicateKey, LostUpdate, Transaction, begin
from reconciler.sync.turns import Turns

# A commit that was not answered is asked for again for this long; then its session is killed, which
# undoes the transaction unless it was committed after all.
COMMIT_SECONDS_MAX = 60.0
# How long to try to free the accounts of a transaction that was given up.
RELEASE_SECONDS_MAX = 30.0
_TRY_SECONDS = 5.0
_NOT_COMMITTED = "TransientTransactionError"
_PAUSE_SECONDS_MAX = 0.1
# An op_id or a sequence number that is there already is seen by the next attempt's snapshot.
_DUPLICATES_MAX = 5
# How long a posting waits for a repair of one of its accounts; a pause lasts no longer than that
# unless the repair goes on, and prolongs it.
PAUSED_SECONDS_MAX = 5.0
_PAUSED_LOOK_SECONDS = 0.05

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Work(Protocol[T_co]):
    """What is to be done in one transaction; it runs again, from nothing, when an attempt fails."""

    @property
    def op_id(self) -> str:
        """The name under which its outcome can be asked for."""

    @property
    def turn_keys(self) -> Iterable[str]:
        """What it changes: work with a key in common waits for each other."""

    async def attempt(self, transaction: Transaction, *, distrustful: bool) -> tuple[T_co, bool]:
        """Read, decide and write; give the result, and whether there is anything to commit.

        `distrustful` is set once an attempt met a key that was there already.
        """

    def retried(self, attempt: int, error: Exception) -> None:
        """Take note that an attempt failed and that another one follows."""


class _Watch:
    """Where one flight is, as seen by the caller that watches it."""

    def __init__(self) -> None:
        self.committing = False
        self.left = False

    def leave(self) -> bool:
        """Leave the flight; True if its commit has not begun, so that it never will."""
        self.left = True
        return not self.committing

    def begin_commit(self) -> None:
        if self.left:
            raise asyncio.CancelledError
        self.committing = True


class Carrier:
    """Runs pieces of work, each in one transaction and within one deadline."""

    def __init__(
        self,
        database: AsyncDatabase[Document],
        *,
        deadline_seconds: float,
        ready: Callable[[], Awaitable[None]],
    ) -> None:
        """Take the database, the deadline of each call, and what must hold before the first one."""
        self._ready = ready
        self._client = database.client
        self._database = database
        self._deadline_seconds = deadline_seconds
        self._turns = Turns()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def carry(self, work: Work[T]) -> T:
        """Do the work once, or not at all.

        Raises:
            OutcomeUnknown: its commit had begun when time ran out or the caller was cancelled.
            DeadlineExceeded: the deadline passed before that; nothing was written.
            asyncio.CancelledError: the caller was cancelled before that; nothing was written.
            PostingFailed: the server refused; nothing was written.
        """
        watch = _Watch()
        flight = self._spawn(self._fly(work, watch))
        try:
            await asyncio.wait({flight}, timeout=self._deadline_seconds)
        except asyncio.CancelledError as cancelled:
            if watch.leave():
                flight.cancel()
                raise
            raise OutcomeUnknown(work.op_id, "cancelled while it was committed") from cancelled
        if flight.cancelled() and watch.committing:
            raise OutcomeUnknown(work.op_id, "its commit was cancelled from outside")
        if flight.done():
            return flight.result()
        if watch.leave():
            flight.cancel()
            raise DeadlineExceeded(
                f"the posting was given up after {self._deadline_seconds:g} s, before its commit "
                "began; nothing was written"
            )
        raise OutcomeUnknown(work.op_id, f"no answer to its commit in {self._deadline_seconds:g} s")

    async def close(self) -> None:
        """Wait until nothing is under way; every flight is bounded, so that this ends."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def _spawn(
        self, coroutine: Coroutine[Any, Any, T], context: contextvars.Context | None = None
    ) -> asyncio.Task[T]:
        task = asyncio.create_task(coroutine, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen, so that asyncio does not report it when the caller has left

    async def _fly(self, work: Work[T], watch: _Watch) -> T:
        await self._ready()
        give_up_at = time.monotonic() + PAUSED_SECONDS_MAX
        while True:
            try:
                async with self._turns.take(work.turn_keys):
                    return await self._until_done(work, watch)
            except Paused as paused:
                if time.monotonic() > give_up_at:
                    raise AccountPaused(str(paused)) from None
            # Without the turn: the repair may be waiting for it.
            await asyncio.sleep(_PAUSED_LOOK_SECONDS)

    async def _until_done(self, work: Work[T], watch: _Watch) -> T:
        duplicates = 0
        for attempt in itertools.count(1):
            try:
                return await self._attempt(work, watch, distrustful=duplicates > 0)
            except (PyMongoError, DuplicateKey, LostUpdate) as error:
                duplicates += isinstance(error, DuplicateKey)
                if watch.left or not _is_worth_another(error, duplicates):
                    raise _refusal(error) from error
                work.retried(attempt, error)
            # Full jitter, so that callers who met on one account do not meet again.
            await asyncio.sleep(
                random.uniform(0, min(_PAUSE_SECONDS_MAX, 0.002 * 2 ** min(attempt, 10)))
            )
        raise AssertionError("the count of attempts does not end")

    async def _attempt(self, work: Work[T], watch: _Watch, *, distrustful: bool) -> T:
        async with self._session() as session:
            transaction = await begin(session, self._database)
            try:
                result, has_writes = await work.attempt(transaction, distrustful=distrustful)
                if not has_writes:
                    return result
                watch.begin_commit()
            except (asyncio.CancelledError, ConnectionFailure) as error:
                await self._free(session, wait=isinstance(error, asyncio.CancelledError))
                raise
            # In an empty context: a caller's `pymongo.timeout` must not end the commit.
            commit = self._spawn(self._commit(session, work.op_id), contextvars.Context())
            await self._end_of(commit, session, work.op_id, watch)
            return result

    async def _end_of(
        self, commit: asyncio.Task[None], session: AsyncClientSession, op_id: str, watch: _Watch
    ) -> None:
        """Wait for a commit to its end; the session lives no shorter than it.

        Nobody but whoever cancels all tasks of a process cancels this one or the commit; what
        became of the posting is then unknown.
        """
        try:
            await asyncio.shield(commit)
        except PyMongoError:
            watch.committing = False  # answered: it was not committed
            raise
        except asyncio.CancelledError as cancelled:
            await asyncio.wait({commit})
            if commit.cancelled():
                await self._free(session, wait=True)
            raise OutcomeUnknown(op_id, "its commit was cancelled from outside") from cancelled
        except OutcomeUnknown:
            raise
        except Exception as error:
            raise OutcomeUnknown(op_id, "its commit had an answer that makes no sense") from error

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[AsyncClientSession]:
        """Give a session; a transaction still open at the end is undone, in bounded time."""
        session = self._client.start_session()
        try:
            yield session
        finally:
            with pymongo.timeout(_TRY_SECONDS):
                await session.end_session()

    async def _commit(self, session: AsyncClientSession, op_id: str) -> None:
        """Ask for the commit until it is answered, or its session is killed.

        Raises:
            PyMongoError: labelled TransientTransactionError: it certainly was not committed.
            OutcomeUnknown: there was no answer for very long.
        """
        give_up_at = time.monotonic() + COMMIT_SECONDS_MAX
        for attempt in itertools.count(1):
            try:
                with pymongo.timeout(_TRY_SECONDS):
                    await session.commit_transaction()
                    return
            except PyMongoError as error:
                if error.has_error_label(_NOT_COMMITTED):
                    raise
                if time.monotonic() > give_up_at:
                    await self._kill(session.session_id["id"])
                    raise OutcomeUnknown(op_id, "its commit was never answered") from error
            await asyncio.sleep(min(1.0, 0.02 * 2 ** min(attempt, 10)))

    async def _free(self, session: AsyncClientSession, *, wait: bool) -> None:
        """Have the server undo a transaction whose connection may hang or be gone.

        `abort_transaction` hides its failures, and a transaction that is left open blocks its
        accounts for `transactionLifetimeLimitSeconds`, a minute by default. Without `wait` the
        driver must not use the session again; it does not after a lost connection.
        """
        killing = self._spawn(self._kill(session.session_id["id"]), contextvars.Context())
        if wait:
            await asyncio.shield(killing)

    async def _kill(self, session_id: Binary) -> None:
        command = {"killSessions": [{"id": session_id}]}
        give_up_at = time.monotonic() + RELEASE_SECONDS_MAX
        while time.monotonic() < give_up_at:
            try:
                with pymongo.timeout(_TRY_SECONDS):
                    await self._client.admin.command(command)
                    return
            except PyMongoError:
                await asyncio.sleep(0.2)


def _is_worth_another(error: Exception, duplicates: int) -> bool:
    if isinstance(error, DuplicateKey):
        return duplicates <= _DUPLICATES_MAX
    return isinstance(error, PyMongoError) and error.has_error_label(_NOT_COMMITTED)


def _refusal(error: Exception) -> PostingRefused:
    """Say what a driver's error means for the caller: before the commit, nothing is written."""
    if isinstance(error, PyMongoError) and error.timeout:
        return DeadlineExceeded("the posting ran out of the caller's own time; nothing was written")
    if isinstance(error, ConnectionFailure):
        return PostingFailed("the database could not be reached; nothing was written")
    return PostingFailed(f"the database refused the posting; nothing was written: {error}")
