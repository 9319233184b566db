"""Holds mongod processes, and ends them when whoever asked for them is gone.

Run by its path with `python -I -S`, so it imports the standard library only and is up at once.
It reads one JSON request per line from its standard input and answers each with one line:

    {"do": "open", "directory": path or null, "parent": pid}    -> {"directory": path}
    {"do": "start", "member": 0, "argv": [...], "log": path}    -> {"pid": 1234}
    {"do": "signal", "member": 0, "signal": 9}                  -> {"sent": true}
    {"do": "status"}                                            -> {"exit_codes": {"0": null}}

and {"error": text} when it could not. A request's "id" comes back in its answer. No directory
means a temporary one.

The end of its input is the end of its parent, however that came: the kernel closes the pipe for
a process killed with SIGKILL too. A forked child of the parent could hold the pipe open, so once a
second it also looks whether its parent still is its parent. If the guardian itself is killed, the
kernel kills its servers (PR_SET_PDEATHSIG); that needs them to be children of its only thread.
"""

import ctypes
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TEMPORARY_PREFIX = "reconciler-mongod-"
PARENT_LOOK_SECONDS = 1.0
# How long a server may take to close a directory that is kept; a temporary one gets no time.
SHUTDOWN_SECONDS = 10.0
# How long to wait for an earlier guardian of the same directory, which may still be closing it.
LOCK_SECONDS = SHUTDOWN_SECONDS + 5.0
POLL_SECONDS = 0.02
REMOVE_ATTEMPTS = 50
REQUEST_BYTES_MAX = 1 << 20
PR_SET_PDEATHSIG = 1

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Guardian:
    """The servers, their directory, and the answers to requests about them."""

    def __init__(self) -> None:
        self._servers: dict[int, subprocess.Popen[bytes]] = {}
        self._directory: Path | None = None
        self._is_temporary = False
        self._lock_descriptor: int | None = None
        self.parent_pid = os.getppid()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what one request asks for."""
        actions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "open": self._open,
            "start": self._start,
            "signal": self._signal,
            "status": self._status,
        }
        try:
            return actions[request["do"]](request)
        except OSError as error:
            return {"error": str(error)}

    def close(self) -> None:
        """End every server, frozen or not, and remove the directory if it is temporary."""
        if not self._is_temporary:
            self._end_politely()
        for server in self._servers.values():
            if server.poll() is None:
                server.kill()
        for server in self._servers.values():
            server.wait()
        if self._is_temporary and self._directory is not None:
            remove_directory(self._directory)

    def _open(self, request: dict[str, Any]) -> dict[str, Any]:
        # The parent may have died before this process was there to see it.
        self.parent_pid = request["parent"]
        if request["directory"] is None:
            self._is_temporary = True
            self._directory = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))
        else:
            self._directory = Path(request["directory"])
            self._directory.mkdir(parents=True, exist_ok=True)
            self._lock_descriptor = _lock(self._directory / "guardian.lock")
        return {"directory": str(self._directory)}

    def _start(self, request: dict[str, Any]) -> dict[str, Any]:
        guardian_pid = os.getpid()

        def die_with_the_guardian() -> None:
            if _LIBC is None:
                return
            _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            # Had the guardian died before that call, no signal would ever come.
            if os.getppid() != guardian_pid:
                os._exit(1)

        with Path(request["log"]).open("ab") as log:
            server = subprocess.Popen(
                request["argv"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                preexec_fn=die_with_the_guardian,  # noqa: PLW1509 -- one thread, by design
            )
        self._servers[request["member"]] = server
        return {"pid": server.pid}

    def _signal(self, request: dict[str, Any]) -> dict[str, Any]:
        # Only this process reaps the server, so the pid cannot have become somebody else's.
        server = self._servers[request["member"]]
        is_alive = server.poll() is None
        if is_alive:
            server.send_signal(request["signal"])
        return {"sent": is_alive}

    def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"exit_codes": {str(n): server.poll() for n, server in self._servers.items()}}

    def _end_politely(self) -> None:
        for server in self._servers.values():
            if server.poll() is None:
                server.send_signal(signal.SIGTERM)
                server.send_signal(signal.SIGCONT)
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while time.monotonic() < deadline:
            if all(server.poll() is not None for server in self._servers.values()):
                return
            time.sleep(POLL_SECONDS)


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise OSError(
                    f"the data directory {str(path.parent)!r} is in use by another process"
                ) from None
            time.sleep(POLL_SECONDS)
        else:
            return descriptor


def remove_directory(directory: Path) -> None:
    """Remove a tree, also while a dying server still writes to it; gives up after a second."""
    for _attempt in range(REMOVE_ATTEMPTS):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        time.sleep(POLL_SECONDS)


def _serve(guardian: Guardian) -> None:
    """Answer requests until the input ends or the parent is gone."""
    pending = b""
    while True:
        readable, _, _ = select.select([0], [], [], PARENT_LOOK_SECONDS)
        if os.getppid() != guardian.parent_pid:
            return
        if not readable:
            continue
        chunk = os.read(0, 65536)
        if not chunk or len(pending) > REQUEST_BYTES_MAX:
            return
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            request = json.loads(line)
            reply = {**guardian.answer(request), "id": request["id"]}
            os.write(1, json.dumps(reply).encode() + b"\n")


def _stop(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def main() -> None:
    """Serve one parent, then clean up whatever happened."""
    # A terminal's signals are for the parent, which decides; the end of its pipe tells the rest.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    guardian = Guardian()
    try:
        _serve(guardian)
    except BrokenPipeError:
        pass  # the parent died between its request and our answer
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        guardian.close()


if __name__ == "__main__":
    main()
