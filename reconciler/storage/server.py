"""Connects to MongoDB, finds out what kind of server it is, and says in words why it does not work.

No sentence made here holds the connection string or anything of its credentials.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bson.errors import BSONError
from pymongo import AsyncMongoClient
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    ConnectionFailure,
    InvalidName,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.monitoring import CommandListener

from reconciler.errors import (
    CannotLook,
    DatabaseUnavailable,
    ReadInterrupted,
    ReconcilerError,
    SnapshotTooOld,
)

Client = AsyncMongoClient[dict[str, Any]]

APPLICATION_NAME = "balance-reconciler"
SERVER_SELECTION_SECONDS = 5.0
CONNECT_SECONDS = 5.0

# https://github.com/mongodb/mongo/blob/r6.0.5/src/mongo/base/error_codes.yml
_TOO_OLD_CODES = {239, 246}  # SnapshotTooOld, SnapshotUnavailable
_NOT_ALLOWED_CODES = {13}  # Unauthorized
_NOT_LET_IN_CODES = {18, 8000}  # AuthenticationFailed, the same of Atlas
_TIME_OUT_CODES = {50, 262}  # MaxTimeMSExpired, ExceededTimeLimit
_PASSING_CODES = {
    6,  # HostUnreachable
    7,  # HostNotFound
    43,  # CursorNotFound
    89,  # NetworkTimeout
    91,  # ShutdownInProgress
    134,  # ReadConcernMajorityNotAvailableYet
    175,  # QueryPlanKilled: an index or a collection was dropped
    189,  # PrimarySteppedDown
    237,  # CursorKilled
    9001,  # SocketException
    10107,  # NotWritablePrimary
    11600,  # InterruptedAtShutdown
    11601,  # Interrupted
    11602,  # InterruptedDueToReplStateChange
    13435,  # NotPrimaryNoSecondaryOk
    13436,  # NotPrimaryOrSecondary
}


_NO_SERVER = (
    "no MongoDB server that can be read answered: check mongo.uri and whether the replica set has "
    "a primary"
)


class ServerKind(StrEnum):
    """What the server is part of."""

    REPLICA_SET = "replica_set"
    SHARDED = "sharded"
    STANDALONE = "standalone"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answered: its kind and its version."""

    kind: ServerKind
    version: str

    @property
    def has_snapshots(self) -> bool:
        """Whether all collections can be read as of one moment."""
        return self.kind is not ServerKind.STANDALONE


def connect(
    uri: str,
    *,
    server_selection_seconds: float = SERVER_SELECTION_SECONDS,
    connect_seconds: float = CONNECT_SECONDS,
    listeners: Sequence[CommandListener] = (),
) -> Client:
    """Make the client; it connects with its first call. Limits in the connection string win.

    `listeners` are told of each command.

    Raises:
        CannotLook: the connection string cannot be used.
    """
    defaults = {
        "serverSelectionTimeoutMS": _milliseconds(server_selection_seconds),
        "connectTimeoutMS": _milliseconds(connect_seconds),
        "appname": APPLICATION_NAME,
    }
    try:
        return AsyncMongoClient(
            uri,
            **_without_those_in(uri, defaults),
            event_listeners=list(listeners),
            tz_aware=True,
            datetime_conversion="DATETIME_AUTO",
            # The driver takes no other one here; what reads balances has options of its own.
            unicode_decode_error_handler="replace",
        )
    except (ConfigurationError, InvalidURI, InvalidName, ValueError) as error:
        # The driver's own text may quote the connection string, with its password.
        raise CannotLook(
            "the MongoDB connection string (mongo.uri) cannot be used: it must look like "
            f"mongodb://host:27017/?replicaSet=rs0 ({type(error).__name__})"
        ) from None


async def probe(client: Client, *, deadline_seconds: float = SERVER_SELECTION_SECONDS) -> Server:
    """Ask the server what it is.

    Raises:
        DatabaseUnavailable: it did not answer in time.
        CannotLook: it does not let us in.
    """
    try:
        async with asyncio.timeout(deadline_seconds):
            hello = await client.admin.command("hello")
            build = await client.admin.command("buildInfo")
    except TimeoutError as error:
        raise DatabaseUnavailable(_NO_SERVER) from error
    except PyMongoError as error:
        failure = failure_of(error, "the server")
        if isinstance(failure, CannotLook):
            raise failure from error
        raise DatabaseUnavailable(str(failure)) from error
    if not hello.get("isWritablePrimary"):
        raise CannotLook(
            "the connection leads to a member that is not the primary, which may lag: leave "
            "directConnection out of mongo.uri, or wait for the election to end"
        )
    return Server(_kind(hello), str(build.get("version", "unknown")))


@contextmanager
def translating(what: str, *, is_write: bool = False) -> Iterator[None]:
    """Turn the driver's errors into ours; `what` names what is read, or changed."""
    try:
        yield
    except PyMongoError as error:
        raise failure_of(error, what, is_write=is_write) from error
    except BSONError as error:
        raise CannotLook(f"the server's answer about {what} could not be decoded") from error


def failure_of(error: PyMongoError, what: str, *, is_write: bool = False) -> ReconcilerError:
    """Say in one sentence why `what` could not be read, and by its class whether it may pass."""
    verb, role = ("change", "readWrite") if is_write else ("read", "read")
    code = error.code if isinstance(error, OperationFailure) else None
    if code in _TOO_OLD_CODES:
        return SnapshotTooOld(f"the snapshot of {what} is too old for the server to read on")
    if code in _NOT_LET_IN_CODES:
        return CannotLook(
            "MongoDB refused the login: check user, password and authSource in mongo.uri"
        )
    if code in _NOT_ALLOWED_CODES:
        return CannotLook(
            f"the database user may not {verb} {what}: grant it the role `{role}` on the database"
        )
    if isinstance(error, ServerSelectionTimeoutError):
        return ReadInterrupted(_NO_SERVER)
    if error.timeout or code in _TIME_OUT_CODES:
        return no_answer(what)
    if isinstance(error, AutoReconnect | ConnectionFailure) or code in _PASSING_CODES:
        return ReadInterrupted(f"the connection to the server was lost while reading {what}")
    if isinstance(error, OperationFailure):
        name = (error.details or {}).get("codeName", "no name")
        return CannotLook(f"the server refused to {verb} {what}: error {code} ({name})")
    return CannotLook(f"{what} could not be read: {type(error).__name__}")


def no_answer(what: str) -> ReadInterrupted:
    """Say that the server took too long."""
    return ReadInterrupted(f"the server did not answer in time when asked for {what}")


def _kind(hello: dict[str, Any]) -> ServerKind:
    if hello.get("msg") == "isdbgrid":
        return ServerKind.SHARDED
    return ServerKind.REPLICA_SET if "setName" in hello else ServerKind.STANDALONE


def _milliseconds(seconds: float) -> int:
    """Round up to one at least, since the driver takes 0 for something else."""
    return max(1, min(int(seconds * 1000), 2**31 - 1))


def _without_those_in(uri: str, defaults: dict[str, Any]) -> dict[str, Any]:
    options = uri.partition("?")[2].lower()
    return {name: value for name, value in defaults.items() if f"{name.lower()}=" not in options}
