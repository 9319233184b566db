"""What the escrow needs of a database."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from reconciler.model.trade import Trade, TradeState
from reconciler.sync.requests import Within


class TradeStore(Protocol):
    """Where trades are kept: in the database of the balances, through the same client.

    What `insertion` and `move` give is a posting's `within`: it writes in the posting's own
    transaction and has no other effect, so that it may run again.
    """

    async def find(self, trade_id: str) -> Trade | None:
        """Give a trade as a majority has it; it may be a moment old.

        Raises:
            ReadInterrupted, CannotLook: it could not be read.
        """

    async def newest(self, trade_id: str) -> Trade | None:
        """Give a trade as a majority has it, not older than any posting that was seen before.

        Raises:
            ReadInterrupted, CannotLook: it could not be read.
        """

    def insertion(self, trade: Trade) -> Within:
        """Give the write of a new trade.

        The write raises `TradeConflict` if there is one with its id, `PostingFailed` if the
        database refuses it; either undoes the posting.
        """

    def move(self, trade: Trade, *, since: TradeState) -> Within:
        """Give the write of a trade's new state, made only if its state still is `since`.

        The write raises `TradeConflict` if it is not, `PostingFailed` if the database refuses it;
        either undoes the posting.
        """


class Holdings(Protocol):
    """What users hold, by the source of truth."""

    async def totals(self, user_id: str) -> Mapping[str, Decimal]:
        """Add available and locked up, by currency, as of one moment.

        Raises:
            ReadInterrupted, SnapshotTooOld, CannotLook: it could not be read, or not be understood.
        """
