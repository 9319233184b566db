"""The limits of requests, on plain ASGI."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.settings import ApiSettings
from reconciler.surfaces.http.limits import BodyLimit, ConcurrencyLimit, Deadline, limited
from reconciler.surfaces.http.problems import PROBLEM_JSON

Message = MutableMapping[str, Any]


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(body)(scope, receive, send)


def caller(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def http_scope(method: str = "GET", path: str = "/") -> Scope:
    return {"type": "http", "method": method, "path": path, "headers": []}


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def called(
    app: ASGIApp, scope: Scope, receive: Callable[[], Awaitable[Message]] | None = None
) -> list[Message]:
    """Call an application by hand; give what it sent."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def nothing() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    await app(scope, receive or nothing, send)
    return sent


@pytest.mark.parametrize("parts", [(b"12345678",), (b"1234", b"", b"5678"), ()])
async def test_a_body_up_to_the_limit_arrives_whole(parts: tuple[bytes, ...]) -> None:
    """Declared or in pieces, the application reads it as it was sent."""
    async with caller(BodyLimit(echo, bytes_max=8)) as client:
        declared = await client.post("/", content=b"".join(parts))
        streamed = await client.post("/", content=chunks(*parts))

    assert declared.content == streamed.content == b"".join(parts)


async def test_a_longer_body_is_refused_before_any_work() -> None:
    """One byte too many is 413, declared or in pieces, and the application is not called."""
    calls: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        calls.append(scope)

    async with caller(BodyLimit(app, bytes_max=8)) as client:
        declared = await client.post("/", content=b"123456789")
        streamed = await client.post("/", content=chunks(b"12345678", b"9"))

    for answer in (declared, streamed):
        assert answer.status_code == 413
        assert answer.headers["Content-Type"] == PROBLEM_JSON
        assert answer.json()["detail"] == "A body has at most 8 bytes."
    assert calls == []


async def test_an_endless_body_is_not_read_to_its_end() -> None:
    """Reading stops at the limit; what is declared falsely does not help."""
    read = 0

    async def endless() -> Message:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b"x" * 4, "more_body": True}

    scope = {**http_scope("POST"), "headers": [(b"content-length", b"1")]}
    sent = await called(BodyLimit(echo, bytes_max=8), scope, endless)

    assert sent[0]["status"] == 413
    assert read == 3


@pytest.mark.parametrize("declared", [b"", b"-1", b"1e9", b"\xff", b"9" * 5_000])
async def test_a_length_that_is_no_number_never_crashes(declared: bytes) -> None:
    """What is read counts, whatever was declared; a very long number is too long."""
    scope = {**http_scope("POST"), "headers": [(b"content-length", declared)]}

    sent = await called(BodyLimit(echo, bytes_max=8), scope)

    assert sent[0]["status"] == (413 if declared.startswith(b"99") else 200)


async def test_whoever_hangs_up_in_the_middle_gets_no_work_done() -> None:
    """Half a body is none, and nobody is there to be answered."""
    messages: list[Message] = [
        {"type": "http.disconnect"},
        {"type": "http.request", "body": b"12", "more_body": True},
    ]

    async def receive() -> Message:
        return messages.pop()

    assert await called(BodyLimit(echo, bytes_max=8), http_scope("POST"), receive) == []


async def test_after_the_body_the_application_learns_of_a_disconnect() -> None:
    """What comes after the body is passed on as it is."""
    messages: list[Message] = [
        {"type": "http.disconnect"},
        {"type": "http.request", "body": b"12", "more_body": False},
    ]
    seen: list[str] = []

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        seen.extend([(await receive())["type"], (await receive())["type"]])

    async def receive() -> Message:
        return messages.pop()

    await called(BodyLimit(app, bytes_max=8), http_scope("POST"), receive)

    assert seen == ["http.request", "http.disconnect"]


