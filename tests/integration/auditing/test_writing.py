"""Writers that race or die leave one chain without a gap; the signer signs no contradiction."""

import asyncio
import sys
from pathlib import Path

import pytest

from reconciler.auditing.checkpoint_file import read_lines
from reconciler.auditing.ports import UnobservedTrail
from reconciler.auditing.trail import SigningPlaces, Trail
from reconciler.errors import AuditTrailBroken, CheckpointFailed
from reconciler.keys import UnusableKey, make_keys
from reconciler.model.audit import ChainProblem
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.storage.auditing import AUDIT_HEAD, AUDIT_TRAIL, MongoAuditTrail
from reconciler.storage.roles import Roles
from tests.integration.auditing.test_tampering import (
    Attack,
    begin_another,
    cut_the_tail_and_set_the_head_back,
    drop_everything,
    edit,
    write_anew,
    write_the_last_anew,
)
from tests.integration.auditing.writing import START, Book, Database, event


class Told(UnobservedTrail):
    """Keeps what it is told of problems."""

    def __init__(self) -> None:
        self.problems: list[ChainProblem] = []
        self.proven = 0
        self.failures = 0

    def chain_broken(self, problem: ChainProblem) -> None:
        self.problems.append(problem)

    def chain_proven(self, head: object) -> None:
        self.proven += 1

    def checkpoint_failed(self, why: str, *, reason: str) -> None:
        self.failures += 1


async def test_writers_that_race_leave_one_chain(database: Database, tmp_path: Path) -> None:
    """Eight of them, on a trail that nobody began: each record is there once, without a gap."""
    book = Book(database, tmp_path)
    trails = [
        Trail(MongoAuditTrail(database), None, UnobservedTrail(), clock=lambda: START)
        for _ in range(8)
    ]
    written = await asyncio.gather(
        *(trail.append(event(number)) for number, trail in enumerate(trails * 5))
    )

    proof = await book.verified(with_checkpoints=False)

    assert sorted(record.sequence for record in written) == list(range(1, 41))
    assert (proof.is_valid, proof.records) == (True, 40)


async def test_a_writer_that_is_killed_leaves_a_chain(
    database: Database, mongo_uri: str, tmp_path: Path
) -> None:
    """Killed in the midst of appending, several times: the chain is right, and goes on."""
    book = Book(database, tmp_path)
    for count in (1, 4, 9):
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.integration.auditing.dying",
            mongo_uri,
            database.name,
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdout is not None
        await child.stdout.readexactly(count)
        child.kill()
        await child.communicate()
        await book.write(1)

        assert (await book.verified(with_checkpoints=False)).is_valid


@pytest.mark.parametrize(
    "attack",
    [
        cut_the_tail_and_set_the_head_back,
        write_anew,
        write_the_last_anew,
        drop_everything,
        begin_another,
    ],
)
async def test_what_contradicts_an_earlier_checkpoint_is_not_signed(
    database: Database, tmp_path: Path, attack: Attack
) -> None:
    """A smaller size, another hash, another log id: refused, and told as a broken chain."""
    told = Told()
    book = Book(database, tmp_path, told)
    await book.write(9)
    await book.trail.checkpoint("test")
    await attack(book)

    with pytest.raises(CheckpointFailed):
        await book.opened().checkpoint("test")

    assert told.problems
    assert told.failures == 1
    assert len(list(read_lines(book.places.checkpoint_path))) == 1


async def test_a_history_written_anew_and_gone_on_with_is_not_signed(
    database: Database, tmp_path: Path
) -> None:
    """The records since the last checkpoint are proven before the next is signed."""
    book = Book(database, tmp_path)
    await book.write(9)
    await book.trail.checkpoint("test")
    await write_anew(book)
    await book.write(1)

    with pytest.raises(CheckpointFailed, match="was changed"):
        await book.opened().checkpoint("test")


async def test_what_is_broken_stays_so_until_all_of_it_is_right(
    database: Database, tmp_path: Path
) -> None:
    """A trail that is right in its newest part alone is not signed; one that is restored is."""
    told = Told()
    book = Book(database, tmp_path, told)
    await book.write(9)
    await book.trail.checkpoint("test")
    record = await database[AUDIT_TRAIL].find_one({"_id": 4})
    assert record is not None
    await edit(book)
    await book.trail.prove_all()
    with pytest.raises(CheckpointFailed, match="at record 4"):
        await book.trail.checkpoint("test")
    await book.trail.prove_newest()
    proven = told.proven

    await database[AUDIT_TRAIL].replace_one({"_id": 4}, record)
    await book.trail.prove_newest()
    await book.trail.checkpoint("test")

    assert [problem.sequence for problem in told.problems] == [4, 4]
    assert told.proven == proven + 2


