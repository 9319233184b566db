"""The indexes that the project needs, as values: the library checks them, `db init` makes them."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.guarding import ValidatorReport
from reconciler.model.identity import Account
from reconciler.model.mapping import Mappings

JOURNAL = "balance_journal"
TRADES = "p2p_trades"


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


class IndexState(StrEnum):
    """What became of an index that is needed."""

    MADE = "made"
    PRESENT = "present"
    MISSING = "missing"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class DuplicateAccount:
    """An account with more than one document in a collection: what keeps an index from being."""

    account: Account
    documents: int


@dataclass(frozen=True, slots=True)
class IndexReport:
    """An index that is needed, and its state; `duplicates` may be cut, its count never is."""

    index: RequiredIndex
    state: IndexState
    duplicates: tuple[DuplicateAccount, ...] = ()
    duplicate_count: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CollectionReport:
    """A collection that is needed, whether it exists, and roughly how many documents it has."""

    name: str
    exists: bool
    documents_estimated: int = 0


@dataclass(frozen=True, slots=True)
class SchemaReport:
    """What the server is, which mapped collections it lacks, and every index that is needed.

    `collections` are the mapped ones and the journal. `validators` are those of the mapped ones,
    empty where nobody looked.
    """

    server: str
    collections_missing: tuple[str, ...]
    indexes: tuple[IndexReport, ...]
    warnings: tuple[str, ...] = ()
    collections: tuple[CollectionReport, ...] = ()
    validators: tuple[ValidatorReport, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether postings can be made."""
        return all(each.state in {IndexState.MADE, IndexState.PRESENT} for each in self.indexes)

    @property
    def is_tampered(self) -> bool:
        """Whether somebody changed a validator that had been set."""
        return any(each.is_tampered for each in self.validators)


@dataclass(frozen=True, slots=True)
class RecordIndex:
    """An index on records of our own: they are right without it, and slow to read.

    Fields are ascending. With one that `expires`, the server removes a document at the time that
    its single field holds.
    """

    collection: str
    name: str
    fields: tuple[str, ...]
    expires: bool = False


RECORD_INDEXES = (
    RecordIndex("integrity_scans", "reconciler_sequence", ("sequence",)),
    RecordIndex("integrity_scans", "reconciler_last", ("mode", "state", "sequence")),
    RecordIndex("integrity_scans", "reconciler_running", ("state", "token")),
    RecordIndex("integrity_scans", "reconciler_expiry", ("expires_at",), expires=True),
    RecordIndex("integrity_findings", "reconciler_key", ("key", "_id")),
    RecordIndex("integrity_findings", "reconciler_state", ("state", "_id")),
    RecordIndex("integrity_findings", "reconciler_open", ("open", "sequence")),
    RecordIndex("integrity_findings", "reconciler_expiry", ("expires_at",), expires=True),
    RecordIndex("bypassing_writes", "reconciler_expiry", ("expires_at",), expires=True),
    RecordIndex("repair_plans", "reconciler_begun", ("begun_at",)),
    RecordIndex("repair_plans", "reconciler_waiting", ("state", "expires_at")),
    RecordIndex("idempotency_keys", "reconciler_expiry", ("expires_at",), expires=True),
)
