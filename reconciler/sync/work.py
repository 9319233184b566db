"""One posting as the piece of work that a transaction carries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pymongo.errors import PyMongoError

from reconciler.errors import IdempotencyConflict, OperationVoided, OutcomeUnknown
from reconciler.model.change import Change
from reconciler.model.comparison import Mismatch
from reconciler.model.copies import BalanceView
from reconciler.model.identity import Account
from reconciler.model.mapping import Mappings
from reconciler.model.posting import EntryKind
from reconciler.sync.accounts import Found, NumberedChange, read_accounts, write_changes
from reconciler.sync.journal import (
    Request,
    is_void,
    last_sequence,
    result_of,
    write_entries,
)
from reconciler.sync.requests import Within
from reconciler.sync.results import PostingResult
from reconciler.sync.transaction import Document, Transaction

Decide = Callable[[BalanceView], Change]


class WithinFailed(Exception):
    """Carries an error of the caller's own writes past the carrier; never leaves this package."""

    def __init__(self, error: PyMongoError) -> None:
        super().__init__("a caller's own write failed")
        self.error = error


@dataclass(slots=True)
class PostingWork:
    """Reads the accounts of a posting, decides, and writes balances and journal entry.

    `drifts` holds the drift that the last attempt met on accounts which it changed all the same.
    """

    request: Request
    decisions: Mapping[Account, Decide]
    mappings: Mappings
    clock: Callable[[], datetime]
    tell_retried: Callable[[str, int, Exception], None]
    within: Within | None = None
    drifts: list[Mismatch] = field(default_factory=list)

    @property
    def op_id(self) -> str:
        """The posting's op_id: one for all attempts, or it could be applied twice."""
        return self.request.op_id

    @property
    def turn_keys(self) -> list[str]:
        """The accounts, as texts that sort."""
        return [str(account) for account in self.decisions]

    async def attempt(
        self, transaction: Transaction, *, distrustful: bool
    ) -> tuple[PostingResult, bool]:
        """Do the work once; give the result, and whether there is anything to commit.

        Raises:
            IdempotencyConflict, OperationVoided: the op_id was used before.
            PostingRefused: as the decisions do.
            Paused: a repair is at work on an account.
            WithinFailed: the caller's own writes failed.
        """
        accounts = list(self.decisions)
        found, entry = await read_accounts(
            transaction,
            accounts,
            self.mappings,
            op_id=self.op_id,
            heeds_pauses=self.request.kind is not EntryKind.REPAIR,
        )
        if entry is not None:
            return self._replay(entry), False
        changes = [
            NumberedChange(
                self.decisions[account](found[account].view),
                found[account],
                await self._last_sequence(transaction, found[account], distrustful=distrustful),
            )
            for account in accounts
        ]
        self.drifts = [each.change.drift for each in changes if each.change.drift]
        now = _as_stored(self.clock())
        await write_changes(transaction, changes, self.mappings, now)
        result = await write_entries(transaction, self.request, changes, self.mappings, now)
        if self.within is not None:
            await self._callers_own(self.within, transaction)
        return result, True

    def retried(self, attempt: int, error: Exception) -> None:
        """Pass it on."""
        self.tell_retried(self.op_id, attempt, error)

    def _replay(self, entry: Document) -> PostingResult:
        if is_void(entry):
            raise OperationVoided(self.op_id)
        if entry.get("fingerprint") != self.request.fingerprint:
            raise IdempotencyConflict(self.op_id)
        return result_of(entry, replayed=True)

    async def _last_sequence(
        self, transaction: Transaction, found: Found, *, distrustful: bool
    ) -> int:
        """Trust the number on the source of truth's copy, unless it is not there or was wrong."""
        if found.sequence is not None and not distrustful:
            return found.sequence
        return await last_sequence(transaction, found.view.account)

    async def _callers_own(self, within: Within, transaction: Transaction) -> None:
        try:
            await within(transaction.session)
        except PyMongoError as error:
            if error.has_error_label("TransientTransactionError"):
                raise
            raise WithinFailed(error) from error
        finally:
            if not transaction.session.in_transaction:
                raise OutcomeUnknown(self.op_id, "`within` ended the transaction itself")


def _as_stored(moment: datetime) -> datetime:
    """Cut a time to the milliseconds that BSON keeps: a replay gives the very same one."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
