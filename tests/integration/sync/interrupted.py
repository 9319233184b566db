"""A child process that makes one posting and is killed, or has it cancelled, at one await of it.

`python -m tests.integration.sync.interrupted URI DATABASE kill|cancel COUNT` forks a process for
each of the awaits 1 to COUNT. With COUNT 0 it only counts them, and prints how many there are.
"""

import asyncio
import os
import signal
import sys
from functools import partial
from typing import Any

from pymongo import AsyncMongoClient

from reconciler.errors import OutcomeUnknown
from reconciler.sync import BalanceSync
from tests.integration.sync.children import fork_each
from tests.integration.sync.stepping import Steps

AMOUNT = "5"
FEE = "1"


def op_id_of(number: int) -> str:
    """The op_id of the posting that is interrupted at await `number`."""
    return f"op-{number}"


def accounts_of(number: int) -> tuple[str, str, str]:
    """The seller, the buyer and the fee account of that posting."""
    return f"seller-{number}", f"buyer-{number}", f"fees-{number}"


async def release(sync: BalanceSync, number: int) -> None:
    """The posting: three accounts, two of which it creates."""
    seller, buyer, fees = accounts_of(number)
    await sync.release(
        seller, "BTC", AMOUNT, buyer, "trade", fee=FEE, fee_account=fees, op_id=op_id_of(number)
    )


async def interrupt(uri: str, database: str, how: str, number: int) -> str:
    """Make posting `number`; give what its caller saw, unless the process does not live so long."""
    async with AsyncMongoClient[dict[str, Any]](uri) as client:
        sync = BalanceSync(client[database])
        await sync.credit("warm", "BTC", "1", "open the connection first")
        posting = asyncio.current_task()
        assert posting is not None

        def at() -> None:
            if how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            posting.cancel()

        steps = Steps(stop_at=number, at=at)
        loop = asyncio.get_running_loop()
        loop.set_task_factory(steps)
        try:
            await release(sync, number)
            seen = "applied"
        except asyncio.CancelledError:
            seen = "cancelled"
        except OutcomeUnknown:
            seen = "unknown"
        loop.set_task_factory(None)
        count = steps.count
        await sync.close()
        return str(count) if number == 0 else seen


def main() -> None:
    """Interrupt the postings that the command line names."""
    uri, database, how, count = sys.argv[1:]
    fork_each(int(count), partial(interrupt, uri, database, how))


if __name__ == "__main__":
    main()
