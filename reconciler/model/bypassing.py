"""Writes to balances that no journal entry accounts for: the rule, and what is kept of one. Pure.

Whether the four copies agree afterwards has no part in it.
"""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.model.identity import Account


class WriteOperation(StrEnum):
    """What was done to a document; the words are the server's."""

    INSERT = "insert"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


# The library makes a copy or changes fields of one. Nothing of ours replaces or removes a copy.
LIBRARY_OPERATIONS = frozenset({WriteOperation.INSERT, WriteOperation.UPDATE})


@dataclass(frozen=True, slots=True)
class JudgedWrite:
    """One write to a copy, for the rule: where, what, which document, and whose it is.

    An update does not say whose document it is: `is_owner_known` is false until that was looked up,
    and `owner` is None where it could not be found.
    """

    collection: str
    operation: WriteOperation
    document: Hashable
    owner: Hashable | None
    is_owner_known: bool


@dataclass(frozen=True, slots=True)
class WriteVerdicts:
    """Numbers of the writes that no entry accounts for, and of those whose owner must be known."""

    bypassing: tuple[int, ...] = ()
    unclear: tuple[int, ...] = ()


def judge_writes(
    writes: Sequence[JudgedWrite], accounts: Collection[Hashable] | None
) -> WriteVerdicts:
    """Judge the writes of one transaction, whose journal entries are of these accounts.

    `accounts` is None where it wrote no entry, or where there was no transaction: all is bypassing.
    Else each account of the entries accounts for one insert or update in each collection. As long
    as no collection has more writes than that, and no document two, the writes are the library's:
    a posting changes each of its copies, be it by the time alone, so that there is no room for
    another one. Where there are more, the owners decide.
    """
    if accounts is None:
        return WriteVerdicts(bypassing=tuple(range(len(writes))))
    bypassing: list[int] = []
    unclear: list[int] = []
    by_collection: dict[str, list[int]] = {}
    for number, write in enumerate(writes):
        by_collection.setdefault(write.collection, []).append(number)
    for numbers in by_collection.values():
        _judge_collection(writes, numbers, accounts, bypassing, unclear)
    return WriteVerdicts(tuple(bypassing), tuple(unclear))


def _judge_collection(
    writes: Sequence[JudgedWrite],
    numbers: Sequence[int],
    accounts: Collection[Hashable],
    bypassing: list[int],
    unclear: list[int],
) -> None:
    left = set(accounts)
    unowned: list[int] = []
    for number in numbers:
        write = writes[number]
        if write.operation not in LIBRARY_OPERATIONS:
            bypassing.append(number)
        elif not write.is_owner_known:
            unowned.append(number)
        elif write.owner in left:
            left.discard(write.owner)
        else:
            bypassing.append(number)
    documents = {writes[number].document for number in unowned}
    if len(unowned) > len(left) or len(documents) < len(unowned):
        unclear.extend(unowned)


@dataclass(frozen=True, slots=True)
class BypassingWrite:
    """A write past the library, as it is kept.

    `write_id` names the event and sorts by time; `time` is that of the write by the database's
    clock, to the second. `account` is None where the document is gone and was never seen before.
    """

    write_id: str
    collection: str
    operation: WriteOperation
    document_id: str
    account: Account | None
    time: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class BypassingPage:
    """Some bypassing writes, the youngest first, and the id to go on below; None: that is all."""

    writes: tuple[BypassingWrite, ...]
    before: str | None
