"""A repair among writers on the same accounts: no posting is lost or doubled."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from reconciler.errors import AccountPaused
from reconciler.model.identity import Account
from reconciler.model.repair import StepOutcome
from reconciler.sync import BalanceSync
from tests.integration.repairing.workshop import Database, Workshop
from tests.integration.sync.stored import ACCOUNT_FIELDS, TOTAL_FIELDS, Stored

D = Decimal
WRITERS = 8
POSTINGS_EACH = 15


class Naive:
    """What the repair must not be: reads the balance, then sets it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def repair(self, user: str) -> None:
        wallet = await self.posted_since(user, None)
        # However fast the machine is: somebody posts while it makes up its mind.
        await self.posted_since(user, wallet)
        for name, key in ACCOUNT_FIELDS.items():
            fields = ("available_balance", TOTAL_FIELDS[name])
            balance = dict.fromkeys(fields, wallet["available_balance"])
            await self._database[name].update_one({key: user}, {"$set": balance})

    async def posted_since(
        self, user: str, wallet: Mapping[str, Any] | None, *, seconds: float = 10
    ) -> Mapping[str, Any]:
        """Give the wallet once it holds something else."""
        before = wallet and wallet["available_balance"]
        async with asyncio.timeout(seconds):
            while True:
                found = await self._database["wallets"].find_one({"user_id": user})
                if found is not None and found["available_balance"] != before:
                    return found
                await asyncio.sleep(0.001)


async def write(database: Database, number: int) -> None:
    """Credit the account again and again, from a library of one's own."""
    sync = BalanceSync(database)
    for posting in range(POSTINGS_EACH):
        await sync.credit("u", "BTC", "1", "deposit", op_id=f"{number}-{posting}")
    await sync.close()


async def test_eight_writers(ready: Database, workshop: Workshop, stored: Stored) -> None:
    """A plan made and applied among eight writers is exact or stale, and no posting is lost."""
    await workshop.drifted("u")
    writers = asyncio.gather(*(write(ready, number) for number in range(WRITERS)))
    outcomes = []
    for _ in range(10):
        plan = await workshop.plan("u", applies_at_once=True)
        result = await workshop.apply(plan)
        outcomes.append(result.plan.steps[0].outcome)
        if outcomes[-1] is StepOutcome.APPLIED:
            break
    await writers

    expected = D(5 + WRITERS * POSTINGS_EACH)
    assert set(outcomes) <= {StepOutcome.APPLIED, StepOutcome.STALE}
    assert outcomes[-1] is StepOutcome.APPLIED
    assert await stored.amounts("u", "BTC") == {(expected, D(0), expected)}
    assert await stored.replayed("u", "BTC") == (expected, D(0))


async def test_the_naive_way_fails(ready: Database, workshop: Workshop, stored: Stored) -> None:
    """To read and then set loses postings under the same traffic: the test above would notice."""
    await workshop.drifted("u")
    writers = asyncio.gather(*(write(ready, number) for number in range(WRITERS)))
    await Naive(ready).repair("u")
    await writers

    expected = D(5 + WRITERS * POSTINGS_EACH)
    assert await stored.amounts("u", "BTC") != {(expected, D(0), expected)}


async def test_a_pause_holds_postings_and_ends(workshop: Workshop) -> None:
    """A posting waits for the pause to expire by itself; one that lasts refuses it."""
    account = Account.of("u", "BTC")
    await workshop.sync.credit("u", "BTC", "1", "deposit", op_id="first")
    loop = asyncio.get_running_loop()
    await workshop.parts.pauses.begin([account], seconds=0.6)
    started = loop.time()
    assert (await workshop.sync.credit("u", "BTC", "1", "deposit", op_id="first")).replayed
    assert loop.time() - started < 0.5
    await workshop.sync.credit("v", "BTC", "1", "another account")
    await workshop.sync.credit("u", "BTC", "1", "deposit")
    assert loop.time() - started >= 0.5

    await workshop.parts.pauses.begin([account], seconds=60)
    with pytest.raises(AccountPaused):
        await workshop.sync.credit("u", "BTC", "1", "deposit")
    await workshop.parts.pauses.end([account])
    await workshop.sync.credit("u", "BTC", "1", "deposit")
