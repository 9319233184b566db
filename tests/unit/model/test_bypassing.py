"""Which writes of a transaction its journal entries account for."""

import pytest

from reconciler.model.bypassing import JudgedWrite, WriteOperation, WriteVerdicts, judge_writes

INSERT, UPDATE = WriteOperation.INSERT, WriteOperation.UPDATE


def update(collection: str, document: int) -> JudgedWrite:
    return JudgedWrite(collection, UPDATE, document, None, is_owner_known=False)


def of(
    collection: str, document: int, owner: str | None, operation: WriteOperation = UPDATE
) -> JudgedWrite:
    return JudgedWrite(collection, operation, document, owner, is_owner_known=True)


def test_without_an_entry_everything_is_bypassing() -> None:
    """Nothing that agrees with anything else makes a write accounted for."""
    writes = [update(name, 1) for name in ("wallets", "crypto", "trader", "internal")]

    assert judge_writes(writes, None) == WriteVerdicts(bypassing=(0, 1, 2, 3))


def test_an_entry_accounts_for_one_write_in_each_collection() -> None:
    """A posting on two accounts changes two documents in each collection."""
    writes = [update("wallets", 1), update("wallets", 2), update("crypto", 3), update("crypto", 4)]

    assert judge_writes(writes, {"alice", "bob"}) == WriteVerdicts()


def test_an_insert_of_an_account_of_the_entry_is_accounted_for() -> None:
    """The first posting on an account makes its copies, of some collections perhaps only."""
    writes = [of("wallets", 1, "alice", INSERT), update("crypto", 2)]

    assert judge_writes(writes, {"alice"}) == WriteVerdicts()


def test_an_insert_of_another_account_is_bypassing() -> None:
    """A journal entry accounts for its own accounts alone."""
    assert judge_writes([of("wallets", 1, "eve", INSERT)], {"alice"}).bypassing == (0,)


@pytest.mark.parametrize("operation", [WriteOperation.DELETE, WriteOperation.REPLACE])
def test_the_library_neither_deletes_nor_replaces(operation: WriteOperation) -> None:
    """Whatever entry is beside it."""
    assert judge_writes([of("wallets", 1, "alice", operation)], {"alice"}).bypassing == (0,)


def test_more_updates_than_accounts_are_unclear() -> None:
    """An update does not say whose document it is: one of them is not the library's."""
    verdicts = judge_writes([update("wallets", 1), update("wallets", 2)], {"alice"})

    assert verdicts == WriteVerdicts(unclear=(0, 1))


def test_two_updates_of_one_document_are_unclear() -> None:
    """The library writes each document once."""
    verdicts = judge_writes([update("wallets", 1), update("wallets", 1)], {"alice", "bob"})

    assert verdicts.unclear == (0, 1)


def test_owners_decide_what_was_unclear() -> None:
    """A write to a foreign account is bypassing, and so is the second one to the same."""
    foreign = [of("wallets", 2, "eve"), of("wallets", 1, "alice")]
    twice = [of("wallets", 1, "alice"), of("wallets", 1, "alice")]
    gone = [of("wallets", 1, "alice"), of("wallets", 2, None)]

    assert judge_writes(foreign, {"alice"}) == WriteVerdicts(bypassing=(0,))
    assert judge_writes(twice, {"alice"}) == WriteVerdicts(bypassing=(1,))
    assert judge_writes(gone, {"alice"}) == WriteVerdicts(bypassing=(1,))
