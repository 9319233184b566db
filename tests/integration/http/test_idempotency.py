"""`Idempotency-Key` in front of real work, on a real database."""

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from reconciler.errors import OutcomeUnknown, ReadInterrupted
from reconciler.model.access import LOOPBACK
from reconciler.model.idempotency import KeyClaim, KeyedRequest, StoredAnswer, keyed_request
from reconciler.storage.calls import Database
from reconciler.storage.idempotency import MongoIdempotencyKeys
from reconciler.surfaces.http.answering import ExactJsonResponse
from reconciler.surfaces.http.idempotency import Idempotency
from reconciler.surfaces.http.limits import Deadline
from reconciler.surfaces.http.problems import Problem, answer_problems
from reconciler.surfaces.ports import IdempotencyKeys
from reconciler.sync import BalanceSync
from tests.integration.sync.stored import Stored, make_indexes

KEY = {"Idempotency-Key": "k1"}


class Away:
    """Keys that cannot be reached: always, or from the end of the work on."""

    def __init__(self, keys: IdempotencyKeys | None = None) -> None:
        self._keys = keys

    async def claim(self, request: KeyedRequest, *, busy_seconds: float) -> KeyClaim:
        if self._keys is None:
            raise ReadInterrupted("away")
        return await self._keys.claim(request, busy_seconds=busy_seconds)

    async def keep(self, request: KeyedRequest, claim: KeyClaim, answer: StoredAnswer) -> None:
        raise ReadInterrupted("away")

    async def let_go(self, request: KeyedRequest, claim: KeyClaim) -> None:
        raise ReadInterrupted("away")


class Daemon:
    """An application with one route, whose work is written down and may be held up or fail."""

    def __init__(self, keys: IdempotencyKeys, *, deadline_seconds: float = 30.0) -> None:
        self.op_ids: list[str | None] = []
        self.fails: list[Exception] = []
        self.library: BalanceSync | None = None
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.started = asyncio.Event()
        self.idempotency = Idempotency(keys, deadline_seconds=deadline_seconds)
        self.app = FastAPI()
        answer_problems(self.app)

        @self.app.post("/credit")
        async def credit(request: Request) -> Response:
            body = await request.body()
            return await self.idempotency.once(request, LOOPBACK, body, self._work)

        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(
                Deadline(self.app, seconds=deadline_seconds), raise_app_exceptions=False
            ),
            base_url="http://127.0.0.1",
        )

    async def _work(self, op_id: str | None) -> Response:
        self.op_ids.append(op_id)
        self.started.set()
        await self.goes_on.wait()
        if self.library is not None:
            await self.library.credit("user", "BTC", "1", "deposit", op_id=op_id)
        if self.fails:
            raise self.fails.pop()
        return ExactJsonResponse({"effects": len(self.op_ids)})

    async def post(self, body: bytes = b"{}", *, query: str = "", **changes: Any) -> httpx.Response:
        return await self._client.post(
            f"/credit{query}", content=body, **{"headers": KEY, **changes}
        )


@pytest.fixture
def daemon(database: Database) -> Daemon:
    return Daemon(MongoIdempotencyKeys(database))


