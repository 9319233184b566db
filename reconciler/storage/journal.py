"""Reads the journal's entries of one account, for people."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

from bson import Decimal128, ObjectId

from reconciler.model.amounts import WIDE, ZERO
from reconciler.model.copies import Balance
from reconciler.model.explanation import JournalLine
from reconciler.model.posting import Delta

Entry = Mapping[str, Any]

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Finding(Protocol):
    """Finds documents by a filter, newest first; what the driver and its imitation both can."""

    async def find(
        self, wanted: Mapping[str, Any], *, newest_first: str, limit: int
    ) -> list[Entry]:
        """Give at most `limit` documents, those with the largest values of a field first."""


class JournalReader:
    """Reads the last entries of accounts.

    Args:
        finding: finds documents of the journal.
        lines_max: how many entries are given.
    """

    def __init__(self, finding: Finding, *, lines_max: int = 10) -> None:
        self._finding = finding
        self._lines_max = lines_max

    async def last_lines(
        self, user_id: str | ObjectId, currency: str, *, last_sequence: int | None
    ) -> tuple[JournalLine, ...]:
        """Give an account's last entries, newest first.

        With the last sequence number, as the source of truth's copy has it, they come straight
        from the index; if it is unknown or wrong, the newest are looked for among all of them.
        """
        key = {"user_id": {"$eq": user_id}, "currency": {"$eq": currency}}
        entries: list[Entry] = []
        if last_sequence is not None:
            first = last_sequence - self._lines_max
            recent = {"accounts": {"$elemMatch": {**key, "sequence": {"$gt": first}}}}
            entries = await self._find(recent)
        if not entries:
            entries = await self._find({"accounts": {"$elemMatch": key}})
        lines = [_line(entry, user_id, currency) for entry in entries]
        return tuple(sorted(lines, key=lambda line: -line.sequence))

    async def _find(self, wanted: Mapping[str, Any]) -> list[Entry]:
        return await self._finding.find(wanted, newest_first="time", limit=self._lines_max)


def _line(entry: Entry, user_id: str | ObjectId, currency: str) -> JournalLine:
    of_account = next(each for each in entry["accounts"] if _is_of(each, user_id, currency))
    legs = [leg for leg in entry.get("legs", ()) if _is_of(leg, user_id, currency)]
    balance = of_account.get("balance") or {}
    return JournalLine(
        time=_time(entry.get("time")),
        sequence=int(of_account.get("sequence", 0)),
        kind=str(entry.get("kind", "")),
        reason=str(entry.get("reason", "")),
        op_id=str(entry.get("op_id", "")),
        delta=Delta(_sum_of(legs, "available_delta"), _sum_of(legs, "locked_delta")),
        after=Balance(_amount(balance.get("available")), _amount(balance.get("locked"))),
    )


def _is_of(part: Entry, user_id: str | ObjectId, currency: str) -> bool:
    return bool(part.get("user_id") == user_id and part.get("currency") == currency)


def _sum_of(legs: list[Entry], field: str) -> Decimal:
    total = ZERO
    for leg in legs:
        total = WIDE.add(total, _amount(leg.get(field)))
    return total


def _amount(value: object) -> Decimal:
    return value.to_decimal() if isinstance(value, Decimal128) else ZERO


def _time(value: object) -> datetime:
    return value if isinstance(value, datetime) else _LONG_AGO
