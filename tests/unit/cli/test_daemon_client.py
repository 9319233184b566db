"""How the gate asks a daemon, against a small server that answers what a test wants."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from reconciler.errors import CannotLook, ReadInterrupted
from reconciler.model.gate import CheckFacts, Outcome, Unseen
from reconciler.model.report import Verdict
from reconciler.settings import InvalidSettings, load_settings
from reconciler.surfaces.cli.daemon_client import DaemonAddress, DaemonClient, Heard
from reconciler.surfaces.cli.gate import checked, recorded

TOKEN = "t0ken-t0ken"


@contextlib.asynccontextmanager
async def answering(text: str | None) -> AsyncIterator[tuple[DaemonAddress, list[bytes]]]:
    """A server that gives one answer to all, or none; and what it was sent."""
    heard: list[bytes] = []
    stays = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        if text is None:
            await stays.wait()
        else:
            writer.write(text.encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield DaemonAddress.of(f"http://127.0.0.1:{port}/behind/"), heard
    finally:
        stays.set()
        server.close()


def response(status: str, body: str, header: str = "X: y") -> str:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{header}\r\n\r\n{body}"


@pytest.mark.parametrize(
    "url",
    [
        "db", "ftp://h", "http://", "http://h:x", "http://u:s3cret@h", "http://h?s3cret=1",
        "http://h#x", "http://h/a b", "http://[::1", "https://exämple",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    """And nothing of it is shown, which may be a password."""
    with pytest.raises(ValueError, match="must") as caught:
        DaemonAddress.of(url)

    assert "s3cret" not in str(caught.value)


async def test_it_sends_the_token_and_keeps_the_prefix() -> None:
    """The header is where it belongs, and the path stands behind a proxy's."""
    async with answering(response("200 OK", '{"a": 1}')) as (address, sent):
        heard = await DaemonClient(address, token=TOKEN, seconds_max=5).get("/x")

    assert heard == Heard(200, {"a": 1})
    assert sent[0].startswith(b"GET /behind/x HTTP/1.1\r\n")
    assert f"Authorization: Bearer {TOKEN}\r\n".encode() in sent[0]


async def test_a_redirect_is_not_followed() -> None:
    """The token goes nowhere else."""
    async with answering(response("200 OK", "{}")) as (elsewhere, sent):
        moved = response("302 Found", "", f"Location: {elsewhere}")
        async with answering(moved) as (address, _):
            with pytest.raises(CannotLook, match="answers 302 with no JSON"):
                await DaemonClient(address, token=TOKEN, seconds_max=5).get("/x")

    assert sent == []


@pytest.mark.parametrize(
    "text, error",
    [
        (response("401 Unauthorized", "{}"), CannotLook),
        (response("403 Forbidden", "{}"), CannotLook),
        (response("404 Not Found", "{}"), CannotLook),
        (response("200 OK", "[1]"), CannotLook),
        (response("200 OK", "[" * 100_000), CannotLook),
        ("nonsense\r\n\r\n", ReadInterrupted),
        ("", ReadInterrupted),
        (None, ReadInterrupted),
    ],
)
async def test_whatever_else_is_no_verdict(text: str | None, error: type[Exception]) -> None:
    """Denied, no JSON object, no HTTP, no answer: all could not look, and none shows the token."""
    async with answering(text) as (address, _):
        with pytest.raises(error) as caught:
            await DaemonClient(address, token=TOKEN, seconds_max=0.3).get("/x")

    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    "status, document, verdict",
    [
        (200, {"status": "healthy", "mode": "full"}, Verdict.HEALTHY),
        (200, {"status": "healthy", "mode": "user"}, None),
        (200, {"status": "ok"}, None),
        (500, {"status": "healthy", "mode": "full"}, None),
        (500, {"status": 500, "detail": "a fault"}, None),
        (500, {"status": "INTEGRITY_FAILURE", "mode": "full"}, Verdict.INTEGRITY_FAILURE),
        (503, {"status": "healthy", "mode": "full"}, Verdict.INCOMPLETE),
        (503, {"status": 503, "detail": "too many"}, Verdict.INCOMPLETE),
    ],
)
def test_healthy_is_what_says_so_in_every_way(
    status: int, document: dict[str, object], verdict: Verdict | None
) -> None:
    """The status of HTTP, that of the answer, and that everything was looked at."""
    found = checked(Heard(status, document))

    assert isinstance(found, CheckFacts if verdict else Unseen)
    assert getattr(found, "verdict", None) is verdict


@pytest.mark.parametrize(
    "document",
    [{}, {"requirements": 1, "notes": []}, {"requirements": [{"name": "plans"}], "notes": []}],
)
def test_what_is_no_checklist_is_unknown(document: dict[str, object]) -> None:
    """Nothing of it is taken."""
    found = recorded(Heard(200, document))

    assert {each.outcome for each in found.requirements} == {Outcome.UNKNOWN}


def test_a_token_with_a_line_break_is_refused() -> None:
    """A file's last line break would end the header; the complaint does not show the token."""
    with pytest.raises(InvalidSettings, match="line break at its end") as caught:
        load_settings(environment={"RECONCILER_GATE__TOKEN": f"{TOKEN}\n"})

    assert TOKEN not in str(caught.value)
