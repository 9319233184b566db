"""The stream of changes, driven by commands of its own: a whole answer is decoded at once.

The driver's own change stream gives one event at a time and goes on by itself after an error. Here
each answer says where the stream stands, and who reads it decides from where it is taken up again.
"""

import contextlib
from typing import Any

from pymongo import ReadPreference
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import OperationFailure

from reconciler.errors import CannotLook, PositionLost, ReconcilerError, UnsupportedServer
from reconciler.model.mapping import Mappings
from reconciler.storage.calls import Calls, Database
from reconciler.storage.change_events import EventReader, is_over, stream_stages
from reconciler.storage.wire import CODEC_OPTIONS
from reconciler.watching.observer import Restart
from reconciler.watching.ports import Batch, Position

BATCH_EVENTS_MAX = 1_000
# What does not answer by then, beyond the time that it may wait, counts as lost.
ANSWER_SECONDS_MAX = 5.0
OPEN_SECONDS_MAX = 10.0
CLOSE_SECONDS_MAX = 0.5

_WHAT = "the stream of changes"
_NAMESPACE = "$cmd.aggregate"
# https://github.com/mongodb/mongo/blob/r6.0.5/src/mongo/base/error_codes.yml
_HISTORY_LOST = 286
_NO_REPLICA_SET = 40573
_UNAUTHORIZED = 13
_CREDENTIALS = {18, 8000}


class MongoChangeSource:
    """Opens streams on one database.

    Args:
        database: where the balances are.
        mappings: which collections they are.
        batch_events_max: how many events may come at once.
    """

    def __init__(
        self,
        database: Database,
        mappings: Mappings,
        *,
        batch_events_max: int = BATCH_EVENTS_MAX,
    ) -> None:
        self._database = database.with_options(codec_options=CODEC_OPTIONS)
        self._stages = stream_stages(mappings)
        self._reader = EventReader(mappings)
        self._batch_events_max = batch_events_max

    async def open(self, position: Position | None) -> "MongoChangeStream":
        """Open one behind a position; None begins with what is written from now on.

        Raises:
            PositionLost, UnsupportedServer, ReadInterrupted, CannotLook: see `ports`.
        """
        # Behind an `invalidate`, too, which `resumeAfter` does not take.
        start = {} if position is None else {"startAfter": position}
        command = {
            "aggregate": 1,
            "pipeline": [{"$changeStream": start}, *self._stages],
            "cursor": {"batchSize": 0},
        }
        session = self._database.client.start_session(causal_consistency=False)
        try:
            answer = await _asked(self._database, command, session, seconds=OPEN_SECONDS_MAX)
        except BaseException:
            await session.end_session()
            raise
        cursor = answer["cursor"]
        return MongoChangeStream(
            self._database,
            session,
            cursor["id"],
            cursor["postBatchResumeToken"],
            self._reader,
            batch_events_max=self._batch_events_max,
        )


class MongoChangeStream:
    """An open stream."""

    def __init__(
        self,
        database: Database,
        session: AsyncClientSession,
        cursor_id: int,
        position: Position,
        reader: EventReader,
        *,
        batch_events_max: int,
    ) -> None:
        self.position = position
        self._database = database
        self._session = session
        self._cursor_id = cursor_id
        self._reader = reader
        self._batch_events_max = batch_events_max

    async def read(self, *, wait_seconds: float) -> Batch:
        """Give what is there, or wait so long for something."""
        answer = await _asked(
            self._database,
            {
                "getMore": self._cursor_id,
                "collection": _NAMESPACE,
                "batchSize": self._batch_events_max,
                "maxTimeMS": max(int(wait_seconds * 1000), 1),
            },
            self._session,
            seconds=wait_seconds + ANSWER_SECONDS_MAX,
        )
        cursor = answer["cursor"]
        documents = cursor["nextBatch"]
        self.position = cursor["postBatchResumeToken"]
        ended = not cursor["id"] or any(is_over(each) for each in documents[-2:])
        read = (self._reader.event(each) for each in documents)
        return Batch(
            events=[event for event in read if event is not None],
            position=self.position,
            is_last=len(documents) < self._batch_events_max,
            behind_seconds=_behind_seconds(answer, documents),
            is_over=ended,
        )

    async def close(self) -> None:
        """Tell the server that no more is wanted, if it can be told."""
        kill = {"killCursors": _NAMESPACE, "cursors": [self._cursor_id]}
        with contextlib.suppress(ReconcilerError):
            await _asked(self._database, kill, self._session, seconds=CLOSE_SECONDS_MAX)
        await self._session.end_session()


async def _asked(
    database: Database, command: dict[str, Any], session: AsyncClientSession, *, seconds: float
) -> dict[str, Any]:
    calls = Calls(deadline_seconds=seconds)
    try:
        async with calls.bounded(_WHAT):
            return await database.command(
                command,
                session=session,
                read_preference=ReadPreference.PRIMARY,
                codec_options=CODEC_OPTIONS,
            )
    except CannotLook as error:
        raise _failure(error) from error


def _failure(error: CannotLook) -> ReconcilerError:
    """Say what a refusal means: what neither passes nor is forbidden is the end of the position."""
    cause = error.__cause__
    if not isinstance(cause, OperationFailure):
        return error
    if cause.code == _UNAUTHORIZED:
        return CannotLook(
            "the database user may not read the stream of changes: grant it the actions `find` "
            "and `changeStream` on the database"
        )
    if cause.code in _CREDENTIALS:
        return error
    if cause.code == _NO_REPLICA_SET:
        return UnsupportedServer(
            "a standalone server keeps no history of changes: run it as a replica set"
        )
    if cause.code == _HISTORY_LOST:
        return PositionLost(
            Restart.HISTORY_LOST, "the server no longer has what was written since the last look"
        )
    return PositionLost(Restart.FATAL, f"the stream of changes cannot go on: {error}")


def _behind_seconds(answer: dict[str, Any], documents: list[dict[str, Any]]) -> float:
    """Tell how much older the last event is than what the server did last, by its own clock."""
    if not documents:
        return 0.0
    latest = answer["operationTime"].time
    return float(max(latest - documents[-1]["clusterTime"].time, 0))
