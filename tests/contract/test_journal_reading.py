"""Reading an account's journal: one suite for the real server and for mongomock."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import mongomock
import pytest
from bson import Decimal128, Int64, ObjectId

from reconciler.model.copies import Balance
from reconciler.model.posting import Delta
from reconciler.storage.calls import Calls
from reconciler.storage.finding import MongoFinding
from reconciler.storage.journal import Entry, Finding, JournalReader

D = Decimal
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
OBJECT_ID = ObjectId("0123456789abcdef01234567")


class MockFinding:
    """The same look-up on mongomock, which is synchronous."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection

    async def find(
        self, wanted: Mapping[str, Any], *, newest_first: str, limit: int
    ) -> list[Entry]:
        found = self._collection.find(wanted).sort(newest_first, -1).limit(limit)
        return [dict(each, time=each["time"].replace(tzinfo=UTC)) for each in found]


class Journal:
    """A journal to write entries into, and what finds them."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        self.entries: list[dict[str, Any]] = []

    def entry(self, *accounts: tuple[object, str, int], deltas: Sequence[str]) -> None:
        """Write an entry of some accounts: user id, currency and sequence of each."""
        self.entries.append(
            {
                "_id": len(self.entries),
                "op_id": f"op-{len(self.entries)}",
                "kind": "credit",
                "reason": "a reason",
                "time": NOON + timedelta(seconds=len(self.entries)),
                "legs": [
                    {
                        "user_id": user,
                        "currency": currency,
                        "available_delta": Decimal128(delta),
                        "locked_delta": Decimal128("0"),
                    }
                    for delta in deltas
                    for user, currency, _ in accounts
                ],
                "accounts": [
                    {
                        "user_id": user,
                        "currency": currency,
                        "sequence": Int64(sequence),
                        "balance": {
                            "available": Decimal128(str(sequence)),
                            "locked": Decimal128("0"),
                        },
                    }
                    for user, currency, sequence in accounts
                ],
            }
        )


@pytest.fixture(params=["server", "mongomock"])
def collection(request: pytest.FixtureRequest) -> Any:
    """The collection of the journal on each of the two."""
    if request.param == "mongomock":
        return mongomock.MongoClient()["test"]["balance_journal"]
    return request.getfixturevalue("database")["balance_journal"]


@pytest.fixture
async def journal(collection: Any) -> Journal:
    """A journal with some entries."""
    is_mock = isinstance(collection, mongomock.Collection)
    real = MongoFinding(collection, Calls(deadline_seconds=10), None)
    journal = Journal(MockFinding(collection) if is_mock else real)
    journal.entry(("alice", "BTC", 1), deltas=["1"])
    journal.entry(("bob", "BTC", 1), ("alice", "BTC", 2), deltas=["0.5", "0.25"])
    journal.entry(("alice", "ETH", 1), deltas=["9"])
    journal.entry((OBJECT_ID, "BTC", 1), deltas=["3"])
    for number in range(3, 15):
        journal.entry(("alice", "BTC", number), deltas=["1"])
    journal.entries.append({"_id": "void", "op_id": "void", "kind": "void", "time": NOON})
    written = collection.insert_many(journal.entries)
    if not is_mock:
        await written
    return journal


@pytest.mark.parametrize("last_sequence", [14, None, 999])
async def test_last_lines(journal: Journal, last_sequence: int | None) -> None:
    """The newest come first, also where the last sequence number is not known, or wrong."""
    reader = JournalReader(journal.finding, lines_max=4)
    lines = await reader.last_lines("alice", "BTC", last_sequence=last_sequence)

    assert [line.sequence for line in lines] == [14, 13, 12, 11]
    assert lines[0].op_id == "op-15"
    assert lines[0].time == NOON + timedelta(seconds=15)
    assert lines[0].after == Balance(D(14), D(0))


async def test_legs_are_added_up(journal: Journal) -> None:
    """Of an entry with several accounts and legs, the account's own are added up."""
    reader = JournalReader(journal.finding)
    (line,) = await reader.last_lines("bob", "BTC", last_sequence=1)

    assert line.delta == Delta(D("0.75"), D(0))
    assert line.after == Balance(D(1), D(0))


async def test_ids_of_another_type(journal: Journal) -> None:
    """An ObjectId is not its text."""
    reader = JournalReader(journal.finding)

    assert len(await reader.last_lines(OBJECT_ID, "BTC", last_sequence=None)) == 1
    assert await reader.last_lines(str(OBJECT_ID), "BTC", last_sequence=None) == ()


@pytest.mark.parametrize("user", ["nobody", '{"$gt": ""}', ""])
async def test_nobody(journal: Journal, user: str) -> None:
    """Nobody has no lines."""
    reader = JournalReader(journal.finding)

    assert await reader.last_lines(user, "BTC", last_sequence=None) == ()
