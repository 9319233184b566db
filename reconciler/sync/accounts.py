"""Reads the copies of accounts within a session, and writes what was decided on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bson import (
    Binary,
    Code,
    DatetimeMS,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)
from pymongo import InsertOne, UpdateOne

from reconciler.model.change import Change, stored_total
from reconciler.model.copies import (
    NOT_STORED,
    Balance,
    BalanceView,
    Copy,
    StoredNumber,
    stored_nonsense,
    stored_number,
)
from reconciler.model.identity import Account, Identifier
from reconciler.model.mapping import SEQUENCE_FIELD, CollectionMapping, Mappings
from reconciler.model.pause import PAUSES, pause_key
from reconciler.model.schema import JOURNAL
from reconciler.sync.transaction import BINARY_ORDER, Document, Reading, Transaction

_OBJECT_ID = "objectId"

# A number that no account reaches by postings is not believed.
SEQUENCE_MAX = 2**53

# The server's names of what may stand where a number should; the driver gives these classes.
_TYPE_NAMES: Mapping[type, str] = {
    list: "array",
    dict: "object",
    datetime: "date",
    DatetimeMS: "date",
    ObjectId: _OBJECT_ID,
    bytes: "binData",
    Binary: "binData",
    Timestamp: "timestamp",
    Regex: "regex",
    MinKey: "minKey",
    MaxKey: "maxKey",
}


@dataclass(frozen=True, slots=True)
class Found:
    """An account as it was read: its view, its documents by collection, its last sequence.

    `sequence` is None where the source of truth's copy does not say it.
    """

    view: BalanceView
    documents: Mapping[str, Sequence[Document]]
    sequence: int | None


@dataclass(frozen=True, slots=True)
class NumberedChange:
    """A change of an account, what was read of it, and the last sequence number it had."""

    change: Change
    found: Found
    last_sequence: int

    @property
    def needs_opening(self) -> bool:
        """Whether the account holds something that no journal entry explains yet."""
        standing = self.change.standing
        return self.last_sequence == 0 and bool(standing.available or standing.locked)

    @property
    def sequence(self) -> int:
        """The sequence number of the posting's own entry."""
        return self.last_sequence + (2 if self.needs_opening else 1)


def user_id_value(identifier: Identifier) -> str | ObjectId:
    """Give the value under which a user id is stored."""
    return ObjectId(identifier.text) if identifier.bson_type == _OBJECT_ID else identifier.text


def identifier_of(user_id: object) -> Identifier:
    """Make the identifier of a stored or passed user id: a str or an ObjectId."""
    if isinstance(user_id, ObjectId):
        return Identifier(str(user_id), _OBJECT_ID)
    return Identifier(str(user_id))


class Paused(Exception):
    """An account is being repaired: wait outside of the transaction; never leaves this package."""


async def read_accounts(
    reading: Reading,
    accounts: Sequence[Account],
    mappings: Mappings,
    *,
    op_id: str | None = None,
    heeds_pauses: bool = False,
) -> tuple[dict[Account, Found], Document | None]:
    """Read all copies of some accounts, and the journal entry of `op_id`, in one round trip.

    Raises:
        Paused: a repair has asked for quiet on an account, if that is heeded; an `op_id` that was
            used before is answered all the same.
    """
    looks = [_look(mapping.name, _match(mapping, accounts)) for mapping in mappings]
    if op_id is not None:
        looks.append(_look(JOURNAL, {"op_id": {"$eq": op_id}}))
    if heeds_pauses:
        looks.append(_look(PAUSES, _pauses_of(accounts)))
    # `$unionWith` is not allowed in a transaction; `$lookup` from one made-up document is.
    (row,) = await reading.aggregate([{"$documents": [{}]}, *looks])
    documents: dict[Account, dict[str, list[Document]]] = {account: {} for account in accounts}
    for mapping in mappings:
        for document in row[mapping.name]:
            account = _account_of(mapping, document)
            if account in documents:
                documents[account].setdefault(mapping.name, []).append(document)
    entries = row.get(JOURNAL)
    if not entries and row.get(PAUSES):
        raise Paused(", ".join(str(account) for account in accounts))
    found = {account: _found(account, documents[account], mappings) for account in accounts}
    return found, entries[0] if entries else None


