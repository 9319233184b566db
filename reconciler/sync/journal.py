"""The journal: an entry for each posting, in its transaction, from which balances replay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from bson import Decimal128, Int64, ObjectId
from pymongo import InsertOne

from reconciler.model.amounts import exact_sum
from reconciler.model.copies import Balance
from reconciler.model.identity import Account, Identifier
from reconciler.model.mapping import CollectionMapping, Mappings
from reconciler.model.posting import CheckedLeg, Delta, EntryKind
from reconciler.model.schema import JOURNAL
from reconciler.sync.accounts import NumberedChange, identifier_of, user_id_value
from reconciler.sync.results import AccountResult, PostingResult
from reconciler.sync.transaction import Document, Reading, Transaction


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for under an op_id, as the journal keeps it."""

    op_id: str
    kind: EntryKind
    legs: tuple[CheckedLeg, ...]
    reason: str
    fingerprint: str


async def last_sequence(reading: Reading, account: Account) -> int:
    """Look up the highest sequence number of an account's journal entries; 0 if it has none."""
    key = {"user_id": user_id_value(account.user_id), "currency": account.currency.text}
    rows = await reading.aggregate(
        [
            {"$match": {"accounts": {"$elemMatch": {k: {"$eq": v} for k, v in key.items()}}}},
            {"$unwind": "$accounts"},
            {"$match": {f"accounts.{k}": {"$eq": v} for k, v in key.items()}},
            {"$group": {"_id": None, "last": {"$max": "$accounts.sequence"}}},
        ],
        collection=JOURNAL,
    )
    return int(rows[0]["last"]) if rows else 0


async def write_entries(
    transaction: Transaction,
    request: Request,
    changes: Sequence[NumberedChange],
    mappings: Mappings,
    now: datetime,
) -> PostingResult:
    """Write a posting's entry, after an `opening` entry of each account that needs one."""
    entries = [
        _opening(request, change, mappings, now) for change in changes if change.needs_opening
    ]
    entry = {
        "_id": ObjectId(),
        "op_id": request.op_id,
        "kind": request.kind.value,
        "reason": request.reason,
        "time": now,
        "fingerprint": request.fingerprint,
        "legs": [_leg_document(leg) for leg in request.legs or _difference(changes, mappings)],
        "accounts": [_account_document(change, mappings) for change in changes],
    }
    await transaction.write(JOURNAL, [InsertOne(document) for document in (*entries, entry)])
    return result_of(entry)


def void_entry(op_id: str, now: datetime) -> Document:
    """Make the entry that keeps an op_id from ever being applied; it belongs to no account."""
    return {"_id": ObjectId(), "op_id": op_id, "kind": EntryKind.VOID.value, "time": now}


def is_void(entry: Document) -> bool:
    """Whether a journal entry settles its op_id as never applied."""
    return bool(entry["kind"] == EntryKind.VOID.value)


def result_of(entry: Document, *, replayed: bool = False) -> PostingResult:
    """Read back what a posting did; the same value for the first caller and for every later one."""
    return PostingResult(
        op_id=entry["op_id"],
        kind=EntryKind(entry["kind"]),
        reason=entry["reason"],
        time=entry["time"],
        accounts=tuple(
            AccountResult(
                account=Account(identifier_of(each["user_id"]), Identifier(each["currency"])),
                sequence=int(each["sequence"]),
                before=_balance(each["standing"]),
                after=_balance(each["balance"]),
            )
            for each in entry["accounts"]
        ),
        replayed=replayed,
    )


def _difference(changes: Sequence[NumberedChange], mappings: Mappings) -> list[CheckedLeg]:
    """State a replacement, which is asked for without legs, as legs: the journal must replay."""
    legs = []
    for change in (numbered.change for numbered in changes):
        after, standing = change.after[mappings.source_of_truth], change.standing
        delta = Delta(
            exact_sum(after.available, standing.available.copy_negate()),
            exact_sum(after.locked, standing.locked.copy_negate()),
        )
        legs.append(CheckedLeg(change.account, delta))
    return legs


def _opening(
    request: Request, numbered: NumberedChange, mappings: Mappings, now: datetime
) -> Document:
    standing = numbered.change.standing
    leg = CheckedLeg(numbered.change.account, Delta(standing.available, standing.locked))
    return {
        "_id": ObjectId(),
        "op_id": f"opening:{uuid4().hex}",
        "kind": EntryKind.OPENING.value,
        "reason": f"balances found before {request.op_id}",
        "time": now,
        "legs": [_leg_document(leg)],
        "accounts": [
            _identity(numbered.change.account)
            | {
                "sequence": Int64(numbered.last_sequence + 1),
                "standing": _amounts(Balance()),
                "balance": _amounts(standing),
                "before": _before(numbered, mappings),
                "after": _before(numbered, mappings),
                "conversions": [],
            }
        ],
    }


def _account_document(numbered: NumberedChange, mappings: Mappings) -> Document:
    change = numbered.change
    return _identity(change.account) | {
        "sequence": Int64(numbered.sequence),
        "standing": _amounts(change.standing),
        "balance": _amounts(change.after[mappings.source_of_truth]),
        "before": _before(numbered, mappings),
        "after": {name: _amounts(balance) for name, balance in change.after.items()},
        "conversions": [
            {
                "collection": conversion.collection,
                "field": conversion.field,
                "bson_type": conversion.bson_type,
                "text": conversion.text,
                "value": Decimal128(conversion.value),
            }
            for conversion in change.conversions
        ],
    }


def _identity(account: Account) -> Document:
    return {"user_id": user_id_value(account.user_id), "currency": account.currency.text}


def _leg_document(leg: CheckedLeg) -> Document:
    return _identity(leg.account) | {
        "available_delta": Decimal128(leg.delta.available),
        "locked_delta": Decimal128(leg.delta.locked),
    }


def _before(numbered: NumberedChange, mappings: Mappings) -> Document:
    """Keep what was found, in the types in which it was stored; None where there was no copy."""
    found = numbered.found.documents
    return {
        mapping.name: _raw_amounts(mapping, found[mapping.name][0])
        if mapping.name in found
        else None
        for mapping in mappings
    }


def _raw_amounts(mapping: CollectionMapping, document: Document) -> Document:
    fields = {"available": mapping.available, "locked": mapping.locked, "total": mapping.total}
    return {key: document[field] for key, field in fields.items() if field and field in document}


def _amounts(balance: Balance) -> Document:
    return {
        "available": Decimal128(balance.available),
        "locked": Decimal128(balance.locked),
    }


def _balance(amounts: Document) -> Balance:
    return Balance(amounts["available"].to_decimal(), amounts["locked"].to_decimal())
