"""The server on a real socket, in the loop of the test."""

import asyncio
import contextlib
import signal
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from reconciler.settings import ApiSettings, InvalidSettings
from reconciler.surfaces.http.limits import limited
from reconciler.surfaces.http.serving import ServingEnded, serving
from tests.observing.processes import binary


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    await PlainTextResponse(f"hello {scope['client'][0]}")(scope, receive, send)


def settings(**changes: Any) -> ApiSettings:
    return ApiSettings.model_validate({"port": 0, **changes})


@contextlib.asynccontextmanager
async def raw(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which a test says what it likes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
async def test_it_answers_where_it_says(host: str) -> None:
    """Port 0 takes a free one, and the address is the real one."""
    async with serving(hello, settings(host=host)) as served, httpx.AsyncClient() as client:
        answer = await client.get(served.url)

    assert served.port != 0
    assert answer.text.startswith("hello ")
    assert "server" not in answer.headers
    assert "date" in answer.headers


async def test_nothing_listens_before_and_after() -> None:
    """The socket is there exactly as long as the context."""
    async with serving(hello, settings()) as served:
        pass

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", served.port)
    async with serving(hello, settings(port=served.port)) as again:
        assert again.port == served.port


async def test_a_port_that_is_taken_is_said_to_be() -> None:
    """The error names the address and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(InvalidSettings, match=rf"127\.0\.0\.1 port {port} is taken by another"):
            async with serving(hello, settings(port=port)):
                pass


@pytest.mark.parametrize(
    "host,why",
    [
        ("192.0.2.1", "is no address of this machine"),
        ("no-such-name.invalid", "is no address and no name"),
        ("a" * 70, "is no address and no name"),
    ],
)
async def test_an_address_that_is_not_ours_is_said_not_to_be(host: str, why: str) -> None:
    """Neither another machine's address nor a name that nobody knows can be listened on."""
    with pytest.raises(InvalidSettings, match=why):
        async with serving(hello, settings(host=host)):
            pass


async def test_signals_stay_the_programs_own() -> None:
    """The handlers are the same while it serves."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with serving(hello, settings()):
        during = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    assert during == before


async def test_who_calls_is_who_connects() -> None:
    """A header that says otherwise is not believed."""
    async with serving(hello, settings()) as served, httpx.AsyncClient() as client:
        answer = await client.get(served.url, headers={"X-Forwarded-For": "192.0.2.7"})

    assert answer.text == "hello 127.0.0.1"


async def test_a_request_may_end_while_the_server_stops() -> None:
    """What runs is answered; nothing new is taken."""
    started, ends = asyncio.Event(), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        started.set()
        await ends.wait()
        await PlainTextResponse("done")(scope, receive, send)

    async with httpx.AsyncClient() as client:
        async with serving(slow, settings()) as served:
            running = asyncio.create_task(client.get(served.url))
            await started.wait()
            asyncio.get_running_loop().call_later(0.2, ends.set)
        answer = await running

    assert answer.text == "done"


async def test_the_stop_is_bounded() -> None:
    """A request that does not end is cancelled, and is told that its outcome is unknown."""
    started = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        started.set()
        await asyncio.Event().wait()

    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(timeout=30) as client, raw_count():
        async with serving(limited(endless, settings()), settings(), stop_seconds=1) as served:
            running = asyncio.create_task(client.post(served.url))
            await started.wait()
            begun = loop.time()
        took = loop.time() - begun
        answer = await running

    assert took < 4
    assert (answer.status_code, answer.json()["outcome"]) == (503, "unknown")


@contextlib.asynccontextmanager
async def raw_count() -> AsyncIterator[None]:
    """No task is left behind; those of the driver's monitors, which come and go, may end first."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before
    if left:
        _, left = await asyncio.wait(left, timeout=5)
    assert not left


async def test_a_connection_that_says_nothing_does_not_delay_the_stop() -> None:
    """Idle callers are hung up on."""
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        async with serving(hello, settings(), stop_seconds=2) as served:
            reader, writer = await stack.enter_async_context(raw(served.port))
            writer.write(b"GET / HTTP/1.1\r\nHost: 127")
            await writer.drain()
            begun = loop.time()
        took = loop.time() - begun
        said = await reader.read()

    assert took < 5
    assert said == b""


async def test_huge_headers_are_refused() -> None:
    """They are not kept until they end."""
    async with serving(hello, settings()) as served, raw(served.port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 100_000)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        answer = await reader.readline()

    assert answer.split()[1:2] == [b"400"]


async def test_a_body_past_the_limit_is_answered_while_it_is_sent() -> None:
    """The caller learns of 413 although nobody reads the rest of its body."""
    api = settings(body_bytes_max=1_000)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x" * 65_536

    async with serving(limited(hello, api), api) as served, httpx.AsyncClient() as client:
        declared = await client.post(served.url, content=b"x" * 10_000_000)
        streamed = await client.post(served.url, content=chunks())

    assert (declared.status_code, streamed.status_code) == (413, 413)


async def test_a_body_that_trickles_meets_the_deadline() -> None:
    """A caller that never ends its body does not hold a place for ever."""
    api = settings(request_deadline_seconds=0.2)
    async with serving(limited(hello, api), api) as served, raw(served.port) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n1")
        answer = await reader.readline()

    assert answer.split()[1:2] == [b"503"]


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: 127", b"GET / HTTP/1.1\r\nX"])
async def test_a_head_that_does_not_end_is_hung_up_on(said: bytes) -> None:
    """Whoever says nothing, or a byte at a time, does not hold a connection for ever."""
    api = settings(request_deadline_seconds=0.2)
    async with serving(hello, api) as served, raw(served.port) as (reader, writer):
        writer.write(said)

        assert await asyncio.wait_for(reader.read(), 10) == b""


async def test_two_requests_on_one_connection_have_their_time_each() -> None:
    """The wait for a head begins anew after an answer, and ends while a request is worked on."""

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.3)
        await hello(scope, receive, send)

    request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    api = settings(request_deadline_seconds=0.2)
    async with serving(slow, api) as served, raw(served.port) as (reader, writer):
        for _ in range(2):
            writer.write(request)
            answer = await reader.readuntil(b"hello 127.0.0.1")
            assert answer.startswith(b"HTTP/1.1 200")
        writer.write(request + request)
        for _ in range(2):
            assert b"200 OK" in await reader.readuntil(b"hello 127.0.0.1")
        writer.write(request[:20])

        assert await asyncio.wait_for(reader.read(), 10) == b""


