"""The lease in a real database: one holder, by the database's clock, under a growing token."""

import asyncio
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from reconciler.storage.leasing import MongoLease

Database = AsyncDatabase[dict[str, Any]]


async def test_a_lease_that_nobody_ever_held_is_taken(database: Database) -> None:
    """The first of several who ask at once gets it under token 1, and all are told who has it."""
    lease = MongoLease(database)
    told = await asyncio.gather(*(lease.take(name, seconds=60) for name in ("a", "b", "c")))

    assert len({each.holder for each in told}) == 1
    assert {each.token for each in told} == {1}
    assert not any(each.has_expired for each in told)


async def test_a_lease_is_prolonged_by_its_holder_alone(database: Database) -> None:
    """Its holder keeps the token and gets more time; another one is told who holds it."""
    lease = MongoLease(database)
    first = await lease.take("a", seconds=60)
    other = await lease.take("b", seconds=60)
    again = await lease.take("a", seconds=90)

    assert (other.holder, again.holder) == ("a", "a")
    assert (first.token, other.token, again.token) == (1, 1, 1)
    assert again.expires_at > other.expires_at == first.expires_at


async def test_a_free_lease_changes_hands_under_the_next_token(database: Database) -> None:
    """Given back or expired, it goes to whoever asks first, with a new token for the last too."""
    lease = MongoLease(database)
    first = await lease.take("a", seconds=60)
    await lease.give_back("b", first.token)
    assert (await lease.take("b", seconds=60)).holder == "a", "only its holder gives it back"

    await lease.give_back("a", first.token)
    current = await lease.current()
    assert current is not None
    assert current.has_expired
    assert (await lease.take("b", seconds=0.001)).token == 2
    await asyncio.sleep(0.01)
    assert (await lease.take("b", seconds=60)).token == 3
