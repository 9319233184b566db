"""What was found in the database: a field, a copy, and the view of one account as of one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from reconciler.model.amounts import DIGITS_MAX, WIDE, ZERO, plain
from reconciler.model.identity import Account

TEXT_CHARACTERS_MAX = 64


@dataclass(frozen=True, slots=True)
class StoredNumber:
    """One amount field as it was found.

    `value` is its exact decimal (a double's is the shortest one that reads back as that double), or
    None when it is no usable number; `bson_type` is the server's `$type` name, `missing` for a
    field that is not there; `text` is what to show people, at most 64 characters.
    """

    bson_type: str
    value: Decimal | None
    text: str

    @property
    def is_missing(self) -> bool:
        """Whether the field is not in the document at all."""
        return self.bson_type == "missing"

    @property
    def is_double(self) -> bool:
        """Whether it is a legacy binary number, to which the tolerance applies."""
        return self.bson_type == "double"


NOT_STORED = StoredNumber("missing", None, "")


def stored_number(bson_type: str, value: Decimal) -> StoredNumber:
    """Judge a number found in a document: NaN, infinities and 10^34 and above are not usable."""
    if not value.is_finite() or (value and value.adjusted() >= DIGITS_MAX):
        return StoredNumber(bson_type, None, str(value)[:TEXT_CHARACTERS_MAX])
    return StoredNumber(bson_type, value or ZERO, plain_or_short(value))


def stored_nonsense(bson_type: str, text: str) -> StoredNumber:
    """Keep what stood where a number should: its type and the start of its text."""
    return StoredNumber(bson_type, None, text[:TEXT_CHARACTERS_MAX])


def plain_or_short(value: Decimal) -> str:
    """Write a number plainly unless that is longer than a line can hold (1E-6000)."""
    written = plain(value)
    return written if len(written) <= TEXT_CHARACTERS_MAX else str(value)


@dataclass(frozen=True, slots=True)
class Copy:
    """One collection's document for an account.

    `updated` is the time of its last change as ISO 8601 text, or None; `document_id` is its `_id`.
    """

    document_id: str
    available: StoredNumber
    locked: StoredNumber
    total: StoredNumber
    updated: str | None = None

    @property
    def available_amount(self) -> Decimal | None:
        """The available amount, or None when it is broken or not stored."""
        return self.available.value

    @property
    def locked_amount(self) -> Decimal | None:
        """The locked amount; a document without the field locks nothing."""
        return ZERO if self.locked.is_missing else self.locked.value

    @property
    def is_malformed(self) -> bool:
        """Whether an amount that must be a number is none.

        A missing locked or total field is field practice; a missing available amount says nothing.
        """
        return (
            self.available.value is None
            or self.locked_amount is None
            or (self.total.value is None and not self.total.is_missing)
        )

    @property
    def has_double(self) -> bool:
        """Whether any of its amounts is a legacy double."""
        return self.available.is_double or self.locked.is_double or self.total.is_double


@dataclass(frozen=True, slots=True)
class BalanceView:
    """All copies of one account as of one moment, by collection; empty where there is none."""

    account: Account
    copies: Mapping[str, tuple[Copy, ...]]

    def copy_in(self, collection: str) -> Copy | None:
        """Give the only copy in a collection; None when it is missing or there is more than one."""
        found = self.copies.get(collection, ())
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds, in its currency's unit: both amounts exact and not negative."""

    available: Decimal = ZERO
    locked: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Available and locked together, exactly."""
        return WIDE.add(self.available, self.locked)