async def test_the_same_request_has_one_effect_and_one_answer(daemon: Daemon) -> None:
    """The second answer is the first one, and says that it is."""
    first, second = await daemon.post(), await daemon.post()

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.content == second.content
    assert first.headers["Content-Type"] == second.headers["Content-Type"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Cache-Control"] == "no-store"
    assert "Idempotent-Replayed" not in first.headers
    assert len(daemon.op_ids) == 1


async def test_without_a_key_every_request_is_its_own(daemon: Daemon) -> None:
    """The library makes the names of its postings then."""
    for _ in range(2):
        await daemon.post(headers={})

    assert daemon.op_ids == [None, None]


@pytest.mark.parametrize("changed", [{"body": b"{ }"}, {"query": "?a=1"}])
async def test_another_request_under_the_key_is_refused(
    daemon: Daemon, changed: dict[str, Any]
) -> None:
    """Also while the first one is worked on, and without echoing anything."""
    await daemon.post()

    refused = await daemon.post(**changed)

    assert refused.status_code == 422
    assert "another request" in refused.json()["detail"]
    assert len(daemon.op_ids) == 1


@pytest.mark.parametrize(
    "headers",
    [
        [("Idempotency-Key", "")],
        [("Idempotency-Key", "a b")],
        [("Idempotency-Key", "x" * 129)],
        [("Idempotency-Key", b"\xff")],
        [("Idempotency-Key", "a"), ("Idempotency-Key", "a")],
    ],
)
async def test_a_key_that_is_none_is_refused(daemon: Daemon, headers: Any) -> None:
    """Twice is not once, even if both are the same."""
    refused = await daemon.post(headers=headers)

    assert refused.status_code == 422
    assert "Idempotency-Key must" in refused.json()["detail"]
    assert daemon.op_ids == []


async def test_two_at_once_have_one_effect(database: Database) -> None:
    """The second one, at another daemon, is told to come again, and then gets the answer."""
    one, two = (Daemon(MongoIdempotencyKeys(database)) for _ in range(2))
    one.goes_on.clear()
    running = asyncio.create_task(one.post())
    await one.started.wait()

    refused = await two.post()
    one.goes_on.set()
    first = await running
    again = await two.post()

    assert refused.status_code == 409
    assert refused.headers["Retry-After"] == "1"
    assert again.content == first.content
    assert (len(one.op_ids), len(two.op_ids)) == (1, 0)


async def test_of_many_at_once_one_works(database: Database) -> None:
    """Every caller is answered with the one effect or told to come again."""
    daemons = [Daemon(MongoIdempotencyKeys(database)) for _ in range(3)]

    answers = await asyncio.gather(*(daemon.post() for daemon in daemons * 10))

    assert sum(len(daemon.op_ids) for daemon in daemons) == 1
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert {answer.text for answer in answers if answer.status_code == 200} == {'{"effects": 1}\n'}


@pytest.mark.parametrize(
    "error,status",
    [
        (Problem(422, "Insufficient funds", "There is not enough."), 422),
        (RuntimeError("a bug"), 500),
        (OutcomeUnknown("o1", "no answer"), 500),
    ],
)
async def test_what_did_not_succeed_can_be_sent_again_at_once(
    daemon: Daemon, error: Exception, status: int
) -> None:
    """Under the same op_id, so that what may have been done is not done again."""
    daemon.fails.append(error)

    failed = await daemon.post()
    other = await daemon.post(b"{ }")
    again = await daemon.post()

    assert failed.status_code == status
    assert other.status_code == 422
    assert again.status_code == 200
    assert daemon.op_ids[0] is not None
    assert daemon.op_ids == [daemon.op_ids[0]] * 2


async def test_work_that_met_its_deadline_can_be_sent_again(database: Database) -> None:
    """The answer says how to find out, and doing so is right at once."""
    daemon = Daemon(MongoIdempotencyKeys(database), deadline_seconds=0.2)
    daemon.goes_on.clear()

    given_up = await daemon.post()
    daemon.goes_on.set()
    await daemon.idempotency.close()
    again = await daemon.post()

    assert (given_up.status_code, given_up.json()["outcome"]) == (503, "unknown")
    assert (again.status_code, len(set(daemon.op_ids))) == (200, 1)


async def test_without_the_keys_nothing_is_done() -> None:
    """503, and the caller knows that it had no effect."""
    daemon = Daemon(Away())

    refused = await daemon.post()

    assert refused.status_code == 503
    assert "nothing was done" in refused.json()["detail"]
    assert "Retry-After" in refused.headers
    assert daemon.op_ids == []
    assert (await daemon.post(headers={})).status_code == 200


async def test_an_effect_is_told_even_if_it_cannot_be_kept(database: Database) -> None:
    """The answer is given; the same request waits then until the key is free, or is worked on."""
    daemon = Daemon(Away(MongoIdempotencyKeys(database)))

    assert (await daemon.post()).status_code == 200
    assert (await daemon.post()).status_code == 409


async def test_a_worker_that_died_after_its_posting_is_replaced_without_a_second_one(
    database: Database,
) -> None:
    """Whoever takes the key over makes the posting under the same op_id, which is applied once."""
    await make_indexes(database)
    keys, library = MongoIdempotencyKeys(database), BalanceSync(database)
    dead = keyed_request(
        key="k1", principal=LOOPBACK.name, method="POST", path="/credit", query=b"", body=b"{}"
    )
    await keys.claim(dead, busy_seconds=0.001)
    await library.credit("user", "BTC", "1", "deposit", op_id=dead.op_id)
    daemon = Daemon(keys)
    daemon.library = library

    answer = await daemon.post()

    assert answer.status_code == 200
    assert daemon.op_ids == [dead.op_id]
    assert await Stored(database).amounts("user", "BTC") == {(Decimal(1), Decimal(0), Decimal(1))}
    await library.close()
