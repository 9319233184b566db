"""Idempotency keys in a real database: one step, several daemons, the server's clock."""

import asyncio
from typing import Any

import pytest

from reconciler.errors import ReconcilerError
from reconciler.model.idempotency import KeyClaim, KeyedRequest, KeyState, StoredAnswer
from reconciler.storage.calls import Database
from reconciler.storage.idempotency import COLLECTION, TTL_INDEX, MongoIdempotencyKeys
from reconciler.storage.server import connect

REQUEST = KeyedRequest("k1", "f1", "oncall", "POST /api/test/credit")
OTHER = KeyedRequest("k1", "f2", "oncall", "POST /api/test/credit")
ANSWER = StoredAnswer(201, b'{"BTC": 0.1}', "application/json")


@pytest.fixture
def keys(database: Database) -> MongoIdempotencyKeys:
    return MongoIdempotencyKeys(database)


async def claimed(keys: MongoIdempotencyKeys, request: KeyedRequest = REQUEST) -> KeyClaim:
    return await keys.claim(request, busy_seconds=60)


async def test_a_key_is_claimed_once(keys: MongoIdempotencyKeys) -> None:
    """While it is worked on, the same request waits and another one is refused."""
    assert (await claimed(keys)).state is KeyState.CLAIMED
    assert (await claimed(keys)).state is KeyState.IN_FLIGHT
    assert (await claimed(keys, OTHER)).state is KeyState.OTHER_REQUEST


async def test_the_first_answer_is_kept(keys: MongoIdempotencyKeys) -> None:
    """Byte for byte, for the same request alone."""
    await keys.keep(REQUEST, await claimed(keys), ANSWER)

    again = await claimed(keys)

    assert (again.state, again.answer) == (KeyState.ANSWERED, ANSWER)
    assert (await claimed(keys, OTHER)).state is KeyState.OTHER_REQUEST


async def test_a_key_that_is_let_go_is_free_for_the_same_request(
    keys: MongoIdempotencyKeys,
) -> None:
    """Another content stays refused: the first one may have had its effect."""
    await keys.let_go(REQUEST, await claimed(keys))

    assert (await claimed(keys, OTHER)).state is KeyState.OTHER_REQUEST
    assert (await claimed(keys)).state is KeyState.CLAIMED


async def test_a_worker_that_died_is_replaced_after_its_time(keys: MongoIdempotencyKeys) -> None:
    """The one that comes late changes nothing of what its successor wrote."""
    dead = await keys.claim(REQUEST, busy_seconds=0.05)
    await asyncio.sleep(0.1)

    assert (await claimed(keys, OTHER)).state is KeyState.OTHER_REQUEST
    alive = await claimed(keys)
    assert alive.state is KeyState.CLAIMED
    await keys.let_go(REQUEST, dead)
    await keys.keep(REQUEST, dead, StoredAnswer(200, b"late", "text/plain"))

    assert (await claimed(keys)).state is KeyState.IN_FLIGHT
    await keys.keep(REQUEST, alive, ANSWER)
    assert (await claimed(keys)).answer == ANSWER


async def test_of_many_at_once_one_gets_it(database: Database) -> None:
    """Whichever daemon they come to, also for a key that never was."""
    daemons = [MongoIdempotencyKeys(database) for _ in range(4)]
    for number in range(10):
        request = KeyedRequest(f"k{number}", "f1", "oncall", "POST /x")
        claims = await asyncio.gather(
            *(keys.claim(request, busy_seconds=60) for keys in daemons * 5)
        )

        states = [claim.state for claim in claims]
        assert states.count(KeyState.CLAIMED) == 1
        assert states.count(KeyState.IN_FLIGHT) == 19


async def test_of_many_that_replace_a_dead_worker_one_gets_it(
    keys: MongoIdempotencyKeys,
) -> None:
    """The key is taken over once."""
    await keys.claim(REQUEST, busy_seconds=0.001)
    await asyncio.sleep(0.05)

    claims = await asyncio.gather(*(claimed(keys) for _ in range(20)))

    assert [claim.state for claim in claims].count(KeyState.CLAIMED) == 1


async def test_a_key_goes_after_its_time(database: Database) -> None:
    """The server removes it; until it has, the key counts as gone, for any request."""
    keys = MongoIdempotencyKeys(database, kept_seconds=0.05)
    await keys.keep(REQUEST, await claimed(keys), ANSWER)
    await asyncio.sleep(0.1)

    assert (await claimed(keys, OTHER)).state is KeyState.CLAIMED
    index = (await database[COLLECTION].index_information())[TTL_INDEX]
    assert (index["key"], index["expireAfterSeconds"]) == ([("expires_at", 1)], 0)


async def test_a_key_that_is_worked_on_does_not_go(database: Database) -> None:
    """However short it is kept, its worker has its time."""
    keys = MongoIdempotencyKeys(database, kept_seconds=0.05)
    await claimed(keys)
    await asyncio.sleep(0.1)

    assert (await claimed(keys)).state is KeyState.IN_FLIGHT


async def test_what_is_stored_holds_no_body_of_the_request(
    keys: MongoIdempotencyKeys, database: Database
) -> None:
    """A day's keys say who asked for which route, and the hash of what was asked."""
    await keys.keep(REQUEST, await claimed(keys), ANSWER)

    stored: Any = await database[COLLECTION].find_one({})

    assert (stored["_id"], stored["fingerprint"]) == ("k1", "f1")
    assert (stored["principal"], stored["route"]) == ("oncall", "POST /api/test/credit")
    assert set(stored) == {
        *("_id", "fingerprint", "principal", "route", "attempt"),
        *("busy_until", "expires_at", "answer"),
    }


async def test_no_operator_comes_from_a_name(keys: MongoIdempotencyKeys) -> None:
    """What begins with a dollar is text."""
    odd = KeyedRequest("$k", "$$NOW", "$where", "POST /$x")

    assert (await claimed(keys, odd)).state is KeyState.CLAIMED
    assert (await claimed(keys, odd)).state is KeyState.IN_FLIGHT


async def test_without_a_server_it_says_so() -> None:
    """The driver's errors stop here."""
    uri = "mongodb://127.0.0.1:1/?directConnection=true&serverSelectionTimeoutMS=100"
    async with connect(uri) as client:
        keys = MongoIdempotencyKeys(client["x"])
        with pytest.raises(ReconcilerError, match="no MongoDB server"):
            await claimed(keys)
