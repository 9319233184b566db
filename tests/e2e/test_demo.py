"""The demo as a user runs it."""

import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import CommandLine


@pytest.mark.usefixtures("mongod_path")
def test_the_story_goes_as_told(command_line: CommandLine) -> None:
    """Healthy, then a failure that names both accounts, then one of them explained; exit 0."""
    ended = command_line.run("demo", "--once")
    told = ended.stdout

    assert ended.returncode == 0, ended.stderr
    assert told.index("HEALTHY: ") < told.index("INTEGRITY FAILURE: 2 accounts of 2 users")
    assert "alice  BTC       amount" in told
    assert "bob    GBP       amount" in told
    assert "OUT OF SYNC: the copies of alice BTC are wrong" in told
    assert "The story went as told." in told


@pytest.mark.usefixtures("mongod_path")
def test_the_server_stays_until_it_is_interrupted(command_line: CommandLine) -> None:
    """What to try next is printed with the addresses; the daemon serves; Ctrl-C ends with 0."""
    told = ""
    with command_line.start("demo") as process:
        assert process.stdout is not None
        for line in process.stdout:
            told += line
            if "db status" in line:
                break
        url = told.partition("It listens on ")[2].partition(",")[0]
        served = httpx.get(f"{url}/api/integrity/check", trust_env=False, timeout=10)
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=30)

    assert process.returncode == 0, err
    assert (served.status_code, served.json()["mismatch_count"]) == (500, 2)
    assert "RECONCILER_MONGO__DATABASE=demo_exchange" in told
    assert "Stopping daemon and server." in rest
    port = told.partition("mongodb://127.0.0.1:")[2].partition("/")[0]
    listing = subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True, timeout=10, check=True
    )
    assert f"--port {port}" not in listing.stdout


def test_a_binary_that_is_not_there_is_one_clear_error(
    command_line: CommandLine, tmp_path: Path
) -> None:
    """Exit 2, the path, and how to get a server."""
    ended = command_line.run(
        "demo",
        "--once",
        backend="naive",
        environment={"RECONCILER_EMBEDDED__MONGOD_PATH": str(tmp_path / "mongod")},
    )

    assert ended.returncode == 2
    assert "mongod" in ended.stderr
    assert "Traceback" not in ended.stderr
