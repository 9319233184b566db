"""The embedded MongoDB as its users see it."""

import asyncio
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from reconciler.embedded import election
from reconciler.embedded.binary import find_mongod
from reconciler.embedded.guarded import Guarded
from reconciler.embedded.member import Member, ServerOptions
from reconciler.errors import EmbeddedMongoFailed

REPLICA_SET = "embedded"
PORTS_FILE = "ports.json"

# Few resources, and a client killed in a transaction blocks its documents for seconds only.
DEFAULT_PARAMETERS = {
    "diagnosticDataCollectionEnabled": "false",
    "transactionLifetimeLimitSeconds": "3",
    "shutdownTimeoutMillisForSignaledShutdown": "100",
}


class EmbeddedMongo:
    """A MongoDB on free loopback ports that lives as long as this process, at most.

    Use it as an asynchronous context manager, or call `start` and `stop`. However this process
    ends, its servers end and a temporary directory is removed.

    Args:
        members: 1 or 3 members of one replica set.
        standalone: a single server that is no replica set: no transactions, no snapshots.
        mongod_path: the binary; else it is looked for, see `find_mongod`.
        data_directory: kept, and used again at the next start; None for a temporary one.
        parameters: `--setParameter` names and values, over `DEFAULT_PARAMETERS`.
        ports: one fixed port for each member; a taken one is then an error.
        cache_gb: memory of each member's storage engine; 0.25 is the server's minimum.
        oplog_mb: size of each member's oplog.
        start_deadline_seconds: limit for the whole start.

    Raises:
        ValueError: a number of members that is not supported, or of ports that does not fit.
    """

    def __init__(
        self,
        *,
        members: int = 1,
        standalone: bool = False,
        mongod_path: Path | None = None,
        data_directory: Path | None = None,
        parameters: Mapping[str, str] | None = None,
        ports: Sequence[int] | None = None,
        cache_gb: float = 0.25,
        oplog_mb: int = 128,
        start_deadline_seconds: float = 60.0,
    ) -> None:
        if members not in {1, 3} or (standalone and members != 1):
            raise ValueError("An embedded MongoDB is a replica set of 1 or 3, or one standalone.")
        if ports is not None and len(ports) != members:
            raise ValueError(f"{members} ports are needed, not {len(ports)}.")
        self.members: list[Member] = []
        self.data_directory = data_directory
        self._members_count = members
        self._is_standalone = standalone
        self._mongod_path = mongod_path
        self._parameters = {**DEFAULT_PARAMETERS, **(parameters or {})}
        self._ports = ports
        self._cache_gb = cache_gb
        self._oplog_mb = oplog_mb
        self._start_deadline_seconds = start_deadline_seconds
        self._guarded: Guarded | None = None
        self._directory: Path | None = None

    @property
    def uri(self) -> str:
        """The connection string of the running set, or of the standalone server."""
        if not self.members:
            raise EmbeddedMongoFailed("The embedded MongoDB is not started.")
        hosts = ",".join(member.address for member in self.members)
        options = "directConnection=true" if self._is_standalone else f"replicaSet={REPLICA_SET}"
        return f"mongodb://{hosts}/?{options}"

    @property
    def guardian_pid(self) -> int:
        """The process that holds the servers; 0 when there is none."""
        return 0 if self._guarded is None else self._guarded.pid

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start and wait for a writable primary that all other members follow.

        Raises:
            MongodNotFound: there is no binary.
            EmbeddedMongoFailed: no server in time, or the directory cannot be used. Nothing is
                left running.
        """
        if self._guarded is not None:
            raise EmbeddedMongoFailed("The embedded MongoDB is started already.")
        binary = find_mongod(self._mongod_path)
        deadline = time.monotonic() + self._start_deadline_seconds
        self._guarded = await Guarded.launch()
        try:
            directory = self._directory = await self._guarded.open(self.data_directory)
            await self._launch_members(binary, directory, deadline)
            if not self._is_standalone:
                await election.form(
                    self.members,
                    name=REPLICA_SET,
                    deadline_seconds=deadline - time.monotonic(),
                )
                await self._wait(everybody=True, deadline_seconds=deadline - time.monotonic())
            _remember_ports(directory, self.members)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the servers and remove a temporary directory; harmless when nothing runs."""
        guarded, self._guarded = self._guarded, None
        self.members = []
        if guarded is not None:
            # A cancelled caller must not cut the cleaning short.
            await asyncio.shield(guarded.close())

    async def primary(self) -> Member:
        """The member that takes writes now, waiting for an election if need be."""
        if self._is_standalone:
            return self.members[0]
        return await self.wait_for_primary()

    async def wait_for_primary(self, *, deadline_seconds: float = 30.0) -> Member:
        """Wait until some member takes writes, and name it."""
        return await self._wait(everybody=False, deadline_seconds=deadline_seconds)

    async def require_login(self, *, user: str, password: str) -> None:
        """Make a user with all rights, and let nobody in without a login from now on.

        Every member is started again. A later start in a kept directory asks for no login.
        """
        if self._is_standalone or self._directory is None:
            raise EmbeddedMongoFailed(
                "Only a replica set that runs can be made to ask for a login."
            )
        await election.add_root(await self.primary(), user=user, password=password)
        key_file = self._directory / "members.key"
        key_file.touch(mode=0o600)
        key_file.write_text(secrets.token_hex(32))
        for member in self.members:
            await member.restart(key_file=key_file)
        await self._wait(everybody=True, deadline_seconds=self._start_deadline_seconds)

    async def step_down(self, *, for_seconds: int = 1) -> None:
        """Make the primary give up its place for at least `for_seconds`."""
        await election.step_down(await self.primary(), for_seconds=for_seconds)

    async def _wait(self, *, everybody: bool, deadline_seconds: float) -> Member:
        return await election.wait_until_ready(
            self.members, everybody=everybody, deadline_seconds=deadline_seconds
        )

    async def _launch_members(self, binary: Path, directory: Path, deadline: float) -> None:
        assert self._guarded is not None, "launched by start"
        options = ServerOptions(
            binary=binary,
            replica_set=None if self._is_standalone else REPLICA_SET,
            cache_gb=self._cache_gb,
            oplog_mb=self._oplog_mb,
            parameters=self._parameters,
        )
        ports = self._ports or _remembered_ports(directory, count=self._members_count)
        self.members = [
            Member(self._guarded, options, index=index, directory=directory)
            for index in range(self._members_count)
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for member, port in zip(self.members, ports, strict=True):
                    group.create_task(
                        member.launch(
                            port=port,
                            is_port_fixed=self._ports is not None,
                            deadline_seconds=deadline - time.monotonic(),
                        )
                    )
        except ExceptionGroup as failures:
            # One is enough to say; the group has cancelled the other launches.
            raise failures.exceptions[0] from None


def _remembered_ports(directory: Path, *, count: int) -> Sequence[int | None]:
    """The ports of the last start in this directory, so that its address stays the same."""
    try:
        ports: list[int] = json.loads((directory / PORTS_FILE).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return [None] * count
    if len(ports) != count:
        raise EmbeddedMongoFailed(
            f"The directory {str(directory)!r} holds an embedded MongoDB of {len(ports)} members; "
            f"{count} were asked for."
        )
    return ports


def _remember_ports(directory: Path, members: Sequence[Member]) -> None:
    scratch = directory / f"{PORTS_FILE}.new"
    scratch.write_text(json.dumps([member.port for member in members]))
    scratch.replace(directory / PORTS_FILE)
