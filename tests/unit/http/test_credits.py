"""The test credit: its exact answer, its valuation, and its keys."""

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from reconciler.errors import CannotLook
from tests.fakes.http import Api
from tests.fakes.service import FakeCredits

ADDRESS = "/api/test/credit"


async def credit(api: Api, amount: object = "0.001", key: str | None = None) -> httpx.Response:
    body = json.dumps({"user_id": "u", "currency": "BTC", "amount": amount})
    headers = {} if key is None else {"Idempotency-Key": key}
    async with api.client() as client:
        return await client.post(ADDRESS, content=body, headers=headers)


async def test_the_answer_is_the_documented_one() -> None:
    """Byte for byte; a currency of which nothing is held is left out."""
    answer = await credit(Api())

    assert answer.status_code == 200
    assert answer.text == '{"Success": true, "Total USD": 179.46, "BTC": 0.001, "ETH": 0.05}\n'


@pytest.mark.parametrize(
    "literal, amount",
    [
        ("0.00000001", "0.00000001"),
        ("1e-8", "0.00000001"),
        ("1E+2", "100"),
        ('"12.50"', "12.5"),
        ("0.1", "0.1"),
        ("12345678901234567890123456.12345678", "12345678901234567890123456.12345678"),
        ('"0.100000000000000000000"', "0.1"),
    ],
)
async def test_an_amount_is_taken_digit_by_digit(literal: str, amount: str) -> None:
    """As a number or as a text, none passes through a float."""
    api = Api()
    body = f'{{"user_id": "u", "currency": "BTC", "amount": {literal}}}'
    async with api.client() as client:
        answer = await client.post(ADDRESS, content=body)

    assert answer.status_code == 200
    assert api.credits_given.asked == [("u", "BTC", Decimal(amount), None)]


@pytest.mark.parametrize(
    "totals, expected",
    [
        ({"DOGE": "2"}, '{"Success": true, "Total USD": null, "DOGE": 2, "unpriced": ["DOGE"]}'),
        ({"DOGE": "0"}, '{"Success": true, "Total USD": 0}'),
        ({"ETH": "1"}, '{"Success": true, "Total USD": 1825.00, "ETH": 1}'),
        # A currency of that name cannot stand beside the answer's own key.
        (
            {"Total USD": "1", "BTC": "1"},
            '{"Success": true, "Total USD": null, "BTC": 1, "unpriced": ["Total USD"]}',
        ),
    ],
)
async def test_what_has_no_price_is_not_valued(totals: dict[str, str], expected: str) -> None:
    """A value that is not known is null, and says for want of what."""
    held = {name: Decimal(text) for name, text in totals.items()}
    answer = await credit(Api(credits_given=FakeCredits(held)))

    assert answer.text == f"{expected}\n"


async def test_a_key_has_one_effect() -> None:
    """The same request again gets the first answer; another one under the key is refused."""
    api = Api()
    async with api.client() as client:

        async def send(amount: str) -> httpx.Response:
            body = f'{{"user_id": "u", "currency": "BTC", "amount": {amount}}}'
            return await client.post(ADDRESS, content=body, headers={"Idempotency-Key": "k"})

        first, again, other = await send("1"), await send("1"), await send("2")

    assert (again.status_code, again.text) == (first.status_code, first.text) == (200, first.text)
    assert other.status_code == 422
    (asked,) = api.credits_given.asked
    op_id: Any = asked[3]
    assert op_id.startswith("idempotency-")


async def test_a_refused_request_leaves_its_key_alone() -> None:
    """Who corrects the body can use the same key."""
    api = Api()
    async with api.client() as client:
        headers = {"Idempotency-Key": "k"}
        bad = await client.post(ADDRESS, content="{}", headers=headers)
        body = '{"user_id": "u", "currency": "BTC", "amount": 1}'
        good = await client.post(ADDRESS, content=body, headers=headers)

    assert (bad.status_code, good.status_code) == (422, 200)


async def test_a_credit_whose_sum_cannot_be_read_was_made() -> None:
    """The answer says so, and does not ask for a second credit."""
    answer = await credit(Api(credits_given=FakeCredits(error=CannotLook("no permission"))))

    assert answer.status_code == 503
    assert "retry-after" not in answer.headers
    assert answer.json() == {
        "type": "urn:reconciler:problem:holdings-unknown",
        "title": "Holdings unknown",
        "status": 503,
        "detail": "The credit was made, but what the user now holds cannot be read. Do not send it "
        "again, or only with the same Idempotency-Key.",
    }
