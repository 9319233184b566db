"""Trades step by step, as the API answers them."""

import json
from decimal import Decimal
from typing import Any

import httpx

from tests.fakes.http import Api

TERMS: dict[str, Any] = {
    "seller_id": "seller",
    "buyer_id": "buyer",
    "currency": "BTC",
    "amount": "0.5",
    "fee_bps": 50,
}
CREATED = {
    "trade_id": "trade-1",
    "state": "locked",
    "seller_id": "seller",
    "buyer_id": "buyer",
    "currency": "BTC",
    "amount": Decimal("0.5"),
    "fee_bps": 50,
    "fee": Decimal("0.0025"),
    "created_at": "2025-12-22T01:30:00Z",
    "closed_at": None,
}


async def post(
    client: httpx.AsyncClient, step: str, key: str | None = None, **fields: object
) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post(f"/api/p2p/{step}", content=json.dumps(fields), headers=headers)


async def test_a_trade_is_created_and_released() -> None:
    """Each answer carries the trade_id and the trade as it then is."""
    async with Api().client() as client:
        created = await post(client, "create-trade", **TERMS)
        released = await post(client, "release-crypto", trade_id=created.json()["trade_id"])

    assert (created.status_code, released.status_code) == (200, 200)
    assert json.loads(created.text, parse_float=Decimal) == CREATED
    assert json.loads(released.text, parse_float=Decimal) == {
        **CREATED,
        "state": "released",
        "closed_at": "2025-12-22T01:30:00Z",
    }


async def test_a_trade_without_a_fee_has_none() -> None:
    """The fee may be left out."""
    terms = {key: value for key, value in TERMS.items() if key != "fee_bps"}
    async with Api().client() as client:
        created = await post(client, "create-trade", **terms)

    assert (created.json()["fee_bps"], created.json()["fee"]) == (0, 0)


async def test_a_trade_is_over_once() -> None:
    """Cancelled again it stays as it is; released after that is refused."""
    async with Api().client() as client:
        await post(client, "create-trade", **TERMS)
        cancelled = await post(client, "cancel-trade", trade_id="trade-1")
        again = await post(client, "cancel-trade", trade_id="trade-1")
        released = await post(client, "release-crypto", trade_id="trade-1")

    assert (again.status_code, again.json()) == (200, cancelled.json())
    assert released.status_code == 409
    assert released.json()["title"] == "Trade over"


async def test_a_trade_that_is_not_there_is_not_found() -> None:
    """The id that was sent is not repeated."""
    async with Api().client() as client:
        answer = await post(client, "release-crypto", trade_id="secret")

    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no such trade. Nothing was written."


async def test_a_key_names_the_posting_of_a_trade() -> None:
    """Without one the escrow makes up a name; with one it is the same again."""
    api = Api()
    async with api.client() as client:
        await post(client, "create-trade", **TERMS)
        first = await post(client, "create-trade", key="k", **TERMS)
        again = await post(client, "create-trade", key="k", **TERMS)

    assert first.text == again.text
    assert api.escrow.op_ids[0] is None
    assert str(api.escrow.op_ids[1]).startswith("idempotency-")
    assert len(api.escrow.op_ids) == 2
