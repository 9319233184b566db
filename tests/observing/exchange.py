"""An exchange of a few users under a running daemon, watched by a real Prometheus."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bson import Decimal128
from pymongo.asynchronous.database import AsyncDatabase

from alerts.routing import Routing, alertmanager_file
from alerts.rules import Places, rule_file
from alerts.timing import Timing
from reconciler.sync import BalanceSync
from tests.integration.sync.stored import make_indexes
from tests.observing.daemon import Daemon
from tests.observing.monitoring import EVERY_SECONDS, Monitoring, monitoring
from tests.observing.processes import processes
from tests.observing.webhook import Webhook, webhook

Database = AsyncDatabase[dict[str, Any]]

DRIFT = Decimal128("-0.0005")
FIRST_SCAN_SECONDS = 15.0
# The rules of production, but for the durations: a minute becomes a second.
TIMING = replace(Timing().faster(60), evaluation_seconds=EVERY_SECONDS, memory_seconds=600)


@dataclass(frozen=True, slots=True)
class Exchange:
    """Everything that there is to act on and to look at."""

    database: Database
    daemon: Daemon
    watching: Monitoring
    receiver: Webhook

    async def drift(self) -> None:
        """Write as an old call site does: one collection, behind the library's back."""
        await self._move(DRIFT)

    async def mend(self) -> None:
        """Take the drift back."""
        await self._move(Decimal128(-DRIFT.to_decimal()))

    async def _move(self, amount: Decimal128) -> None:
        changed = await self.database["crypto_balances"].update_one(
            {"user_id": "alice", "currency": "BTC"},
            {"$inc": {"available_balance": amount, "balance": amount}},
        )
        assert changed.modified_count == 1


@contextlib.asynccontextmanager
async def exchange(
    database: Database, mongo_uri: str, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Exchange]:
    """Start all of it, and wait until Prometheus has seen a scan of the daemon."""
    await make_indexes(database)
    sync = BalanceSync(database)
    for user in ("alice", "bob", "carol"):
        await sync.credit(user, "BTC", "0.001", "deposit")
    async with webhook() as receiver, processes() as place:
        daemon = Daemon(place, mongo_uri, database.name, settings or {})
        await daemon.start()
        routing = Routing(receiver.url, group_wait_seconds=0.1, group_interval_seconds=1)
        async with monitoring(
            place,
            targets=[daemon.address],
            rules=rule_file(TIMING, Places()),
            routing=alertmanager_file(routing),
        ) as watching:
            await watching.prometheus.holds(
                'reconciler_scan_last_success_timestamp_seconds{mode="full"} > 0',
                within_seconds=FIRST_SCAN_SECONDS,
            )
            yield Exchange(database, daemon, watching, receiver)
