"""The power cord: a step of a trade interrupted at every await, and taken again."""

import asyncio
import signal
from decimal import Decimal
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.errors import TradeConflict
from reconciler.escrow.service import Escrow
from reconciler.model.trade import Trade
from reconciler.sync import BalanceSync
from tests.integration.escrow.interrupted import an_escrow, id_of, parties_of, step_of
from tests.integration.escrow.ledger import Ledger
from tests.integration.sync.children import run_children

Database = AsyncDatabase[dict[str, Any]]

HOLDING = Decimal(7)
# What each child credits to open its connection.
WARMING = Decimal(1)
BEFORE = {"create": "none", "release": "locked", "cancel": "locked"}
AFTER = {"create": "locked", "release": "released", "cancel": "cancelled"}
# Fewer awaits would mean that not all of them are seen; each of the nine commands or more of a step
# waits twice.
AWAITS_MIN = 18


class Interrupted:
    """Steps of many trades, each interrupted at another await by a child process."""

    def __init__(self, uri: str, database: Database, sync: BalanceSync, step: str) -> None:
        self._uri = uri
        self._database = database
        self._sync = sync
        self._step = step
        self.awaits = 0

    async def run(self, how: str) -> dict[int, str]:
        """Count the awaits, then interrupt at each; give what became of the children."""
        await self._prepare(0)
        self.awaits = int((await self._children(how, 0))[0])
        assert self.awaits >= AWAITS_MIN
        await asyncio.gather(*map(self._prepare, range(1, self.awaits + 1)))
        seen = await self._children(how, self.awaits)
        assert set(seen) == set(range(1, self.awaits + 1))
        return seen

    def escrow(self, number: int) -> Escrow:
        """An escrow in this process, for the trade of one await."""
        return an_escrow(self._sync, self._database, number)

    async def _children(self, how: str, count: int) -> dict[int, str]:
        module = "tests.integration.escrow.interrupted"
        arguments = (self._uri, self._database.name, self._step, how, str(count))
        return await run_children(module, *arguments)

    async def _prepare(self, number: int) -> None:
        await self._sync.credit(parties_of(number)[0], "BTC", HOLDING, "deposit")
        if self._step != "create":
            await step_of(self.escrow(number), "create", number)


async def holdings(ledger: Ledger, number: int) -> tuple[tuple[str, str], ...]:
    """What the seller, the buyer and the fee account of a trade hold."""
    return tuple([await ledger.holding(user) for user in parties_of(number)])


EXPECTED = {
    "none": (("7", "0"), ("0", "0"), ("0", "0")),
    "locked": (("2", "5"), ("0", "0"), ("0", "0")),
    "released": (("2", "0"), ("4", "0"), ("1", "0")),
    "cancelled": (("7", "0"), ("0", "0"), ("0", "0")),
}


async def assert_whole(ledger: Ledger, number: int) -> str:
    """Give the state of a trade; fail unless the money is where that state says."""
    state = await ledger.assert_agreed(id_of(number))
    assert await holdings(ledger, number) == EXPECTED[state]
    return state


async def taken_again(escrow: Escrow, ledger: Ledger, step: str, number: int) -> None:
    """Take the step again: it has happened once."""
    taken = await step_of(escrow, step, number)

    assert await assert_whole(ledger, number) == taken.state == AFTER[step]


async def contested(escrow: Escrow, ledger: Ledger, number: int) -> None:
    """Release and cancel at once: one of them it is, and the other one is told so."""
    calls = [step_of(escrow, step, number) for step in ("release", "cancel")]
    results = await asyncio.gather(*calls, return_exceptions=True)
    (trade,) = [each for each in results if isinstance(each, Trade)]

    assert await assert_whole(ledger, number) == trade.state
    assert [type(each) for each in results if each is not trade] == [TradeConflict]


async def assert_money_is_right(ledger: Ledger, interrupted: Interrupted) -> None:
    """Fail if money was made or lost, or if the copies of an account disagree."""
    await ledger.assert_healthy()
    assert await ledger.owed() == (HOLDING + WARMING) * (interrupted.awaits + 1)


@pytest.mark.parametrize("step", ["create", "release"])
async def test_killed_at_every_await(
    mongo_uri: str, ready: Database, sync: BalanceSync, ledger: Ledger, step: str
) -> None:
    """SIGKILL leaves the whole step or nothing of it; whatever is tried then has one effect."""
    interrupted = Interrupted(mongo_uri, ready, sync, step)
    seen = await interrupted.run("kill")
    assert set(seen.values()) == {f"signal {signal.SIGKILL.value}"}

    async def go_on(number: int) -> str:
        left = await assert_whole(ledger, number)
        if step == "release" and number % 2:
            await contested(interrupted.escrow(number), ledger, number)
        else:
            await taken_again(interrupted.escrow(number), ledger, step, number)
        return left

    left = await asyncio.gather(*map(go_on, seen))
    assert set(left) == {BEFORE[step], AFTER[step]}
    await assert_money_is_right(ledger, interrupted)


@pytest.mark.parametrize("step", ["release", "cancel"])
async def test_cancelled_at_every_await(
    mongo_uri: str, ready: Database, sync: BalanceSync, ledger: Ledger, step: str
) -> None:
    """A cancelled task left everything as it was; an unknown outcome is there in the end."""
    interrupted = Interrupted(mongo_uri, ready, sync, step)
    seen = await interrupted.run("cancel")

    assert set(seen.values()) == {"cancelled", "unknown"}

    async def go_on(number: int) -> None:
        expected = BEFORE[step] if seen[number] == "cancelled" else AFTER[step]
        assert await assert_whole(ledger, number) == expected
        await taken_again(interrupted.escrow(number), ledger, step, number)

    await asyncio.gather(*map(go_on, seen))
    await assert_money_is_right(ledger, interrupted)
