"""Builds what a freeze is tried out on: an empty exchange on a replica set, and a daemon on it."""

import asyncio
import contextlib
import os
import platform
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.metadata import version

from reconciler import __version__
from reconciler.bootstrap.backend import open_backend, open_client
from reconciler.bootstrap.daemon import open_daemon
from reconciler.bootstrap.stage import open_embedded
from reconciler.control.approving import FreezeRefused
from reconciler.control.frozen import checksum, installed_place
from reconciler.control.required_plan import APPLIED, CURRENCY, Check, EndToEnd, Operation
from reconciler.errors import PostingRefused
from reconciler.model.amounts import plain
from reconciler.settings import ApiSettings, FreezeSettings, MongoSettings, ScanSettings, Settings
from reconciler.surfaces.answers import check_answer
from reconciler.surfaces.logs import Logs
from reconciler.surfaces.ports import Backend
from reconciler.sync import BalanceSync

SCRIPT = "scripts/e2e.sh"
SCRIPT_SECONDS_MAX = 120.0
# What of the script's output is kept.
LINES_MAX = 500
REASON = "freeze: the required test plan"
# Nobody else writes there, so that a check need not wait long before it looks again.
SETTLE_SECONDS = 0.1


@contextlib.asynccontextmanager
async def open_trial(settings: Settings, logs: Logs, uri: str | None) -> AsyncIterator["_Trial"]:
    """Make an empty database for the test plan, and drop it at the end.

    Args:
        settings: where the embedded server's binary is.
        logs: of the daemon.
        uri: a replica set; None for the embedded one.

    Raises:
        MongodNotFound, DatabaseUnavailable, CannotLook: there is no server.
        UnsupportedServer: it is no replica set.
    """
    async with contextlib.AsyncExitStack() as stack:
        if uri is None:
            uri = (await stack.enter_async_context(open_embedded(settings))).uri
        own = _settings(uri)
        client = await stack.enter_async_context(open_client(own))
        name = own.mongo.database
        try:
            async with open_backend(own, logs) as backend:
                sync = BalanceSync(client[name], mappings=own.mappings())
                await backend.init_schema()
                await sync.open()
                info = await client.server_info()
                yield _Trial(own, logs, backend, sync, _versions(info["version"]))
                await sync.close()
        finally:
            await client.drop_database(name)


def _settings(uri: str) -> Settings:
    """Give the settings of the trial: everything as it is by default, on a database of its own."""
    name = f"reconciler_freeze_{uuid.uuid4().hex[:8]}"
    return Settings(
        mongo=MongoSettings.model_validate({"uri": uri, "database": name}),
        scan=ScanSettings(settle_seconds=SETTLE_SECONDS, jitter_seconds=0),
        api=ApiSettings(port=0, test_endpoints=True, escrow_endpoints=True),
        # What is tried out is not frozen yet.
        freeze=FreezeSettings(unfrozen_repair_allowed=True),
    )


def _versions(server: str) -> dict[str, str]:
    return {
        "reconciler": __version__,
        "python": platform.python_version(),
        "pymongo": version("pymongo"),
        "mongodb": server,
        "system": platform.system(),
    }


@dataclass(frozen=True, slots=True)
class _Trial:
    """An empty exchange in the hands of the code that is to be frozen."""

    settings: Settings
    logs: Logs
    backend: Backend
    sync: BalanceSync
    versions: dict[str, str]

    async def carry_out(self, operation: Operation) -> str:
        user = operation.user
        try:
            match operation.name:
                case "credit" | "debit" | "lock" | "unlock" as name:
                    posting = getattr(self.sync, name)
                    await posting(user, CURRENCY, *operation.amounts, REASON)
                case "release":
                    await self.sync.release(user, CURRENCY, operation.amounts[0], "b", REASON)
                case _:
                    available, locked = operation.amounts
                    await self.sync.update(user, CURRENCY, available, locked, REASON)
        except PostingRefused as error:
            return type(error).__name__
        return APPLIED

    async def balances(self) -> tuple[str, str, str, str]:
        first = await self.sync.balance("a", CURRENCY)
        second = await self.sync.balance("b", CURRENCY)
        amounts = (first.available, first.locked, second.available, second.locked)
        a, b, c, d = (plain(amount.normalize()) for amount in amounts)
        return a, b, c, d

    async def check(self) -> Check:
        started = time.monotonic()
        report = await self.backend.check(None, None, progress=lambda _seen, _all: None)
        took = round((time.monotonic() - started) * 1000)
        answer = check_answer(report, mappings=self.settings.mappings(), checksum=checksum(""))
        words = (answer.get(key) for key in ("details", "message", "reason"))
        return Check(
            answer["status"],
            next(text for text in words if text is not None),
            answer["checked_users"],
            answer["checked_balances"],
            took,
        )

    async def end_to_end(self) -> EndToEnd:
        async with _listening(self.settings, self.logs) as url:
            return await _script(url)


@contextlib.asynccontextmanager
async def _listening(settings: Settings, logs: Logs) -> AsyncIterator[str]:
    """Run a daemon, and give its address once it listens."""
    async with open_daemon(settings, logs, holds_to_freeze=False) as daemon:
        stop = asyncio.Event()
        serving = asyncio.create_task(daemon.run(stop))
        listening = asyncio.create_task(daemon.url())
        try:
            await asyncio.wait({serving, listening}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                await serving
            yield await listening
        finally:
            listening.cancel()
            stop.set()
            await serving


async def _script(url: str) -> EndToEnd:
    path = installed_place().documents / SCRIPT
    if not path.is_file():
        raise FreezeRefused(f"the test plan needs {SCRIPT}, which is not there")
    started = time.monotonic()
    # No token and no proxy of this environment has to do with this daemon.
    environment = {"PATH": os.environ.get("PATH", os.defpath)}
    script = await asyncio.create_subprocess_exec(
        str(path),
        url,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SCRIPT_SECONDS_MAX):
            said, _ = await script.communicate()
    finally:
        if script.returncode is None:
            script.kill()
            await script.wait()
    assert script.returncode is not None, "it ended"
    lines = said.decode("utf-8", "replace").splitlines()[-LINES_MAX:]
    return EndToEnd(script.returncode, tuple(lines), round((time.monotonic() - started) * 1000))