async def write_changes(
    transaction: Transaction,
    changes: Sequence[NumberedChange],
    mappings: Mappings,
    now: datetime,
) -> None:
    """Write what each account becomes, with its new sequence number, into every collection."""
    for mapping in mappings:
        is_truth = mapping.name == mappings.source_of_truth
        await transaction.write(
            mapping.name,
            [_operation(mapping, change, is_truth=is_truth, now=now) for change in changes],
        )


def _operation(
    mapping: CollectionMapping, numbered: NumberedChange, *, is_truth: bool, now: datetime
) -> InsertOne[Document] | UpdateOne:
    change = numbered.change
    fields = _amount_fields(mapping, change.after[mapping.name]) | {mapping.updated: now}
    if is_truth:
        fields[SEQUENCE_FIELD] = Int64(numbered.sequence)
    documents = numbered.found.documents.get(mapping.name)
    if documents:
        return UpdateOne({"_id": documents[0]["_id"]}, {"$set": fields}, collation=BINARY_ORDER)
    identity = {
        mapping.account: user_id_value(change.account.user_id),
        mapping.currency: change.account.currency.text,
    }
    return InsertOne(identity | fields)


def _amount_fields(mapping: CollectionMapping, balance: Balance) -> Document:
    fields = {
        mapping.available: Decimal128(balance.available),
        mapping.locked: Decimal128(balance.locked),
    }
    if mapping.total is not None:
        fields[mapping.total] = Decimal128(stored_total(balance, mapping.total_means))
    return fields


def _match(mapping: CollectionMapping, accounts: Sequence[Account]) -> Mapping[str, Any]:
    keys = [
        {
            mapping.account: {"$eq": user_id_value(account.user_id)},
            mapping.currency: {"$eq": account.currency.text},
        }
        for account in accounts
    ]
    return keys[0] if len(keys) == 1 else {"$or": keys}


def _pauses_of(accounts: Sequence[Account]) -> Mapping[str, Any]:
    """Find pauses that last, by the server's clock: whoever made one may be gone."""
    return {
        "_id": {"$in": [pause_key(account) for account in accounts]},
        "$expr": {"$gt": ["$expires_at", "$$NOW"]},
    }


def _look(collection: str, match: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"$lookup": {"from": collection, "pipeline": [{"$match": match}], "as": collection}}


def _account_of(mapping: CollectionMapping, document: Document) -> Account | None:
    """Name a document's account; None for arrays, which match a query for one of their elements."""
    user_id, currency = document[mapping.account], document[mapping.currency]
    if not isinstance(user_id, str | ObjectId) or not isinstance(currency, str):
        return None
    return Account(identifier_of(user_id), Identifier(currency))


def _found(
    account: Account, documents: Mapping[str, Sequence[Document]], mappings: Mappings
) -> Found:
    copies = {
        mapping.name: tuple(
            _copy(mapping, document) for document in documents.get(mapping.name, ())
        )
        for mapping in mappings
    }
    truth = documents.get(mappings.source_of_truth, ())
    sequence = truth[0].get(SEQUENCE_FIELD) if truth else None
    if not isinstance(sequence, int) or not 0 < sequence < SEQUENCE_MAX:
        sequence = None
    return Found(BalanceView(account, copies), documents, sequence)


def _copy(mapping: CollectionMapping, document: Document) -> Copy:
    updated = document.get(mapping.updated)
    return Copy(
        document_id=str(document["_id"]),
        available=_number(document, mapping.available),
        locked=_number(document, mapping.locked),
        total=NOT_STORED if mapping.total is None else _number(document, mapping.total),
        updated=updated.isoformat() if isinstance(updated, datetime) else None,
    )


def _number(document: Document, field: str) -> StoredNumber:
    """Judge a stored field; this reading is the library's own, the scanner has another."""
    if field not in document:
        return NOT_STORED
    match document[field]:
        case Decimal128() as number:
            return stored_number("decimal", number.to_decimal())
        case float() as number:
            # repr gives the shortest decimal that reads back as this double.
            return stored_number("double", Decimal(repr(number)))
        case bool() as other:
            return stored_nonsense("bool", str(other).lower())
        case Code() as other:
            return stored_nonsense("javascript", other)
        case Int64() as number:
            return stored_number("long", Decimal(int(number)))
        case int() as number:
            return stored_number("int", Decimal(number))
        case str() as text:
            return stored_nonsense("string", text)
        case None:
            return stored_nonsense("null", "null")
        case other:
            named = _TYPE_NAMES.get(type(other), type(other).__name__)
            return stored_nonsense(named, repr(other))
