"""`Escrow`: trades whose state changes in the same transaction as the money."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

from reconciler.errors import PostingRefused, TradeNotFound
from reconciler.escrow.ports import TradeStore
from reconciler.model.amounts import CurrencyScales
from reconciler.model.identity import (
    checked_currency,
    checked_op_id,
    checked_trade_id,
    checked_user_id,
)
from reconciler.model.trade import Terms, Trade, TradeState, TradeStep, advanced, opened, reason_of
from reconciler.sync import BalanceSync, PostingResult

FEE_ACCOUNT = "admin_wallet"
_ID_DIGITS = 32


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return uuid4().hex


class Escrow:
    """Creates, releases and cancels trades; each is one posting and one write of the trade.

    Every step takes an `op_id`, under which its posting is in the journal and applied at most once;
    without it the name is `trade:<trade id>:<step>`. Whatever the names, a trade is released or
    cancelled once: the write of its new state is a compare-and-set in the posting's transaction.

    All raise what a posting raises: `PostingRefused` when nothing was written, `OutcomeUnknown`
    when that is not known, after which the same call can be repeated; and `ReadInterrupted` or
    `CannotLook` when the trade could not be read.

    Args:
        sync: the library, on the database of the trades.
        trades: where trades are kept.
        fee_account: the user that gets the fees of new trades.
        scales: how many decimal places a fee has.
        clock: gives the time of day, with a time zone.
        new_id: makes the id of a trade that is created without an `op_id`.
    """

    def __init__(
        self,
        sync: BalanceSync,
        trades: TradeStore,
        *,
        fee_account: str = FEE_ACCOUNT,
        scales: CurrencyScales | None = None,
        clock: Callable[[], datetime] = _now,
        new_id: Callable[[], str] = _new_id,
    ) -> None:
        """Take what it works with; nothing is read or written yet.

        Raises:
            InvalidUserId: nobody can have the id of the fee account.
        """
        self._sync = sync
        self._trades = trades
        self._fee_account = checked_user_id(fee_account)
        self._scales = scales or CurrencyScales()
        self._clock = clock
        self._new_id = new_id

    async def create_trade(
        self,
        seller_id: str,
        buyer_id: str,
        currency: str,
        amount: Decimal,
        *,
        fee_bps: int = 0,
        op_id: str | None = None,
    ) -> Trade:
        """Set the seller's amount aside for a buyer.

        The same `op_id` and terms give the same trade, whatever became of it since.

        Raises:
            InvalidTrade: the terms make no trade.
            InsufficientFunds: the seller does not have the amount available.
            IdempotencyConflict: the `op_id` was used before for something else.
        """
        trade_id = self._new_id() if op_id is None else _id_from(checked_op_id(op_id))
        trade = opened(
            trade_id,
            Terms(seller_id, buyer_id, currency, amount, fee_bps),
            fee_account=self._fee_account,
            scale=self._scales.of(checked_currency(currency)),
            op_id=_name(trade_id, TradeStep.CREATE, op_id),
            at=self._moment(),
        )
        result = await self._post(trade, TradeStep.CREATE)
        return await self._newest(trade_id) if result.replayed else trade

    async def release_crypto(self, trade_id: str, *, op_id: str | None = None) -> Trade:
        """Move the amount to the buyer, less the fee; a trade that is released stays as it is.

        Raises:
            TradeNotFound: there is no such trade.
            TradeConflict: it was cancelled.
        """
        return await self._close(trade_id, TradeStep.RELEASE, op_id)

    async def cancel_trade(self, trade_id: str, *, op_id: str | None = None) -> Trade:
        """Give the amount back to the seller; a trade that is cancelled stays as it is.

        Raises:
            TradeNotFound: there is no such trade.
            TradeConflict: it was released.
        """
        return await self._close(trade_id, TradeStep.CANCEL, op_id)

    async def trade(self, trade_id: str) -> Trade:
        """Give a trade as it is now.

        Raises:
            TradeNotFound: there is no such trade.
            InvalidTrade: no trade can have this id.
            ReadInterrupted, CannotLook: it could not be read.
        """
        return _known(trade_id, await self._trades.find(checked_trade_id(trade_id)))

    async def _close(self, trade_id: str, step: TradeStep, op_id: str | None) -> Trade:
        name = _name(trade_id, step, None if op_id is None else checked_op_id(op_id))
        trade = await self.trade(trade_id)
        over = advanced(trade, step, op_id=name, at=self._moment())
        if over is trade:
            return trade
        try:
            result = await self._post(over, step)
        except PostingRefused:
            # Somebody else may have been faster; then that, and not what it left, is the reason.
            current = await self._newest(trade_id)
            if current.is_open:
                raise
            return advanced(current, step, op_id=name, at=self._moment())
        return await self._newest(trade_id) if result.replayed else over

    async def _newest(self, trade_id: str) -> Trade:
        return _known(trade_id, await self._trades.newest(trade_id))

    async def _post(self, trade: Trade, step: TradeStep) -> PostingResult:
        """Make a step's posting, and the write of the trade as it is after it."""
        money = (trade.seller_id, trade.currency, trade.amount)
        reason, op_id = reason_of(trade, step), trade.op_ids[step]
        if step is TradeStep.CREATE:
            within = self._trades.insertion(trade)
            return await self._sync.lock(*money, reason, op_id=op_id, within=within)
        within = self._trades.move(trade, since=TradeState.LOCKED)
        if step is TradeStep.CANCEL:
            return await self._sync.unlock(*money, reason, op_id=op_id, within=within)
        return await self._sync.release(
            *money,
            trade.buyer_id,
            reason,
            fee=trade.fee,
            fee_account=trade.fee_account,
            op_id=op_id,
            within=within,
        )

    def _moment(self) -> datetime:
        """Give the time to the millisecond, which is what is stored."""
        now = self._clock()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _known(trade_id: str, found: Trade | None) -> Trade:
    if found is None:
        raise TradeNotFound(trade_id)
    return found


def _id_from(op_id: str) -> str:
    """Give the one trade id that belongs to an op_id: a repeated creation finds its trade."""
    return hashlib.sha256(f"trade {op_id}".encode()).hexdigest()[:_ID_DIGITS]


def _name(trade_id: str, step: TradeStep, op_id: str | None) -> str:
    return f"trade:{trade_id}:{step}" if op_id is None else op_id
