"""A child process that applies one plan and is killed at one await of it.

`python -m tests.integration.repairing.interrupted URI DATABASE FOLDER COUNT ID:DIGEST,…` forks a
process for each of the awaits 1 to COUNT. With COUNT 0 it only counts them, with the first plan.
"""

import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient

from tests.integration.repairing.workshop import Workshop, without_caps
from tests.integration.sync.children import fork_each
from tests.integration.sync.stepping import Steps

OWNERS = ("RepairService", "Carrier")


async def no_check(_user_id: str | None, _currency: str | None) -> Any:
    """The scan afterwards is no part of what is counted."""


async def interrupt(uri: str, database: str, folder: str, plans: list[str], number: int) -> str:
    """Apply plan `number` and be killed at that await."""
    async with AsyncMongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        # What the last child left open holds the head of the trail until the server undoes it,
        # after transactionLifetimeLimitSeconds. This is the same, at once.
        await client.admin.command("killAllSessions", [])
        shop = Workshop(client[database], Path(folder), without_caps(), {"check": no_check})
        await shop.sync.open()
        await shop.parts.switch.read()
        plan_id, digest = plans[number].split(":")
        # The transactions of the stores ask once what server it is.
        await shop.parts.facts.server_problem()
        # What the last child left on the trail is proven here, so that all count the same awaits.
        await shop.trail.checkpoint("test")

        def at() -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        steps = Steps(stop_at=number, at=at, owners=OWNERS)
        loop = asyncio.get_running_loop()
        loop.set_task_factory(steps)
        await asyncio.create_task(
            shop.service.apply(plan_id, digest=digest, reason="emergency", actor="ann")
        )
        loop.set_task_factory(None)
        await shop.sync.close()
        return str(steps.count)


def main() -> None:
    """Interrupt the applications that the command line names."""
    uri, database, folder, count, plans = sys.argv[1:]
    fork_each(int(count), partial(interrupt, uri, database, folder, plans.split(",")))


if __name__ == "__main__":
    main()
