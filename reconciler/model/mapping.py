"""Which collections hold the copies of a balance, and which of their fields mean what."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from reconciler.model.faults import InvalidMapping


class TotalMeaning(StrEnum):
    """What a collection's total field means to those who wrote it."""

    AVAILABLE_PLUS_LOCKED = "available_plus_locked"
    AVAILABLE = "available"


@dataclass(frozen=True, slots=True)
class CollectionMapping:
    """One balance collection: its name and the names of its fields; `total` may be None."""

    name: str
    account: str = "user_id"
    currency: str = "currency"
    available: str = "available_balance"
    locked: str = "locked_balance"
    total: str | None = "total_balance"
    total_means: TotalMeaning = TotalMeaning.AVAILABLE_PLUS_LOCKED
    updated: str = "last_updated"

    def __post_init__(self) -> None:
        """Refuse empty, doubled or dotted field names.

        Raises:
            InvalidMapping: the message names the collection and the field.
        """
        fields = [self.account, self.currency, self.available, self.locked, self.updated]
        fields += [self.total] if self.total is not None else []
        for name in (self.name, *fields):
            if not name or name.startswith("$") or "\0" in name:
                raise InvalidMapping(f"collection {self.name!r}: {name!r} is not a usable name")
        for name in fields:
            if "." in name or name in {"_id", SEQUENCE_FIELD}:
                raise InvalidMapping(f"collection {self.name!r}: {name!r} cannot be a mapped field")
        if len(set(fields)) != len(fields):
            raise InvalidMapping(f"collection {self.name!r}: two meanings for one field")


SEQUENCE_FIELD = "journal_sequence"

# Collections of our own in the same database; none of them can hold balances.
OWN_COLLECTIONS = frozenset(
    {
        "audit_head",
        "audit_trail",
        "balance_journal",
        "bypassing_writes",
        "idempotency_keys",
        "integrity_findings",
        "integrity_scans",
        "leases",
        "p2p_trades",
        "repair_plans",
    }
)


@dataclass(frozen=True, slots=True)
class Mappings:
    """All balance collections in the order in which they are shown, and which is the truth."""

    collections: tuple[CollectionMapping, ...]
    source_of_truth: str = "wallets"

    def __post_init__(self) -> None:
        """Refuse fewer than two collections, doubled or reserved names, or a truth not among them.

        Raises:
            InvalidMapping: the message says which.
        """
        names = self.names
        if len(names) < 2:
            raise InvalidMapping("at least two collections are needed to compare anything")
        if len(set(names)) != len(names):
            raise InvalidMapping("a collection is mapped twice")
        if taken := sorted(OWN_COLLECTIONS.intersection(names)):
            raise InvalidMapping(f"{taken[0]} holds data of our own and cannot hold balances")
        if self.source_of_truth not in names:
            raise InvalidMapping(
                f"the source of truth {self.source_of_truth!r} is not a mapped collection"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The collections' names in their order."""
        return tuple(mapping.name for mapping in self.collections)

    @property
    def fingerprint(self) -> str:
        """Name this mapping by 64 hex digits; another one has another name."""
        content = json.dumps(asdict(self), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(content.encode("ascii")).hexdigest()

    @property
    def truth(self) -> CollectionMapping:
        """The mapping of the source of truth."""
        return self[self.source_of_truth]

    def __getitem__(self, name: str) -> CollectionMapping:
        return next(mapping for mapping in self.collections if mapping.name == name)

    def __iter__(self) -> Iterator[CollectionMapping]:
        return iter(self.collections)


DEFAULT_MAPPINGS = Mappings(
    (
        CollectionMapping("wallets"),
        CollectionMapping("crypto_balances", total="balance"),
        CollectionMapping("trader_balances", account="trader_id", updated="updated_at"),
        CollectionMapping("internal_balances", total="balance", updated="updated_at"),
    )
)
