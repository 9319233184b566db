"""Events of one transaction are put together, and no others."""

from datetime import UTC, datetime

from reconciler.model.bypassing import WriteOperation
from reconciler.scanning.ports import SeenKey
from reconciler.watching.grouping import Grouping, WrittenTogether
from reconciler.watching.ports import CopyWritten, EntryWritten, EventName

ALICE = SeenKey(("alice",), "alice", is_account=True, address=None)
BOB = SeenKey(("bob",), "bob", is_account=True, address=None)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def write(collection: str, transaction: str | None) -> CopyWritten:
    return CopyWritten(
        lambda: EventName("event", NOW),
        collection,
        WriteOperation.UPDATE,
        1,
        None,
        False,
        transaction,
    )


def shape(groups: list[WrittenTogether]) -> list[tuple[list[str], list[str] | None]]:
    return [
        (
            [each.collection for each in group.writes],
            None if group.accounts is None else [str(key.user) for key in group.accounts.values()],
        )
        for group in groups
    ]


def test_a_transaction_ends_with_the_next_one() -> None:
    """Its writes come before its entries, and it may be cut by the end of an answer."""
    grouping = Grouping()
    assert grouping.take(write("wallets", "one"), mark=1) == []
    assert grouping.take(write("crypto", "one"), mark=2) == []
    assert grouping.take(EntryWritten("one", (ALICE,)), mark=2) == []
    assert grouping.open_mark == 1
    ended = grouping.take(write("wallets", "two"), mark=2)

    assert shape(ended) == [(["wallets", "crypto"], ["alice"])]
    assert shape(grouping.end()) == [(["wallets"], None)]
    assert grouping.open_mark is None


def test_all_entries_of_a_transaction_count() -> None:
    """An opening entry comes before the posting's own."""
    grouping = Grouping()
    grouping.take(EntryWritten("one", (ALICE,)), mark=1)
    grouping.take(EntryWritten("one", (ALICE, BOB)), mark=1)

    assert shape(grouping.end()) == [([], ["alice", "bob"])]


def test_a_write_outside_of_a_transaction_is_alone() -> None:
    """An entry outside of one accounts for nothing, not even for what comes next to it."""
    grouping = Grouping()
    alone = grouping.take(write("wallets", None), mark=1)
    void = grouping.take(EntryWritten(None, ()), mark=1)

    assert shape(alone) == [(["wallets"], None)]
    assert shape(void) == [([], [])]
    assert grouping.end() == []
