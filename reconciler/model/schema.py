"""The indexes that the project needs, as values: the library checks them, `db init` makes them."""

from dataclasses import dataclass

from reconciler.model.mapping import Mappings

JOURNAL = "balance_journal"


@dataclass(frozen=True, slots=True)
class RequiredIndex:
    """A unique index with simple collation: its collection, name and fields (ascending).

    The name is the one that we give it; an index that does the same under another name will do. A
    `sparse` one leaves out documents that have none of the fields.
    """

    collection: str
    name: str
    fields: tuple[str, ...]
    sparse: bool = False


def required_indexes(mappings: Mappings) -> tuple[RequiredIndex, ...]:
    """List the unique indexes without which a posting could double an account or an entry.

    Upserts and inserts race: without these, every racing first credit makes a duplicate, silently.
    """
    balances = tuple(
        RequiredIndex(
            mapping.name,
            "reconciler_account",
            (mapping.account, mapping.currency),
        )
        for mapping in mappings
    )
    journal = (
        RequiredIndex(JOURNAL, "reconciler_op_id", ("op_id",)),
        RequiredIndex(
            JOURNAL,
            "reconciler_account_sequence",
            ("accounts.user_id", "accounts.currency", "accounts.sequence"),
            sparse=True,  # a void entry has no accounts
        ),
    )
    return balances + journal
