"""A real Dask scheduler and real worker processes on loopback, without their dashboards."""

import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import distributed

from tests.observing.processes import Process, Processes, free_port, processes, until

START_SECONDS_MAX = 20.0
# Nobody is asked for the versions of anything, and no worker is paused for its memory.
QUIET = {
    "DASK_DISTRIBUTED__WORKER__MEMORY__TARGET": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__SPILL": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE": "False",
    "PYTHONWARNINGS": "ignore",
}


@dataclass
class Dask:
    """A scheduler, and the workers that were started for it."""

    started: Processes
    port: int
    scheduler: Process | None = None
    workers: list[Process] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    async def start_scheduler(self) -> None:
        """Start the scheduler, on its port of before if there was one."""
        place = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"]
        self.scheduler = await self._start("scheduler", "dask_scheduler", *place)
        await until(self._answers, "a scheduler", within_seconds=START_SECONDS_MAX)

    async def start_worker(self, name: str, **environment: str) -> Process:
        """Start one worker of one thread, and wait until the scheduler knows it."""
        before = await self.worker_count()
        process = await self._start(
            name,
            "dask_worker",
            self.address,
            *("--name", name, "--host", "127.0.0.1", "--nthreads", "1"),
            *("--no-nanny", "--no-dashboard", "--death-timeout", "30"),
            *("--local-directory", str(self.started.directory / name)),
            **environment,
        )
        self.workers.append(process)

        async def is_known() -> bool:
            return await self.worker_count() > before

        await until(is_known, f"the worker {name}", within_seconds=START_SECONDS_MAX)
        return process

    async def worker_count(self) -> int:
        """How many workers the scheduler knows."""
        async with self.asking() as rpc:
            return len((await rpc.identity())["workers"])

    async def busy_workers(self) -> set[str]:
        """The names of the workers that are at work."""
        async with self.asking() as rpc:
            processing = await rpc.processing(workers=None)
            names = {
                address: str(each["name"])
                for address, each in (await rpc.identity())["workers"].items()
            }
            return {names[address] for address, keys in processing.items() if keys}

    @contextlib.asynccontextmanager
    async def asking(self) -> AsyncIterator[Any]:
        asked: Any = distributed.rpc(self.address)  # type: ignore[no-untyped-call]
        try:
            yield asked
        finally:
            await asked.close_rpc()

    async def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return await self.worker_count() >= 0
        return False

    async def _start(self, name: str, module: str, *arguments: str, **more: str) -> Process:
        command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments]
        return await self.started.start(name, command, QUIET | more)


@contextlib.asynccontextmanager
async def dask(*names: str) -> AsyncIterator[Dask]:
    """Give a scheduler with workers of these names; all of them are ended in the end."""
    async with processes() as started:
        cluster = Dask(started, free_port())
        await cluster.start_scheduler()
        for name in names:
            await cluster.start_worker(name)
        yield cluster


def shown(cluster: Dask) -> str:
    """Everything that scheduler and workers have logged."""
    logs = sorted(cluster.started.directory.glob("*.log"))
    return json.dumps([log.read_text(errors="replace") for log in logs])
