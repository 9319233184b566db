"""The parent's side of the guardian: one process that holds the servers for us."""

import asyncio
import contextlib
import itertools
import json
import os
import sys
from pathlib import Path
from typing import Any

from reconciler.embedded import guardian as guardian_file
from reconciler.errors import EmbeddedMongoFailed

# A reply waits at most for the lock of the directory; a close for the polite end of the servers.
REPLY_SECONDS = guardian_file.LOCK_SECONDS + 5.0
CLOSE_SECONDS = guardian_file.SHUTDOWN_SECONDS + 5.0


class Guarded:
    """Servers that die with us, whatever kills us. One request is under way at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()
        self._request_ids = itertools.count()
        self._temporary_directory: Path | None = None

    @property
    def pid(self) -> int:
        """The guardian's process id."""
        return self._process.pid

    @classmethod
    async def launch(cls) -> "Guarded":
        """Start the guardian in a session of its own, so that Ctrl-C reaches only us."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(Path(guardian_file.__file__).absolute()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        return cls(process)

    async def open(self, directory: Path | None) -> Path:
        """Take a directory for the servers: the given one, locked, or a temporary one.

        Raises:
            EmbeddedMongoFailed: it cannot be made, or another process uses it.
        """
        reply = await self._ask(
            {
                "do": "open",
                "directory": None if directory is None else str(directory.absolute()),
                "parent": os.getpid(),
            }
        )
        opened = Path(reply["directory"])
        if directory is None:
            self._temporary_directory = opened
        return opened

    async def start(self, member: int, argv: list[str], log: Path) -> int:
        """Run one server and return its process id."""
        reply = await self._ask({"do": "start", "member": member, "argv": argv, "log": str(log)})
        return int(reply["pid"])

    async def signal(self, member: int, number: int) -> bool:
        """Send a signal; False if the server had ended before."""
        reply = await self._ask({"do": "signal", "member": member, "signal": int(number)})
        return bool(reply["sent"])

    async def exit_code(self, member: int) -> int | None:
        """The exit code of a server (negative: the signal that ended it), None while it runs."""
        reply = await self._ask({"do": "status"})
        code: int | None = reply["exit_codes"][str(member)]
        return code

    async def close(self) -> None:
        """Let the guardian end the servers and remove what is temporary; returns when it has."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), CLOSE_SECONDS)
        except TimeoutError:
            # The kernel then kills the servers, see the guardian.
            self._process.kill()
            await self._process.wait()
        if self._process.returncode != 0 and self._temporary_directory is not None:
            await asyncio.to_thread(guardian_file.remove_directory, self._temporary_directory)

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        reply: dict[str, Any] | None = None
        async with self._turn:
            with contextlib.suppress(ConnectionError, TimeoutError):
                reply = await asyncio.wait_for(self._exchange(request), REPLY_SECONDS)
        if reply is None:
            raise EmbeddedMongoFailed("The process that guards the embedded MongoDB is gone.")
        if "error" in reply:
            raise EmbeddedMongoFailed(f"The embedded MongoDB cannot run: {reply['error']}.")
        return reply

    async def _exchange(self, request: dict[str, Any]) -> dict[str, Any] | None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None, "the guardian is launched with pipes"
        assert stdout is not None, "the guardian is launched with pipes"
        request_id = next(self._request_ids)
        stdin.write(json.dumps({**request, "id": request_id}).encode() + b"\n")
        await stdin.drain()
        async for line in stdout:
            reply: dict[str, Any] = json.loads(line)
            # An earlier answer is there when the one who asked was cancelled.
            if reply["id"] == request_id:
                return reply
        return None
