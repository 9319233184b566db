"""A child process that takes one step of a trade and is killed, or has it cancelled, at one await.

`python -m tests.integration.escrow.interrupted URI DATABASE STEP kill|cancel COUNT` forks a process
for each of the awaits 1 to COUNT. With COUNT 0 it only counts them, and prints how many there are.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from decimal import Decimal
from functools import partial
from typing import Any

from pymongo import AsyncMongoClient

from reconciler.errors import OutcomeUnknown
from reconciler.escrow.service import Escrow
from reconciler.model.trade import Trade
from reconciler.storage.trades import MongoTrades
from reconciler.sync import BalanceSync
from tests.integration.sync.children import fork_each
from tests.integration.sync.stepping import Steps

AMOUNT = Decimal(5)
FEE_BPS = 2_000


def parties_of(number: int) -> tuple[str, str, str]:
    """The seller, the buyer and the fee account of the trade that is interrupted at one await."""
    return f"seller-{number}", f"buyer-{number}", f"fees-{number}"


def id_of(number: int) -> str:
    """The id of that trade."""
    return f"trade-{number}"


def an_escrow(sync: BalanceSync, database: Any, number: int) -> Escrow:
    """An escrow that makes that trade, with a fee account that no other trade has to wait for."""
    fee_account = parties_of(number)[2]
    return Escrow(
        sync, MongoTrades(database), fee_account=fee_account, new_id=lambda: id_of(number)
    )


def step_of(escrow: Escrow, step: str, number: int) -> Coroutine[Any, Any, Trade]:
    """The step that is interrupted, not begun yet."""
    seller, buyer, _ = parties_of(number)
    match step:
        case "create":
            return escrow.create_trade(seller, buyer, "BTC", AMOUNT, fee_bps=FEE_BPS)
        case "cancel":
            return escrow.cancel_trade(id_of(number))
    return escrow.release_crypto(id_of(number))


async def interrupt(uri: str, database: str, step: str, how: str, number: int) -> str:
    """Take the step; give what its caller saw, unless the process does not live so long."""
    async with AsyncMongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        sync = BalanceSync(client[database])
        await sync.credit("warm", "BTC", "1", "open the connection first")

        def at() -> None:
            if how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            task.cancel()

        steps = Steps(stop_at=number, at=at, owners=("Carrier", "Escrow"))
        loop = asyncio.get_running_loop()
        loop.set_task_factory(steps)
        task = loop.create_task(step_of(an_escrow(sync, client[database], number), step, number))
        try:
            await task
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
    """Interrupt the steps that the command line names."""
    uri, database, step, how, count = sys.argv[1:]
    fork_each(int(count), partial(interrupt, uri, database, step, how))


if __name__ == "__main__":
    main()
