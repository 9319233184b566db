"""The end-to-end sequence, by the script that people run and real curl."""

import asyncio
import hashlib
import os
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from tests.e2e.conftest import ROOT
from tests.e2e.daemon.conftest import NewDaemon, drift
from tests.observing.daemon import Daemon
from tests.observing.processes import binary

Database = AsyncDatabase[dict[str, Any]]

ENDPOINTS = {"API__TEST_ENDPOINTS": "true", "API__ESCROW_ENDPOINTS": "true"}
TOKEN = "rcn_only-for-this-test"


async def e2e(*words: str, token: str = "") -> tuple[int, str]:
    """Run the script; give its exit code, and all it said."""
    binary("curl")
    running = await asyncio.create_subprocess_exec(
        str(ROOT / "scripts" / "e2e.sh"),
        *words,
        env={**os.environ, "RECONCILER_TOKEN": token},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(90):
        said, _ = await running.communicate()
    assert running.returncode is not None
    return running.returncode, said.decode()


def address(daemon: Daemon) -> str:
    return f"http://{daemon.address}"


async def test_the_sequence_passes(new_daemon: NewDaemon, exchange: Database) -> None:
    """Credits, a release, a cancellation: every check in between is healthy, twice over."""
    daemon = new_daemon(**ENDPOINTS)
    await daemon.start()
    for _ in range(2):
        code, said = await e2e(address(daemon))

        assert (code, said.splitlines()[-1]) == (0, "== all steps done, every check healthy")
        assert '{"Success": true, "Total USD": 179.46, "BTC": 0.001, "ETH": 0.05}' in said
        assert said.count('"status": "healthy"') == 11


async def test_it_stops_at_the_first_check_that_is_not_healthy(
    new_daemon: NewDaemon, exchange: Database
) -> None:
    """A drift ends the sequence before anything is posted."""
    daemon = new_daemon(**ENDPOINTS)
    await drift(exchange)
    await daemon.start()
    code, said = await e2e(address(daemon))

    assert code == 3
    assert "stopped: the check after 'before anything' is not healthy (HTTP 500)" in said
    assert "credit" not in said


async def test_it_says_what_is_missing(new_daemon: NewDaemon, exchange: Database) -> None:
    """No daemon, no such routes, an unknown option: each has its sentence and its exit code."""
    daemon = new_daemon()
    await daemon.start()
    code, said = await e2e(address(daemon))
    assert code == 1
    assert "api.test_endpoints = true" in said
    await daemon.kill()
    code, said = await e2e(address(daemon))
    assert code == 1
    assert "is the daemon running there?" in said

    assert (await e2e("--what"))[0] == 2
    assert (await e2e("8080"))[0] == 2
    assert (await e2e("--help"))[1].startswith("The end-to-end sequence")


async def test_with_a_token(new_daemon: NewDaemon, exchange: Database) -> None:
    """Where the daemon wants a token the script sends it, and without one it stops at 401."""
    scopes = '["check", "test", "escrow", "repair:propose"]'
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    tokens = (
        f'[{{"name": "ci", "sha256": "{digest}", "scopes": {scopes},'
        ' "expires": "2999-01-01T00:00:00Z"}]'
    )
    daemon = new_daemon(**ENDPOINTS, API__TOKENS=tokens)
    await daemon.start()

    assert (await e2e(address(daemon), token=TOKEN))[0] == 0
    code, said = await e2e(address(daemon))
    assert (code, "not let in (HTTP 401)" in said) == (1, True)
