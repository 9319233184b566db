"""`BalanceSync`: the one primitive that changes balances, and its named conveniences."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pymongo
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from reconciler.errors import DatabaseUnavailable
from reconciler.model.amounts import CurrencyScales, checked_amount, checked_positive
from reconciler.model.change import Rules, agreed_balance
from reconciler.model.comparison import DEFAULT_DOUBLE_TOLERANCE
from reconciler.model.copies import Balance, BalanceView
from reconciler.model.identity import (
    Account,
    Identifier,
    checked_currency,
    checked_op_id,
    checked_user_id,
)
from reconciler.model.mapping import DEFAULT_MAPPINGS, Mappings
from reconciler.model.posting import (
    CheckedLeg,
    Delta,
    EntryKind,
    credit_legs,
    debit_legs,
    lock_legs,
    release_legs,
    unlock_legs,
)
from reconciler.sync.accounts import identifier_of, read_accounts
from reconciler.sync.carrier import Carrier
from reconciler.sync.observer import SilentObserver, SyncObserver
from reconciler.sync.poster import Poster
from reconciler.sync.readiness import Readiness
from reconciler.sync.requests import Amount, Leg, UserId, Within
from reconciler.sync.results import Outcome, PostingResult
from reconciler.sync.settlement import Settlement
from reconciler.sync.transaction import Reading

DEFAULT_DEADLINE_SECONDS = 10.0


def _now() -> datetime:
    return datetime.now(UTC)


class BalanceSync:
    """Changes the balances of accounts in all mapped collections at once, or not at all.

    One instance serves any number of tasks of one event loop. Amounts are `str`, `int` or `Decimal`
    in the currency's unit. Every changing method takes `op_id`, under which it is applied at most
    once (a new one is made up without it), and `within`, an async callable that gets the session
    for writes of the caller's own in the same transaction.

    All of them raise a `PostingRefused` when nothing was written, `OutcomeUnknown` when that is not
    known, `UnsupportedServer` or `SchemaNotReady` when the database cannot keep the promises, and
    end within `deadline_seconds`.
    """

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        *,
        mappings: Mappings = DEFAULT_MAPPINGS,
        scales: CurrencyScales | None = None,
        double_tolerance: Decimal = DEFAULT_DOUBLE_TOLERANCE,
        deadline_seconds: float = DEFAULT_DEADLINE_SECONDS,
        observer: SyncObserver | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """Take the database and the rules; nothing is read or written yet.

        Raises:
            ValueError: the deadline is not above zero.
        """
        if deadline_seconds <= 0:
            raise ValueError("deadline_seconds must be above zero")
        self._database = database
        self._mappings = mappings
        self._scales = scales or CurrencyScales()
        self._double_tolerance = double_tolerance
        self._deadline_seconds = deadline_seconds
        self._clock = clock
        self._readiness = Readiness(database, mappings, deadline_seconds=deadline_seconds)
        self._carrier = Carrier(
            database, deadline_seconds=deadline_seconds, ready=self._readiness.ensure
        )
        self._settlement = Settlement(database, deadline_seconds=deadline_seconds)
        self._poster = Poster(
            self._carrier,
            rules_of=self._rules,
            mappings=mappings,
            clock=clock,
            observer=observer or SilentObserver(),
        )

    async def open(self) -> None:
        """Check the server and its indexes now, rather than with the first posting.

        Raises:
            UnsupportedServer: a standalone server, or one older than MongoDB 6.0.
            SchemaNotReady: a unique index is missing; `reconciler db init` makes it.
        """
        await self._readiness.ensure()

    async def close(self) -> None:
        """Wait for commits that go on after their callers left; call it before the loop ends."""
        await self._carrier.close()

    async def post(
        self,
        legs: Iterable[Leg | tuple[UserId, str, Amount, Amount]],
        *,
        reason: str,
        op_id: str | None = None,
        within: Within | None = None,
    ) -> PostingResult:
        """Apply all legs in one transaction; the named operations are conveniences on top of it."""
        return await self._poster.post(
            EntryKind.POST, lambda: self._legs(legs), reason, op_id, within
        )

    async def credit(
        self,
        user_id: UserId,
        currency: str,
        amount: Amount,
        reason: str,
        *,
        op_id: str | None = None,
        within: Within | None = None,
    ) -> PostingResult:
        """Add new money to the available amount; an account without copies gets all of them."""
        legs = partial(self._simple, credit_legs, user_id, currency, amount)
        return await self._poster.post(EntryKind.CREDIT, legs, reason, op_id, within)

    async def debit(
        self,
        user_id: UserId,
        currency: str,
        amount: Amount,
        reason: str,
        *,
        op_id: str | None = None,
        within: Within | None = None,
    ) -> PostingResult:
        """Take money out of the available amount."""
        legs = partial(self._simple, debit_legs, user_id, currency, amount)
        return await self._poster.post(EntryKind.DEBIT, legs, reason, op_id, within)

    async def lock(
        self,
        user_id: UserId,
        currency: str,
        amount: Amount,
        reason: str,
        *,
        op_id: str | None = None,
        within: Within | None = None,
    ) -> PostingResult:
        """Set money aside: from available to locked."""
        legs = partial(self._simple, lock_legs, user_id, currency, amount)
        return await self._poster.post(EntryKind.LOCK, legs, reason, op_id, within)

    async def unlock(
        self,
        user_id: UserId,
        currency: str,
        amount: Amount,
        reason: str,
        *,
        op_id: str | None = None,
        within: Within | None = None,
    ) -> PostingResult:
        """Give money back that was set aside: from locked to available."""
        legs = partial(self._simple, unlock_legs, user_id, currency, amount)
        return await self._poster.post(EntryKind.UNLOCK, legs, reason, op_id, within)

    async def release(
        self,
        from_user: UserId,
        currency: str,
        amount: Amount,
        to_user: UserId,
        reason: str,
        *,
        fee: Amount = 0,
        fee_account: UserId | None = None,
        op_id: str | None = None,
        within: Within | None = None,
    ) -> PostingResult:
        """Move locked money to another user's available amount, less a fee for a third account."""

        def legs() -> tuple[CheckedLeg, ...]:
            source = _account(from_user, currency)
            scale = self._scales.of(currency)
            return release_legs(
                source=source,
                target=_account(to_user, currency),
                amount=checked_positive(amount, scale=scale),
                fee=checked_amount(fee, scale=scale),
                fee_account=None if fee_account is None else _account(fee_account, currency),
            )

        return await self._poster.post(EntryKind.RELEASE, legs, reason, op_id, within)

    async def update(
        self,
        user_id: UserId,
        currency: str,
        available_delta: Amount,
        locked_delta: Amount,
        reason: str,
        *,
        op_id: str | None = None,
        within: Within | None = None,
    ) -> PostingResult:
        """Change both amounts of one account by deltas of any sign."""
        leg = Leg(user_id, currency, available_delta, locked_delta)
        return await self._poster.post(
            EntryKind.UPDATE, lambda: self._legs([leg]), reason, op_id, within
        )

    async def replace(
        self,
        before: BalanceView,
        after: Balance,
        *,
        reason: str,
        op_id: str,
        within: Within | None = None,
    ) -> PostingResult:
        """Set all copies of one account to `after`, if they still are exactly `before`.

        For the guarded repair alone: nothing else may use it.

        Raises:
            StaleBefore: a copy differs from `before` in value, type or presence.
        """
        return await self._poster.replace(before, after, reason, op_id, within)

    async def balance(self, user_id: UserId, currency: str) -> Balance:
        """Read the balance on which all copies agree, from one snapshot; zeros without any copy.

        Raises:
            BalancesOutOfSync, BrokenBalance: there is no such balance; their `mismatch` says why.
            DatabaseUnavailable: it could not be read within `deadline_seconds`.
        """
        account = _account(user_id, currency)
        await self._readiness.ensure()
        try:
            with pymongo.timeout(self._deadline_seconds):
                async with self._database.client.start_session(snapshot=True) as session:
                    reading = Reading(session, self._database)
                    found, _ = await read_accounts(reading, [account], self._mappings)
        except PyMongoError as error:
            raise DatabaseUnavailable(f"the balance of {account} could not be read") from error
        return agreed_balance(found[account].view, self._rules(account))

    async def outcome(self, op_id: str, *, settle: bool = False) -> Outcome:
        """Say whether a posting was applied; with `settle`, decide it now and for ever.

        `UNKNOWN` means that the journal knows nothing of it yet: it may still be under way. After
        `settle` the answer is `APPLIED` or `VOID` (it never will be), or `UNKNOWN` if the decision
        itself could not be made in time.

        Raises:
            DatabaseUnavailable: the journal could not be asked within `deadline_seconds`.
        """
        checked = checked_op_id(op_id)
        if settle:
            await self._readiness.ensure()
            return await self._settlement.settle(checked, self._clock())
        return await self._settlement.outcome(checked)

    def _rules(self, account: Account) -> Rules:
        scale = self._scales.of(account.currency.text)
        return Rules(self._mappings, scale, self._double_tolerance)

    def _simple(
        self,
        legs: Callable[[Account, Decimal], tuple[CheckedLeg, ...]],
        user_id: UserId,
        currency: str,
        amount: Amount,
    ) -> tuple[CheckedLeg, ...]:
        account = _account(user_id, currency)
        return legs(account, checked_positive(amount, scale=self._scales.of(currency)))

    def _legs(
        self, legs: Iterable[Leg | tuple[UserId, str, Amount, Amount]]
    ) -> tuple[CheckedLeg, ...]:
        return tuple(self._leg(Leg(*leg)) for leg in legs)

    def _leg(self, leg: Leg) -> CheckedLeg:
        account = _account(leg.user_id, leg.currency)
        scale = self._scales.of(leg.currency)
        delta = Delta(
            checked_amount(leg.available_delta, scale=scale),
            checked_amount(leg.locked_delta, scale=scale),
        )
        return CheckedLeg(account, delta)


def _account(user_id: UserId, currency: str) -> Account:
    checked = user_id if isinstance(user_id, ObjectId) else checked_user_id(user_id)
    return Account(identifier_of(checked), Identifier(checked_currency(currency)))
