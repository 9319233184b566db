"""Trades between two users, step by step; there only if `api.escrow_endpoints` is true."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from reconciler.model.access import Scope
from reconciler.model.amounts import CurrencyScales
from reconciler.model.trade import Trade
from reconciler.surfaces.answers import timestamp
from reconciler.surfaces.http.answering import ExactJsonResponse
from reconciler.surfaces.http.credits import checked_amount
from reconciler.surfaces.http.description import json_reply, problem_reply
from reconciler.surfaces.http.inputs import AMOUNT, CURRENCY, FEE_BPS, TRADE_ID, USER, Input
from reconciler.surfaces.http.operations import Call, Operation
from reconciler.surfaces.http.problems import invalid
from reconciler.surfaces.json_text import number
from reconciler.surfaces.ports import Escrow

_SELLER = USER.named("seller_id", "Whose amount is set aside.")
_BUYER = USER.named("buyer_id", "Who gets it; somebody else than the seller.")
_NO_TRADE = problem_reply("There is no such trade.")


class TradeApi:
    """Answers each step with the trade as it then is."""

    def __init__(self, escrow: Escrow, *, scales: CurrencyScales) -> None:
        self._escrow = escrow
        self._scales = scales

    def operations(self) -> tuple[Operation, ...]:
        """List what is answered here."""
        terms = (_SELLER.required, _BUYER.required, CURRENCY.required, AMOUNT.required, FEE_BPS)
        return (
            _step("create-trade", "Set a seller's amount aside for a buyer", self.create, terms),
            _step("release-crypto", "Move a trade's amount to the buyer", self.release),
            _step("cancel-trade", "Give a trade's amount back to the seller", self.cancel),
        )

    async def create(self, call: Call) -> Response:
        """Create a trade."""
        if call.body["seller_id"] == call.body["buyer_id"]:
            raise invalid(
                "The seller_id and the buyer_id are the same: nobody trades with oneself."
            )
        trade = await self._escrow.create_trade(
            call.body["seller_id"],
            call.body["buyer_id"],
            call.body["currency"],
            checked_amount(call, self._scales),
            fee_bps=call.body["fee_bps"] or 0,
            op_id=call.op_id,
        )
        return ExactJsonResponse(trade_answer(trade))

    async def release(self, call: Call) -> Response:
        """Release a trade; one that is released already stays as it is."""
        return ExactJsonResponse(
            trade_answer(await self._escrow.release_crypto(call.body["trade_id"], op_id=call.op_id))
        )

    async def cancel(self, call: Call) -> Response:
        """Cancel a trade; one that is cancelled already stays as it is."""
        return ExactJsonResponse(
            trade_answer(await self._escrow.cancel_trade(call.body["trade_id"], op_id=call.op_id))
        )


def _step(
    name: str, summary: str, handle: Any, body: tuple[Input, ...] = (TRADE_ID.required,)
) -> Operation:
    replies = {200: json_reply("The trade as it is now.", "Trade")}
    return Operation(
        name=name.replace("-", "_"),
        method="POST",
        prefix=f"/api/p2p/{name}",
        summary=summary,
        handle=handle,
        scope=Scope.ESCROW,
        body=body,
        replies=replies if len(body) > 1 else {**replies, 404: _NO_TRADE},
    )


def trade_answer(trade: Trade) -> Mapping[str, Any]:
    """Show a trade: its terms, and where it is."""
    return {
        "trade_id": trade.trade_id,
        "state": trade.state.value,
        "seller_id": trade.seller_id,
        "buyer_id": trade.buyer_id,
        "currency": trade.currency,
        "amount": number(trade.amount),
        "fee_bps": trade.fee_bps,
        "fee": number(trade.fee),
        "created_at": timestamp(trade.created_at),
        "closed_at": trade.closed_at and timestamp(trade.closed_at),
    }