async def test_whoever_uses_it_learns_that_it_died() -> None:
    """Waiting for its end is a task beside the daemon's other ones."""
    async with serving(hello, settings()) as served:
        waiting = asyncio.create_task(served.wait_ended())
        await asyncio.sleep(0)
        assert not waiting.done()
        (task,) = [task for task in asyncio.all_tasks() if task.get_name() == "http"]
        task.cancel()

        with pytest.raises(ServingEnded):
            await waiting


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of its own for localhost, and its key."""
    binary("openssl")
    folder = tmp_path_factory.mktemp("tls")
    return made_certificate(folder / "tls.crt", folder / "tls.key")


def made_certificate(certificate: Path, key: Path, *options: str) -> tuple[Path, Path]:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-days", "2", "-keyout", str(key), "-out", str(certificate)),
            *(options or ("-nodes",)),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    return certificate, key


def tls(certificate: Path, key: Path) -> ApiSettings:
    return settings(host="localhost", tls_certificate_path=certificate, tls_key_path=key)


async def test_it_speaks_tls(certificate: tuple[Path, Path]) -> None:
    """With a certificate the address is https, and nothing else is answered."""
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    async with (
        serving(hello, tls(*certificate)) as served,
        httpx.AsyncClient(verify=trusting) as client,
    ):
        answer = await client.get(f"https://localhost:{served.port}")
        with pytest.raises(httpx.HTTPError):
            await client.get(f"http://localhost:{served.port}")

    assert served.url.startswith("https://")
    assert answer.text.startswith("hello ")


async def test_a_certificate_that_cannot_be_used_is_told_apart(
    certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    """Missing, no PEM, another one's key, and a key with a passphrase each have their words."""
    good, key = certificate
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    _, other = made_certificate(tmp_path / "other.crt", tmp_path / "other.key")
    _, locked = made_certificate(
        tmp_path / "locked.crt", tmp_path / "locked.key", "-passout", "pass:secret"
    )
    wrong = {
        (tmp_path / "missing.crt", key): r"tls_certificate_path: .*missing.crt cannot be read: No",
        (good, tmp_path / "missing.key"): r"tls_key_path: .*missing.key cannot be read: No such",
        (good, tmp_path): r"cannot be read: Is a directory",
        (nonsense, key): "both must be PEM",
        (good, nonsense): "both must be PEM",
        (good, other): "is not the key of this certificate",
        (good, locked): "without a passphrase",
    }
    for paths, why in wrong.items():
        with pytest.raises(InvalidSettings, match=why):
            async with serving(hello, tls(*paths)):
                pass
