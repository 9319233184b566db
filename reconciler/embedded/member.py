"""One server of an embedded MongoDB: how it is started, and how tests hurt it."""

import asyncio
import dataclasses
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.embedded.guarded import Guarded
from reconciler.errors import EmbeddedMongoFailed

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.02
PORT_ATTEMPTS_MAX = 5
KILL_DEADLINE_SECONDS = 10.0
LOG_LINES_SHOWN = 12
LOG_TAIL_BYTES = 8192
LISTENING = b"Waiting for connections"
PORT_TAKEN = b"Address already in use"


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """What all members have in common."""

    binary: Path
    replica_set: str | None
    cache_gb: float
    oplog_mb: int
    parameters: Mapping[str, str]
    key_file: Path | None = None

    def argv(self, *, port: int, directory: Path) -> list[str]:
        """Spell the command line: loopback only, no socket file, few resources."""
        argv = [str(self.binary), "--bind_ip", LOOPBACK, "--nounixsocket", "--quiet"]
        argv += ["--port", str(port), "--dbpath", str(directory)]
        argv += ["--wiredTigerCacheSizeGB", str(self.cache_gb)]
        if self.replica_set is not None:
            argv += ["--replSet", self.replica_set, "--oplogSize", str(self.oplog_mb)]
        if self.key_file is not None:
            argv += ["--keyFile", str(self.key_file)]
        for name, value in self.parameters.items():
            argv += ["--setParameter", f"{name}={value}"]
        return argv


class Member:
    """One mongod. `port` and `pid` are those of the last start."""

    def __init__(
        self, guarded: Guarded, options: ServerOptions, *, index: int, directory: Path
    ) -> None:
        self.index = index
        self.port = 0
        self.pid = 0
        self._guarded = guarded
        self._options = options
        self._directory = directory / f"member-{index}"
        self._log = directory / f"member-{index}.log"
        self._log_offset = 0

    @property
    def address(self) -> str:
        """`host:port`, as the replica set's configuration spells it."""
        return f"{LOOPBACK}:{self.port}"

    async def launch(
        self, *, port: int | None, is_port_fixed: bool, deadline_seconds: float
    ) -> None:
        """Start on the port, or on a free one if there is none or it is taken and not fixed.

        Raises:
            EmbeddedMongoFailed: it ended or was not listening in time; with its last log lines.
        """
        self._directory.mkdir(exist_ok=True)
        deadline = time.monotonic() + deadline_seconds
        for _attempt in range(PORT_ATTEMPTS_MAX):
            self.port = free_port() if port is None else port
            if await self._is_listening_by(deadline):
                return
            if is_port_fixed:
                raise EmbeddedMongoFailed(
                    f"The embedded MongoDB did not start: port {self.port} is taken."
                )
            # Between finding a free port and using it, somebody else can be quicker.
            port = None
        raise EmbeddedMongoFailed(
            f"The embedded MongoDB did not start: {PORT_ATTEMPTS_MAX} ports in a row were taken."
        )

    async def restart(
        self, *, deadline_seconds: float = 30.0, key_file: Path | None = None
    ) -> None:
        """Start again on the same port, after killing it if it still runs.

        With a `key_file` it lets nobody in without a login from now on. Returns when it listens;
        the set may need longer for a primary (`wait_for_primary`).
        """
        await self.kill()
        if key_file is not None:
            self._options = dataclasses.replace(self._options, key_file=key_file)
        await self.launch(port=self.port, is_port_fixed=True, deadline_seconds=deadline_seconds)

    async def kill(self) -> None:
        """SIGKILL, as a power cut would; returns when the process is gone."""
        await self._guarded.signal(self.index, signal.SIGKILL)
        deadline = time.monotonic() + KILL_DEADLINE_SECONDS
        while await self.is_alive():
            if time.monotonic() >= deadline:
                raise EmbeddedMongoFailed(f"mongod {self.pid} did not die of SIGKILL.")
            await asyncio.sleep(POLL_SECONDS)

    async def freeze(self) -> None:
        """SIGSTOP: it keeps its connections and answers nothing."""
        await self._guarded.signal(self.index, signal.SIGSTOP)

    async def resume(self) -> None:
        """SIGCONT: it goes on where `freeze` stopped it."""
        await self._guarded.signal(self.index, signal.SIGCONT)

    async def is_alive(self) -> bool:
        """Whether the process is there; a frozen one is."""
        return await self._guarded.exit_code(self.index) is None

    def log_tail(self) -> str:
        """The last lines of its log since it was started."""
        lines = self._log_since_start()[-LOG_TAIL_BYTES:].decode(errors="replace").splitlines()
        return "\n".join(lines[-LOG_LINES_SHOWN:])

    async def _is_listening_by(self, deadline: float) -> bool:
        """Start it and wait until it listens; False if its port is taken."""
        self._log_offset = self._log.stat().st_size if self._log.exists() else 0
        argv = self._options.argv(port=self.port, directory=self._directory)
        self.pid = await self._guarded.start(self.index, argv, self._log)
        # Its own log is the proof: whoever has the port could answer on it just as well.
        while LISTENING not in self._log_since_start():
            exit_code = await self._guarded.exit_code(self.index)
            if exit_code is not None:
                if PORT_TAKEN in self._log_since_start():
                    return False
                raise EmbeddedMongoFailed(
                    f"The embedded MongoDB did not start (exit code {exit_code}); "
                    f"its last log lines:\n{self.log_tail()}"
                )
            if time.monotonic() >= deadline:
                raise EmbeddedMongoFailed(
                    f"The embedded MongoDB was not listening in time; "
                    f"its last log lines:\n{self.log_tail()}"
                )
            await asyncio.sleep(POLL_SECONDS)
        return True

    def _log_since_start(self) -> bytes:
        if not self._log.exists():
            return b""
        with self._log.open("rb") as log:
            log.seek(self._log_offset)
            return log.read()


def free_port() -> int:
    """A loopback port that nobody used a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