async def test_without_a_place_nothing_is_signed(database: Database, tmp_path: Path) -> None:
    """No settings, no key, no directory: each is said, and there is no checkpoint."""
    book = Book(database, tmp_path)
    key = book.places.key_path
    for places, said in (
        (None, "audit.signing_key_path"),
        (SigningPlaces(tmp_path / "none.pem", tmp_path / "c"), "cannot be read"),
        (SigningPlaces(book.public_path, tmp_path / "c"), "no Ed25519 key"),
        (SigningPlaces(key, tmp_path / "none" / "c"), "cannot be used"),
    ):
        trail = Trail(book.store, places, UnobservedTrail(), clock=lambda: START)

        with pytest.raises(CheckpointFailed, match=said):
            await trail.checkpoint("test")


async def test_another_key_signs_into_another_file(database: Database, tmp_path: Path) -> None:
    """A file of checkpoints has one key; a key that is there is never overwritten."""
    book = Book(database, tmp_path)
    await book.trail.checkpoint("test")
    other = tmp_path / "other.pem"
    make_keys(other, tmp_path / "other.pub")
    places = SigningPlaces(other, book.places.checkpoint_path)

    with pytest.raises(CheckpointFailed, match="another key"):
        await Trail(book.store, places, UnobservedTrail(), clock=lambda: START).checkpoint("test")
    with pytest.raises(UnusableKey, match="never overwritten"):
        make_keys(other, tmp_path / "third.pub")
    assert other.stat().st_mode & 0o077 == 0


async def test_a_checkpoint_that_was_cut_off_is_passed_over(
    database: Database, tmp_path: Path
) -> None:
    """The machine stopped in the midst of a line: the next one begins anew, and all is proven."""
    book = Book(database, tmp_path)
    await book.write(2)
    await book.trail.checkpoint("test")
    with book.places.checkpoint_path.open("a") as file:
        file.write('{"hash":"ab')
    await book.write(2, first=3)
    await book.trail.checkpoint("test")

    proof = await book.verified(with_checkpoints=True)

    assert (proof.is_valid, proof.records, proof.checkpoints) == (True, 4, 2)


async def test_an_edited_checkpoint_is_found(database: Database, tmp_path: Path) -> None:
    """A line whose signature does not fit is a problem of its own."""
    book = Book(database, tmp_path)
    await book.write(2)
    await book.trail.checkpoint("test")
    path = book.places.checkpoint_path
    path.write_text(path.read_text().replace('"why":"test"', '"why":"best"'))

    proof = await book.verified(with_checkpoints=True)

    assert proof.problem is not None
    assert "signature" in proof.problem.problem


async def test_signers_of_one_file_do_not_contradict_each_other(
    database: Database, tmp_path: Path
) -> None:
    """Two processes sign while others append: sizes only grow."""
    book = Book(database, tmp_path)
    trails = [book.opened() for _ in range(3)]
    await asyncio.gather(book.write(20), *(trail.checkpoint("x") for trail in trails * 5))

    proof = await book.verified(with_checkpoints=True)

    assert (proof.is_valid, proof.records, proof.checkpoints) == (True, 20, 15)


async def test_an_insertion_shares_the_fate_of_its_transaction(
    database: Database, tmp_path: Path
) -> None:
    """What is rolled back is not on the trail; what commits is, once."""
    book = Book(database, tmp_path)
    await book.write(1)
    given_up, kept = book.trail.insertion(event(1)), book.trail.insertion(event(2))
    with pytest.raises(RuntimeError):
        _ = kept.record
    async with database.client.start_session() as session:
        async with await session.start_transaction():
            await given_up(session)
            await session.abort_transaction()
        async with await session.start_transaction():
            await kept(session)

    proof = await book.verified(with_checkpoints=False)

    assert kept.record.sequence == 2
    assert (proof.is_valid, proof.records) == (True, 2)


async def test_a_trail_without_its_head_is_not_gone_on_with(
    database: Database, tmp_path: Path
) -> None:
    """Nobody begins a second trail on the records of the first."""
    book = Book(database, tmp_path)
    await book.write(2)
    await database[AUDIT_HEAD].delete_many({})

    with pytest.raises(AuditTrailBroken):
        await book.write(1)
    with pytest.raises(CheckpointFailed):
        await book.trail.checkpoint("test")


async def test_the_roles_let_the_daemon_add_and_nobody_change(database: Database) -> None:
    """They are made, and made again; of the trail the daemon's may insert and find alone."""
    roles = Roles(database, DEFAULT_MAPPINGS)
    await roles.apply()
    await roles.apply()
    answer = await database.command({"rolesInfo": "reconcilerDaemon", "showPrivileges": True})
    (role,) = answer["roles"]
    actions: dict[str, set[str]] = {}
    for each in role["inheritedPrivileges"]:
        actions.setdefault(each["resource"]["collection"], set()).update(each["actions"])
    await database.command({"dropAllRolesFromDatabase": 1})

    assert actions["audit_trail"].isdisjoint({"update", "remove", "dropCollection"})
    assert "insert" in actions["audit_trail"]
    assert "remove" not in actions["audit_head"] | actions["wallets"] | actions["balance_journal"]
