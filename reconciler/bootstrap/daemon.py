"""The running daemon: what it is built from, how it is stopped, what a reload changes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from reconciler.bootstrap.backend import open_client, scan_options
from reconciler.bootstrap.clustering import open_cluster
from reconciler.bootstrap.frozen import PROBLEMS_MAX, hold_to_freeze
from reconciler.bootstrap.measuring import open_metrics
from reconciler.bootstrap.parts import DaemonParts, grants_of, now
from reconciler.bootstrap.repairing import repair_options
from reconciler.model.report import ScanMode, Verdict
from reconciler.settings import Differences, Settings, differences
from reconciler.storage.monitoring import OperationListener
from reconciler.storage.transactions import Client
from reconciler.surfaces.daemon.schedule import Timing
from reconciler.surfaces.http.access import Gate
from reconciler.surfaces.logs import Logs
from reconciler.surfaces.ports import RunningDaemon

# What the sync library still carries when the daemon stops goes on for so long at most.
SYNC_STOP_SECONDS_MAX = 1.0
# The server is told that the client goes, if it listens.
CLIENT_CLOSE_SECONDS_MAX = 1.0
# How often is looked whether the first scan is over.
LOOK_SECONDS = 0.05


@contextlib.asynccontextmanager
async def open_daemon(
    settings: Settings, logs: Logs, *, holds_to_freeze: bool = True
) -> AsyncIterator[RunningDaemon]:
    """Build the daemon; nothing is asked of the database yet, which may be away.

    Raises:
        InvalidSettings: the connection string, the schedule or the access rules cannot be used.
        FreezeBroken: the code is not what was frozen, and `freeze.enforce` is set.
    """
    if holds_to_freeze:
        hold_to_freeze(settings)
    timing = Timing.of(settings.scan)
    metrics = open_metrics(settings)
    gate = Gate(settings.api, clock=now, observer=metrics.http)
    listener = OperationListener(metrics.mongo, database=settings.mongo.database)
    async with (
        _closed_soon(open_client(settings, listeners=[listener])) as client,
        open_cluster(settings) as clustered,
    ):
        database = client[settings.mongo.database]
        parts = DaemonParts(settings, logs, database, metrics, gate, clustered)
        if holds_to_freeze:
            _tell_of_freeze(parts)
        try:
            yield _RunningDaemon(parts, timing)
        finally:
            parts.succession.stop()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SYNC_STOP_SECONDS_MAX):
                    await parts.idempotency.close()
                    await parts.sync.close()


def _tell_of_freeze(parts: DaemonParts) -> None:
    """Say it once, when other code starts than what was frozen."""
    if not parts.freeze.is_valid:
        parts.logs.error(
            "freeze_broken",
            problems=list(parts.freeze.problems[:PROBLEMS_MAX]),
            problem_count=len(parts.freeze.problems),
            digest=parts.freeze.digest,
            frozen_digest=parts.freeze.frozen_digest,
        )


@contextlib.asynccontextmanager
async def _closed_soon(client: Client) -> AsyncIterator[Client]:
    """Close a client at the end, but do not wait for a server that does not answer.

    It says goodbye to the server first, for which it would wait for more than ten seconds.
    """
    try:
        yield client
    finally:
        closing = asyncio.create_task(client.close())
        await asyncio.wait({closing}, timeout=CLIENT_CLOSE_SECONDS_MAX)
        closing.cancel()


class _RunningDaemon:
    """The daemon as the command line has it."""

    def __init__(self, parts: DaemonParts, timing: Timing) -> None:
        self._parts = parts
        self._timing = timing
        self._daemon = parts.daemon()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set."""
        await self._daemon.run(self._timing, stop)

    async def url(self) -> str:
        """Wait until it listens, and give the address for people and for curl."""
        return await asyncio.shield(self._parts.url)

    async def verdict(self) -> Verdict:
        """Wait until a scan looked everywhere, and give what is known then."""
        pulse = self._parts.pulse
        while pulse.standing is None or ScanMode.FULL not in pulse.standing.last_success:  # noqa: ASYNC110 - it beats by itself
            await asyncio.sleep(LOOK_SECONDS)
        return pulse.standing.verdict

    def reload(self, settings: Settings) -> Differences:
        """Take what may change at run time from other settings; give what did, and what may not.

        Raises:
            InvalidSettings: they cannot be used; nothing was changed.
        """
        parts = self._parts
        timing = Timing.of(settings.scan)
        parts.gate.reload(settings.api)
        parts.token_watch.take(grants_of(settings))
        changed = differences(parts.settings, settings)
        self._daemon.schedule.retime(timing)
        parts.scanner.options = scan_options(settings)
        prices_usd = settings.valuation.prices_usd
        parts.prices_usd.clear()
        parts.prices_usd.update(prices_usd)
        parts.repairs.options.take(repair_options(settings, prices_usd=parts.prices_usd))
        parts.metrics.set_currencies(settings.currencies.scales, prices_usd=prices_usd)
        parts.metrics.set_scan_interval(timing.longest_gap_seconds)
        return changed
