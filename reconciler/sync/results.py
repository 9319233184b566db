"""What callers of the library get back."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.model.copies import Balance
from reconciler.model.identity import Account
from reconciler.model.posting import EntryKind


class Outcome(StrEnum):
    """What is known of an `op_id`."""

    APPLIED = "applied"
    UNKNOWN = "unknown"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class AccountResult:
    """What a posting did to one account: the source of truth's balance before and after it.

    `sequence` is the number of the account's journal entry, without gaps from 1.
    """

    account: Account
    sequence: int
    before: Balance
    after: Balance


@dataclass(frozen=True, slots=True)
class PostingResult:
    """A posting that was applied; `replayed` says that it had been applied before this call."""

    op_id: str
    kind: EntryKind
    reason: str
    time: datetime
    accounts: tuple[AccountResult, ...]
    replayed: bool = False
