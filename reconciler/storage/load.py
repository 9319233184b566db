"""Asks a server how busy it is: how far its members lag, and how many operations queue."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pymongo.errors import OperationFailure, PyMongoError

from reconciler.model.throttle import ServerLoad
from reconciler.storage.server import Client

ANSWER_SECONDS_MAX = 2.0

# Replication states, https://www.mongodb.com/docs/manual/reference/replica-states/
_PRIMARY, _SECONDARY = 1, 2
# Sections of `serverStatus` that nobody here reads, and that cost something.
_LEFT_OUT = dict.fromkeys(
    ("locks", "metrics", "opLatencies", "repl", "tcmalloc", "transactions", "wiredTiger"), 0
)

NO_QUEUE = (
    "the database user may not run serverStatus, so that no number of queued operations throttles "
    "a scan: grant it the role `clusterMonitor`, or set scan.throttle_queue_max = 0"
)
NO_MEMBERS = (
    "the database user may not run replSetGetStatus, so that only the lag of the majority "
    "throttles a scan, and that of no single member: grant it the role `clusterMonitor`"
)
NO_ANSWER = "the server did not say in time how busy it is; until it does, nothing throttles a scan"
SHARDED = (
    "a sharded cluster's router does not say how busy the shards are: nothing throttles a scan"
)

_Answer = Mapping[str, Any]


class MongoLoad:
    """Asks the primary. The role `clusterMonitor` lets a user ask everything."""

    def __init__(self, client: Client, *, answer_seconds_max: float = ANSWER_SECONDS_MAX) -> None:
        self._client = client
        self._answer_seconds_max = answer_seconds_max

    async def load(self) -> ServerLoad:
        """Ask; what fails is unknown."""
        try:
            async with asyncio.timeout(self._answer_seconds_max):
                return await self._load()
        except (TimeoutError, PyMongoError):
            return ServerLoad(unknown=(NO_ANSWER,))

    async def _load(self) -> ServerLoad:
        hello = await self._client.admin.command("hello")
        if hello.get("msg") == "isdbgrid":
            return ServerLoad(unknown=(SHARDED,))
        unknown = []
        status = await self._asked("serverStatus", _LEFT_OUT)
        if status is None:
            unknown.append(NO_QUEUE)
        lag: float | None = None
        if "setName" in hello:
            members = await self._asked("replSetGetStatus")
            config = await self._asked("replSetGetConfig")
            if members is None or config is None:
                unknown.append(NO_MEMBERS)
                lag = majority_lag_seconds(hello)
            else:
                lag = largest_lag_seconds(members, config)
        return ServerLoad(lag, queued(status or {}), tuple(unknown))

    async def _asked(self, command: str, options: _Answer | None = None) -> _Answer | None:
        """Ask; None if the user may not, or the server does not have it."""
        try:
            return await self._client.admin.command(command, **(options or {}))
        except OperationFailure:
            return None


def queued(status: _Answer) -> int | None:
    """Read from `serverStatus` how many operations wait for a lock or a ticket."""
    queue = status.get("globalLock", {}).get("currentQueue", {})
    total = queue.get("total")
    return total if isinstance(total, int) else None


def largest_lag_seconds(status: _Answer, config: _Answer) -> float | None:
    """Read how far the secondary that lags most is behind the primary.

    A member that is down or resyncs does not lag: it is away, and waiting would not bring it back.
    What a member is behind by its configuration is no lag either. None without any secondary.
    """
    delays = {
        each["host"]: float(each.get("secondaryDelaySecs", 0))
        for each in config.get("config", {}).get("members", [])
    }
    times = [
        (each["stateStr"], each["name"], each["optimeDate"])
        for each in status.get("members", [])
        if each.get("health") == 1 and each.get("state") in {_PRIMARY, _SECONDARY}
    ]
    newest = max((time for _, _, time in times), default=None)
    lags = [
        _seconds(newest - time) - delays.get(name, 0.0)
        for state, name, time in times
        if state == "SECONDARY" and newest is not None
    ]
    return max(0.0, *lags) if lags else None


def majority_lag_seconds(hello: _Answer) -> float | None:
    """Read from `hello` how far what a majority has is behind the primary's last write."""
    writes = hello.get("lastWrite", {})
    last, majority = writes.get("lastWriteDate"), writes.get("majorityWriteDate")
    if not isinstance(last, datetime) or not isinstance(majority, datetime):
        return None
    return max(0.0, _seconds(last - majority))


def _seconds(distance: timedelta) -> float:
    return distance.total_seconds()
