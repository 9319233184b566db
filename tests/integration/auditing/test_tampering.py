"""Six attacks on the real collection, with root rights: each is found, and where from."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from reconciler.model.audit import GENESIS_HASH
from reconciler.storage.auditing import AUDIT_HEAD, AUDIT_TRAIL
from tests.integration.auditing.writing import Book, Database

Attack = Callable[[Book], Awaitable[None]]


async def edit(book: Book) -> None:
    """Another text under the old hash."""
    await book.database[AUDIT_TRAIL].update_one({"_id": 4}, {"$set": {"body": "{}"}})


async def edit_with_its_hash(book: Book) -> None:
    """Another text with its right hash: the next record does not follow."""
    await book.rewrite(4, body="{}")
    later = await book.database[AUDIT_TRAIL].find_one({"_id": 5})
    assert later is not None
    await book.database[AUDIT_TRAIL].update_one({"_id": 5}, {"$set": {"previous_hash": "0" * 64}})


async def add_a_field(book: Book) -> None:
    """A field that no record has."""
    await book.database[AUDIT_TRAIL].update_one({"_id": 4}, {"$set": {"note": "harmless"}})


async def delete(book: Book) -> None:
    """One from the middle."""
    await book.database[AUDIT_TRAIL].delete_one({"_id": 4})


async def insert_between(book: Book) -> None:
    """A record of one's own, pushed between two."""
    record = await book.database[AUDIT_TRAIL].find_one({"_id": 4})
    assert record is not None
    await book.database[AUDIT_TRAIL].insert_one({**record, "_id": 4.5})


async def insert_at_the_end(book: Book) -> None:
    """A record of one's own beyond the head."""
    record = await book.database[AUDIT_TRAIL].find_one({"_id": 9})
    assert record is not None
    await book.database[AUDIT_TRAIL].insert_one({**record, "_id": 10})


async def insert_what_is_no_number(book: Book) -> None:
    """A record under a text."""
    record = await book.database[AUDIT_TRAIL].find_one({"_id": 9})
    assert record is not None
    await book.database[AUDIT_TRAIL].insert_one({**record, "_id": "10"})


async def reorder(book: Book) -> None:
    """Two records change places."""
    four = await book.database[AUDIT_TRAIL].find_one({"_id": 4})
    five = await book.database[AUDIT_TRAIL].find_one({"_id": 5})
    assert four is not None
    assert five is not None
    await book.database[AUDIT_TRAIL].replace_one({"_id": 4}, {**five, "_id": 4})
    await book.database[AUDIT_TRAIL].replace_one({"_id": 5}, {**four, "_id": 5})


async def cut_the_tail(book: Book) -> None:
    """The last records are gone, and the head knows of them."""
    await book.database[AUDIT_TRAIL].delete_many({"_id": {"$gt": 7}})


async def drop_the_head(book: Book) -> None:
    """The head is gone."""
    await book.database[AUDIT_HEAD].delete_many({})


async def break_the_head(book: Book) -> None:
    """The head is none."""
    await book.database[AUDIT_HEAD].update_one({}, {"$set": {"size": "nine"}})


async def cut_the_tail_and_set_the_head_back(book: Book) -> None:
    """The last records never were."""
    await cut_the_tail(book)
    last = await book.database[AUDIT_TRAIL].find_one({"_id": 7})
    assert last is not None
    await book.database[AUDIT_HEAD].update_one({}, {"$set": {"size": 7, "hash": last["hash"]}})


async def write_anew(book: Book) -> None:
    """One text is another, and every later hash is right."""
    await book.rewrite(4, body="{}")


async def write_the_last_anew(book: Book) -> None:
    """The last text is another."""
    await book.rewrite(9, body="{}")


async def drop_everything(book: Book) -> None:
    """There never was a trail."""
    await book.database[AUDIT_TRAIL].drop()
    await book.database[AUDIT_HEAD].drop()


async def begin_another(book: Book) -> None:
    """There always was another trail."""
    await drop_everything(book)
    await book.write(9, first=100)


async def empty_it(book: Book) -> None:
    """It was begun, and nothing ever happened."""
    await book.database[AUDIT_TRAIL].drop()
    await book.database[AUDIT_HEAD].update_one({}, {"$set": {"size": 0, "hash": GENESIS_HASH}})


@pytest.mark.parametrize(
    "attack, first_bad",
    [
        (edit, 4),
        (edit_with_its_hash, 5),
        (add_a_field, 4),
        (delete, 4),
        (insert_between, 4),
        (insert_at_the_end, 10),
        (insert_what_is_no_number, 10),
        (reorder, 4),
        (cut_the_tail, 8),
        (drop_the_head, 1),
        (break_the_head, 1),
    ],
)
async def test_the_chain_alone_shows_what_does_not_fit(
    database: Database, tmp_path: Path, attack: Attack, first_bad: int
) -> None:
    """Without any checkpoint, the first bad record is named."""
    book = Book(database, tmp_path)
    await book.write(9)
    before = await book.verified(with_checkpoints=False)
    await attack(book)

    proof = await book.verified(with_checkpoints=False)

    assert before.is_valid
    assert before.records == 9
    assert proof.problem is not None
    assert proof.problem.sequence == first_bad


@pytest.mark.parametrize(
    "attack, first_bad",
    [
        (cut_the_tail_and_set_the_head_back, 8),
        (write_anew, 4),
        (write_the_last_anew, 7),
        (drop_everything, 1),
        (begin_another, 1),
        (empty_it, 1),
    ],
)
async def test_checkpoints_alone_show_what_fits(
    database: Database, tmp_path: Path, attack: Attack, first_bad: int
) -> None:
    """A trail that was computed anew is missed without checkpoints, and found with them.

    Which record was the first is known as far as checkpoints lie apart: here after 3, 6 and 9.
    """
    book = Book(database, tmp_path)
    for _ in range(3):
        head = await book.store.head()
        await book.write(3, first=1 + (head.size if head else 0))
        await book.trail.checkpoint("test")
    before = await book.verified(with_checkpoints=True)
    await attack(book)

    without = await book.verified(with_checkpoints=False)
    proof = await book.verified(with_checkpoints=True)

    assert (before.is_valid, before.records, before.checkpoints) == (True, 9, 3)
    assert without.is_valid
    assert proof.problem is not None
    assert proof.problem.sequence == first_bad


@pytest.mark.parametrize("attack", [edit, delete, reorder, cut_the_tail])
async def test_checkpoints_hide_nothing_that_the_chain_shows(
    database: Database, tmp_path: Path, attack: Attack
) -> None:
    """What the chain shows is found with checkpoints too."""
    book = Book(database, tmp_path)
    await book.write(9)
    await book.trail.checkpoint("test")
    await attack(book)

    assert not (await book.verified(with_checkpoints=True)).is_valid