class Slow:
    """Works until it is cancelled, and says that it was."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.was_cancelled = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


async def test_past_the_deadline_the_work_is_cancelled() -> None:
    """A request that only reads is told to come again."""
    slow = Slow()
    async with caller(Deadline(slow, seconds=0.05)) as client:
        answer = await client.get("/")

    assert slow.was_cancelled
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == PROBLEM_JSON
    assert int(answer.headers["Retry-After"]) > 0
    assert "outcome" not in answer.json()


@pytest.mark.parametrize(
    "headers,advice",
    [
        ({"Idempotency-Key": "k1"}, "again with the same Idempotency-Key"),
        ({}, "look at the account before you send it again"),
    ],
)
async def test_a_posting_past_the_deadline_has_an_unknown_outcome(
    headers: dict[str, str], advice: str
) -> None:
    """The answer does not say that it failed; it says how to find out."""
    async with caller(Deadline(Slow(), seconds=0.05)) as client:
        answer = await client.post("/", headers=headers)

    assert answer.status_code == 503
    assert answer.json()["title"] == "Outcome unknown"
    assert answer.json()["outcome"] == "unknown"
    assert advice in answer.json()["detail"]


async def test_an_application_that_answers_its_cancellation_is_heard() -> None:
    """Work that ends with an answer of its own at the deadline gives that one."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await JSONResponse({"op_id": "o1"}, status_code=504)(scope, receive, send)

    async with caller(Deadline(app, seconds=0.05)) as client:
        answer = await client.post("/")

    assert (answer.status_code, answer.json()) == (504, {"op_id": "o1"})


async def test_an_answer_that_has_begun_is_cut_and_not_finished() -> None:
    """A second answer in the middle of the first would make neither readable."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await called(Deadline(app, seconds=0.05), http_scope())


async def test_a_time_out_of_the_application_is_its_own() -> None:
    """Only the request's own deadline is answered here."""

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise TimeoutError("of the application")

    with pytest.raises(TimeoutError, match="of the application"):
        await called(Deadline(app, seconds=5), http_scope())


async def test_a_request_that_the_server_cancels_is_answered() -> None:
    """The cancellation goes on after the answer."""
    slow = Slow()
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    task = asyncio.create_task(Deadline(slow, seconds=60)(http_scope("POST"), receive, send))
    await slow.started.wait()
    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled()
    assert sent[0]["status"] == 503
    assert b"The service stops" in sent[1]["body"]


async def test_past_the_limit_requests_are_refused_at_once() -> None:
    """Health and metrics are answered all the same, and places are given back."""
    gate, started = asyncio.Event(), asyncio.Semaphore(0)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            started.release()
            await gate.wait()
        await PlainTextResponse("done")(scope, receive, send)

    limit = ConcurrencyLimit(app, parallel_max=2)
    async with caller(limit) as client:
        running = [asyncio.create_task(client.get("/slow")) for _ in range(2)]
        for _ in running:
            await started.acquire()
        refused = await client.get("/fast")
        exempt = [(await client.get(path)).status_code for path in ("/metrics", "/healthz/live")]
        gate.set()
        finished = [(await each).status_code for each in running]
        after = await client.get("/fast")

    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    assert refused.json()["title"] == "Busy"
    assert exempt == [200, 200]
    assert finished == [200, 200]
    assert (after.status_code, limit.running) == (200, 0)


async def test_a_place_is_given_back_whatever_happens() -> None:
    """An application that fails does not use its place up."""

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError("a bug")

    limit = ConcurrencyLimit(app, parallel_max=1)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            await called(limit, http_scope())

    assert limit.running == 0


async def test_the_events_of_the_servers_life_pass_every_limit() -> None:
    """They have no path, no method and no body."""
    passed: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        passed.append(scope["type"])

    await called(limited(app, ApiSettings()), {"type": "lifespan"})

    assert passed == ["lifespan"]


async def test_the_settings_give_the_limits() -> None:
    """All three are in front of the application, and a slow body meets the deadline."""
    api = ApiSettings(body_bytes_max=8, request_deadline_seconds=0.05)

    async def never() -> Message:
        await asyncio.Event().wait()
        return {}

    sent = await called(limited(echo, api), http_scope("POST"), never)

    assert sent[0]["status"] == 503
