"""Forms the replica set, and asks who leads it."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pymongo
from pymongo import AsyncMongoClient
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from reconciler.embedded.member import POLL_SECONDS, Member
from reconciler.errors import EmbeddedMongoFailed

NOT_YET_INITIALIZED = 94
ALREADY_INITIALIZED = 23
# Long enough for a busy machine, short enough to replace a dead primary within seconds.
ELECTION_TIMEOUT_MILLISECONDS = 2000
HEARTBEAT_INTERVAL_MILLISECONDS = 500
ANSWER_SECONDS = 2.0

Document = dict[str, Any]


@asynccontextmanager
async def _connected(member: Member) -> AsyncIterator[AsyncMongoClient[Document]]:
    async with AsyncMongoClient[Document](
        member.address,
        directConnection=True,
        serverSelectionTimeoutMS=int(ANSWER_SECONDS * 1000),
    ) as client:
        yield client


async def form(members: Sequence[Member], *, name: str, deadline_seconds: float) -> None:
    """Make the members a replica set, or fit a kept one to the ports that they have now.

    A kept member first asks the hosts of its old configuration whether they are itself. Should
    another program have taken such a port and say nothing, that takes the server 30 seconds.

    Raises:
        EmbeddedMongoFailed: a server refused, or it took too long.
    """
    deadline = time.monotonic() + deadline_seconds
    try:
        with pymongo.timeout(deadline_seconds):
            while not await _is_formed(members, name=name):
                if time.monotonic() >= deadline:
                    raise EmbeddedMongoFailed(
                        f"The replica set was not formed within {deadline_seconds:g} seconds; "
                        f"the last log lines:\n{members[0].log_tail()}"
                    )
                await asyncio.sleep(POLL_SECONDS)
    except PyMongoError as error:
        raise EmbeddedMongoFailed(
            f"The replica set could not be formed: {error}; the last log lines:\n"
            f"{members[0].log_tail()}"
        ) from error


async def _is_formed(members: Sequence[Member], *, name: str) -> bool:
    """Form it; False if the first member is not yet able to, and is to be asked again."""
    wanted = _configuration(members, name=name)
    try:
        async with _connected(members[0]) as client:
            found = await _found_configuration(client)
            if found is None:
                await client.admin.command("replSetInitiate", wanted)
            elif _hosts(found) != _hosts(wanted):
                wanted["version"] = found["version"] + 1
                # The ports that the set knows are gone, so no majority could agree to new ones.
                await client.admin.command("replSetReconfig", wanted, force=True)
    except AutoReconnect:
        # A server that changes its state may close its connections.
        return False
    except OperationFailure as error:
        # It had not read its kept configuration yet when we asked for it.
        if error.code == ALREADY_INITIALIZED:
            return False
        raise
    return True


async def wait_until_ready(
    members: Sequence[Member], *, everybody: bool, deadline_seconds: float
) -> Member:
    """Wait for a primary that takes writes and, with `everybody`, for the others to follow it.

    Raises:
        EmbeddedMongoFailed: not so in time; with a member's last log lines.
    """
    deadline = time.monotonic() + deadline_seconds
    while time.monotonic() < deadline:
        greetings = await asyncio.gather(*(_greeting(member) for member in members))
        followers = sum(bool(greeting.get("secondary")) for greeting in greetings)
        for member, greeting in zip(members, greetings, strict=True):
            is_primary = bool(greeting.get("isWritablePrimary"))
            if is_primary and (not everybody or followers == len(members) - 1):
                return member
        await asyncio.sleep(POLL_SECONDS)
    raise EmbeddedMongoFailed(
        f"No primary within {deadline_seconds:g} seconds; the last log lines:\n"
        f"{members[0].log_tail()}"
    )


async def step_down(primary: Member, *, for_seconds: int) -> None:
    """Make the primary give up its place, even if no other member has caught up."""
    async with _connected(primary) as client:
        await client.admin.command(
            "replSetStepDown", for_seconds, secondaryCatchUpPeriodSecs=0, force=True
        )


async def add_root(primary: Member, *, user: str, password: str) -> None:
    """Make a user who may do everything."""
    async with _connected(primary) as client:
        await client.admin.command(
            "createUser", user, pwd=password, roles=["root"], writeConcern={"w": "majority"}
        )


async def _greeting(member: Member) -> Document:
    """What the member says of itself; nothing when it is dead or frozen."""
    try:
        with pymongo.timeout(ANSWER_SECONDS):
            async with _connected(member) as client:
                return await client.admin.command("hello")
    except PyMongoError:
        return {}


async def _found_configuration(client: AsyncMongoClient[Document]) -> Document | None:
    try:
        reply = await client.admin.command("replSetGetConfig")
    except OperationFailure as error:
        if error.code == NOT_YET_INITIALIZED:
            return None
        raise
    configuration: Document = reply["config"]
    return configuration


def _configuration(members: Sequence[Member], *, name: str) -> Document:
    return {
        "_id": name,
        "version": 1,
        "members": [{"_id": member.index, "host": member.address} for member in members],
        "settings": {
            "electionTimeoutMillis": ELECTION_TIMEOUT_MILLISECONDS,
            "heartbeatIntervalMillis": HEARTBEAT_INTERVAL_MILLISECONDS,
        },
    }


def _hosts(configuration: Document) -> list[str]:
    return [member["host"] for member in configuration["members"]]
