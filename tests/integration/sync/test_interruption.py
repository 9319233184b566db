"""The power cord: a posting interrupted at every await is wholly there or not at all."""

import asyncio
import signal
import time
from decimal import Decimal
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from reconciler.sync import BalanceSync, Outcome
from tests.integration.sync.children import run_children
from tests.integration.sync.interrupted import accounts_of, op_id_of
from tests.integration.sync.stored import Stored

D = Decimal
Database = AsyncDatabase[dict[str, Any]]

# How often a release suspends that creates the accounts of the buyer and of the fee: two waits for
# each of 12 commands (one reads all copies, two look up sequence numbers, eight write copies, one
# writes the journal), one for the commit's own task, and three in that. A new await in the code is
# covered here by changing this number, and by looking at what it leaves behind.
AWAITS = 28
# The embedded server ends what a killed client left open after 3 s; see it with a margin.
LIFETIME_SECONDS_MAX = 9.0


async def run_child(uri: str, database: str, how: str, count: int) -> dict[int, str]:
    """Run the child to its end; give what it printed of each await."""
    return await run_children("tests.integration.sync.interrupted", uri, database, how, str(count))


async def seed(sync: BalanceSync, count: int) -> None:
    """Give each seller 8 locked and 2 available."""
    for number in range(count + 1):
        seller = accounts_of(number)[0]
        await sync.post([(seller, "BTC", 2, 8)], reason="seed")


async def state_of(sync: BalanceSync, stored: Stored, number: int) -> tuple[Outcome, bool]:
    """Give the outcome of an interrupted posting, and whether its effect is there.

    Fails if it is there in part: in some collection, on some account, or without its journal entry.
    """
    seller, buyer, fees = accounts_of(number)
    outcome = await sync.outcome(op_id_of(number))
    query = {"op_id": op_id_of(number), "kind": {"$ne": "void"}}
    entries = await stored.database["balance_journal"].count_documents(query)
    if not entries:
        assert await stored.amounts(seller, "BTC") == {(D(2), D(8), D(10))}
        assert not any((await stored.documents(buyer, "BTC")).values())
        assert not any((await stored.documents(fees, "BTC")).values())
        return outcome, False
    assert entries == 1
    assert await stored.amounts(seller, "BTC") == {(D(2), D(3), D(5))}
    assert await stored.amounts(buyer, "BTC") == {(D(4), D(0), D(4))}
    assert await stored.amounts(fees, "BTC") == {(D(1), D(0), D(1))}
    return outcome, True


async def use_again(sync: BalanceSync, stored: Stored, number: int) -> float:
    """Post on all three accounts; give the seconds until that worked."""
    started = time.monotonic()
    legs = [(user, "BTC", 1, 0) for user in accounts_of(number)]
    await sync.post(legs, reason="life goes on")
    elapsed = time.monotonic() - started
    for user in accounts_of(number):
        await stored.replayed(user, "BTC")
    return elapsed


async def test_killed_at_every_await(
    mongo_uri: str, ready: Database, sync: BalanceSync, stored: Stored
) -> None:
    """SIGKILL at each await leaves a whole posting or none, a true outcome, and usable accounts."""
    await seed(sync, AWAITS)
    counted = await run_child(mongo_uri, ready.name, "kill", 0)
    assert counted == {0: str(AWAITS)}

    seen = await run_child(mongo_uri, ready.name, "kill", AWAITS)
    assert seen == dict.fromkeys(range(1, AWAITS + 1), f"signal {signal.SIGKILL.value}")

    elapsed = await asyncio.gather(
        *(settled_then_used(sync, stored, number) for number in range(1, AWAITS + 1))
    )
    assert max(elapsed) < LIFETIME_SECONDS_MAX


async def settled_then_used(sync: BalanceSync, stored: Stored, number: int) -> float:
    """Settle a killed posting's outcome, check it against what is stored, and use the accounts."""
    started = time.monotonic()
    outcome = await sync.outcome(op_id_of(number), settle=True)
    outcome_read, is_there = await state_of(sync, stored, number)
    assert outcome is outcome_read
    assert outcome is (Outcome.APPLIED if is_there else Outcome.VOID)
    await use_again(sync, stored, number)
    return time.monotonic() - started


async def test_cancelled_at_every_await(
    mongo_uri: str, ready: Database, sync: BalanceSync, stored: Stored
) -> None:
    """A cancellation at each await before the commit undoes the posting at once.

    From the commit on the caller is told that the outcome is unknown, and the posting is carried to
    its end.
    """
    await seed(sync, AWAITS)
    seen = await run_child(mongo_uri, ready.name, "cancel", AWAITS)

    assert set(seen) == set(range(1, AWAITS + 1))
    told = [seen[number] for number in sorted(seen)]
    first_unknown = told.index("unknown")
    assert told == ["cancelled"] * first_unknown + ["unknown"] * (AWAITS - first_unknown)
    assert AWAITS - first_unknown >= 3, "the commit itself waits"
    for number in range(1, AWAITS + 1):
        outcome, is_there = await state_of(sync, stored, number)
        assert is_there is (seen[number] == "unknown")
        assert outcome is (Outcome.APPLIED if is_there else Outcome.UNKNOWN)
        assert await use_again(sync, stored, number) < 2.0, "the accounts are free at once"
