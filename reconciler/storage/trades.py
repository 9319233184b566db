"""The collection `p2p_trades`: trades, written in the transactions of their postings."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from bson import Decimal128
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern

from reconciler.errors import CannotLook, PostingFailed, TradeConflict
from reconciler.model.schema import TRADES
from reconciler.model.trade import Trade, TradeState, TradeStep
from reconciler.storage.calls import Calls
from reconciler.storage.shape import SIMPLE_COLLATION
from reconciler.storage.transactions import Database, own_records

READ_SECONDS_MAX = 10.0

_MAY_WORK_AGAIN = "TransientTransactionError"

T = TypeVar("T")

Write = Callable[[AsyncClientSession], Awaitable[None]]


class MongoTrades:
    """Trades by their ids. The database must be of the same client as that of the postings.

    Args:
        database: where the balances are as well.
        read_seconds_max: how long a read may take.
    """

    def __init__(self, database: Database, *, read_seconds_max: float = READ_SECONDS_MAX) -> None:
        self._trades = own_records(database)[TRADES]
        self._read_seconds_max = read_seconds_max

    async def find(self, trade_id: str) -> Trade | None:
        """Give a trade as a majority has it.

        Raises:
            ReadInterrupted: there was no answer.
            CannotLook: it could not be read, or is not as this class writes it.
        """
        return await self._find(trade_id, "majority")

    async def newest(self, trade_id: str) -> Trade | None:
        """Give a trade not older than any posting that was seen before; it may wait for 0.1 s.

        What an aborted transaction read may be known to the primary alone, and not be shown by a
        majority read yet; a linearizable one waits until a majority has what it shows.

        Raises:
            ReadInterrupted, CannotLook: as `find`.
        """
        return await self._find(trade_id, "linearizable")

    def insertion(self, trade: Trade) -> Write:
        """Give the write of a new trade; it raises `TradeConflict` or `PostingFailed`."""

        async def insert(session: AsyncClientSession) -> None:
            with _refusing(trade.trade_id):
                await self._trades.insert_one(_document(trade), session=session)

        return insert

    def move(self, trade: Trade, *, since: TradeState) -> Write:
        """Give the write of a new state, if it still is `since`; it raises as `insertion` does."""
        state = {"state": trade.state.value, "closed_at": trade.closed_at, "op_ids": _op_ids(trade)}
        wanted = {"_id": {"$eq": trade.trade_id}, "state": since.value}

        async def update(session: AsyncClientSession) -> None:
            with _refusing(trade.trade_id):
                result = await self._trades.update_one(
                    wanted, {"$set": state}, collation=SIMPLE_COLLATION, session=session
                )
            if result.matched_count != 1:
                raise TradeConflict(trade.trade_id, f"it is not {since} any more")

        return update

    async def _find(self, trade_id: str, level: str) -> Trade | None:
        calls = Calls(deadline_seconds=self._read_seconds_max)
        trades = self._trades.with_options(read_concern=ReadConcern(level))
        async with calls.bounded(TRADES):
            document = await trades.find_one(
                {"_id": {"$eq": trade_id}},
                collation=SIMPLE_COLLATION,
                max_time_ms=calls.milliseconds_max,
            )
        return None if document is None else _trade(document)


@contextmanager
def _refusing(trade_id: str) -> Iterator[None]:
    """Turn the driver's errors into refusals, but for those that the library answers by a retry."""
    try:
        yield
    except DuplicateKeyError as error:
        raise TradeConflict(trade_id, "a trade with this id is there already") from error
    except PyMongoError as error:
        if error.has_error_label(_MAY_WORK_AGAIN):
            raise
        raise PostingFailed(
            f"the database refused to write trade {trade_id!r}; nothing was written: {error}"
        ) from error


def _document(trade: Trade) -> dict[str, Any]:
    return {
        "_id": trade.trade_id,
        "seller_id": trade.seller_id,
        "buyer_id": trade.buyer_id,
        "currency": trade.currency,
        "amount": Decimal128(trade.amount),
        "fee_bps": trade.fee_bps,
        "fee": Decimal128(trade.fee),
        "fee_account": trade.fee_account,
        "state": trade.state.value,
        "created_at": trade.created_at,
        "closed_at": trade.closed_at,
        "op_ids": _op_ids(trade),
    }


def _op_ids(trade: Trade) -> dict[str, str]:
    return {step.value: op_id for step, op_id in trade.op_ids.items()}


def _trade(document: Mapping[str, Any]) -> Trade:
    try:
        closed_at = document["closed_at"]
        return Trade(
            trade_id=_as(str, document["_id"]),
            seller_id=_as(str, document["seller_id"]),
            buyer_id=_as(str, document["buyer_id"]),
            currency=_as(str, document["currency"]),
            amount=_amount(document["amount"]),
            fee_bps=_as(int, document["fee_bps"]),
            fee=_amount(document["fee"]),
            fee_account=_as(str, document["fee_account"]),
            state=TradeState(document["state"]),
            created_at=_as(datetime, document["created_at"]),
            closed_at=None if closed_at is None else _as(datetime, closed_at),
            op_ids={TradeStep(step): _as(str, each) for step, each in document["op_ids"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CannotLook(
            f"the document of trade {document.get('_id')} in {TRADES} is not as it was written: "
            "some other writer changed it; a person must put it right"
        ) from error


def _amount(value: object) -> Decimal:
    amount = _as(Decimal128, value).to_decimal()
    if not amount.is_finite():
        raise ValueError("an amount of a trade is no finite number")
    return amount


def _as(wanted: type[T], value: object) -> T:
    if not isinstance(value, wanted):
        raise TypeError(f"{wanted.__name__} expected, not {type(value).__name__}")
    return value
