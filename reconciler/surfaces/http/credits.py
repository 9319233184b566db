"""Credits an account, for trying the system out; there only if `api.test_endpoints` is true."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from reconciler.errors import CannotLook
from reconciler.model.access import Scope
from reconciler.model.amounts import CurrencyScales, canonical
from reconciler.model.valuation import value_in_usd
from reconciler.surfaces.http.answering import ExactJsonResponse
from reconciler.surfaces.http.description import json_reply
from reconciler.surfaces.http.inputs import AMOUNT, CURRENCY, USER, Unusable, in_scale
from reconciler.surfaces.http.operations import Call, Operation
from reconciler.surfaces.http.problems import Problem, invalid
from reconciler.surfaces.json_text import number
from reconciler.surfaces.ports import Credits

# Keys of the answer's own, beside which every held currency is a key.
_OWN_KEYS = frozenset({"Success", "Total USD", "unpriced"})


class CreditApi:
    """Answers with what the user then holds, and what that is worth."""

    def __init__(
        self,
        credits_given: Credits,
        *,
        scales: CurrencyScales,
        prices_usd: Mapping[str, Decimal],
    ) -> None:
        self._credits = credits_given
        self._scales = scales
        self._prices_usd = prices_usd

    def operations(self) -> tuple[Operation, ...]:
        """List what is answered here."""
        return (
            Operation(
                name="test_credit",
                method="POST",
                prefix="/api/test/credit",
                summary="Credit an account out of nothing, for trying the system out",
                handle=self.credit,
                scope=Scope.TEST,
                body=(USER.required, CURRENCY.required, AMOUNT.required),
                replies={200: json_reply("What the user holds now.", "Credited")},
            ),
        )

    async def credit(self, call: Call) -> Response:
        """Credit an account and value all that its user holds."""
        currency: str = call.body["currency"]
        if currency in _OWN_KEYS:
            raise invalid("The field currency must not be one of the answer's other keys.")
        amount = checked_amount(call, self._scales)
        try:
            totals = await self._credits.credit(
                call.body["user_id"], currency, amount, op_id=call.op_id
            )
        except CannotLook as error:
            raise _made_but_not_seen() from error
        return ExactJsonResponse(credit_answer(totals, self._prices_usd))


def _made_but_not_seen() -> Problem:
    # No Retry-After: a repetition without a key would be a second credit.
    return Problem(
        503,
        "Holdings unknown",
        "The credit was made, but what the user now holds cannot be read. Do not send it again, or "
        "only with the same Idempotency-Key.",
    )


def checked_amount(call: Call, scales: CurrencyScales) -> Decimal:
    """Give the amount of a body that has a currency too.

    Raises:
        Problem: 422, it is finer than the currency.
    """
    try:
        return in_scale(call.body["amount"], scale=scales.of(call.body["currency"]))
    except Unusable as error:
        raise invalid(f"The field amount {error}.") from error


def credit_answer(
    totals: Mapping[str, Decimal], prices_usd: Mapping[str, Decimal]
) -> Mapping[str, Any]:
    """Show what a user holds: a key for each currency of which there is any, and their value."""
    valuation = value_in_usd(totals, prices_usd)
    answer: dict[str, Any] = {"Success": True, "Total USD": number(valuation.total_usd)}
    for currency in sorted(totals.keys() - _OWN_KEYS):
        if totals[currency]:
            answer[currency] = number(canonical(totals[currency]))
    return answer | ({"unpriced": list(valuation.unpriced)} if valuation.unpriced else {})
