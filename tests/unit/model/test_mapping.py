"""Which mappings of the balance collections make sense, and which indexes they need."""

from typing import Any

import pytest

from reconciler.model.faults import InvalidMapping
from reconciler.model.mapping import (
    DEFAULT_MAPPINGS,
    SEQUENCE_FIELD,
    CollectionMapping,
    Mappings,
    TotalMeaning,
)
from reconciler.model.schema import JOURNAL, required_indexes


def test_the_default_is_the_field_as_found() -> None:
    """Four collections, the traders' with its own account field, two with `balance` as total."""
    assert [
        (each.name, each.account, each.total, each.updated, each.total_means)
        for each in DEFAULT_MAPPINGS
    ] == [
        ("wallets", "user_id", "total_balance", "last_updated", "available_plus_locked"),
        ("crypto_balances", "user_id", "balance", "last_updated", "available_plus_locked"),
        ("trader_balances", "trader_id", "total_balance", "updated_at", "available_plus_locked"),
        ("internal_balances", "user_id", "balance", "updated_at", "available_plus_locked"),
    ]
    assert DEFAULT_MAPPINGS.truth.name == "wallets"
    assert DEFAULT_MAPPINGS["trader_balances"].account == "trader_id"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "$x"},
        {"name": "a\0"},
        {"account": ""},
        {"account": "_id"},
        {"currency": "a.b"},
        {"available": "$inc"},
        {"locked": "available_balance"},
        {"total": ""},
        {"total": "locked_balance"},
        {"updated": SEQUENCE_FIELD},
        {"account": "currency"},
    ],
)
def test_a_mapping_that_contradicts_itself_is_refused(fields: dict[str, Any]) -> None:
    """Empty, reserved, dotted and doubled names would read or write something else."""
    with pytest.raises(InvalidMapping):
        CollectionMapping(**{"name": "wallets", **fields})


def test_a_collection_need_not_have_a_total() -> None:
    """No total field, and a total that means available, are both field practice."""
    assert CollectionMapping("a.b", total=None).total is None
    assert CollectionMapping("a", total_means=TotalMeaning.AVAILABLE).total == "total_balance"


@pytest.mark.parametrize(
    "names, truth",
    [([], "wallets"), (["wallets"], "wallets"), (["a", "b"], "wallets"), (["a", "a"], "a")],
)
def test_collections_that_cannot_be_compared_are_refused(names: list[str], truth: str) -> None:
    """At least two different collections, the source of truth among them."""
    with pytest.raises(InvalidMapping):
        Mappings(tuple(CollectionMapping(name) for name in names), source_of_truth=truth)


def test_each_collection_and_the_journal_have_unique_indexes() -> None:
    """One document per account and collection, one entry per op_id and per account's number."""
    indexes = required_indexes(DEFAULT_MAPPINGS)

    assert [(index.collection, index.fields, index.sparse) for index in indexes] == [
        ("wallets", ("user_id", "currency"), False),
        ("crypto_balances", ("user_id", "currency"), False),
        ("trader_balances", ("trader_id", "currency"), False),
        ("internal_balances", ("user_id", "currency"), False),
        (JOURNAL, ("op_id",), False),
        (JOURNAL, ("accounts.user_id", "accounts.currency", "accounts.sequence"), True),
    ]
    assert all(index.name.startswith("reconciler_") for index in indexes)


def test_our_own_collections_hold_no_balances() -> None:
    """A collection that the project keeps its own data in cannot be mapped."""
    mine = CollectionMapping("balance_journal")
    with pytest.raises(InvalidMapping, match="balance_journal holds data of our own"):
        Mappings((CollectionMapping("wallets"), mine))
