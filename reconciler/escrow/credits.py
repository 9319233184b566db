"""Gives money away, for trying the system out."""

from collections.abc import Mapping
from decimal import Decimal

from reconciler.errors import CannotLook, ReconcilerError
from reconciler.escrow.ports import Holdings
from reconciler.sync import BalanceSync

REASON = "test credit"


class TrialCredits:
    """Credits accounts, and says what their users then hold."""

    def __init__(self, sync: BalanceSync, holdings: Holdings) -> None:
        self._sync = sync
        self._holdings = holdings

    async def credit(
        self, user_id: str, currency: str, amount: Decimal, *, op_id: str | None = None
    ) -> Mapping[str, Decimal]:
        """Credit an account; give the totals that the user then holds, by currency, if above zero.

        Raises:
            PostingRefused: nothing was written.
            OutcomeUnknown: it is not known whether anything was.
            CannotLook: the credit was made, but what the user holds could not be read.
        """
        result = await self._sync.credit(user_id, currency, amount, REASON, op_id=op_id)
        try:
            totals = await self._holdings.totals(user_id)
        except ReconcilerError as error:
            raise CannotLook(
                f"the credit was made, as op_id {result.op_id!r}, but what the user holds cannot "
                f"be told: {error}"
            ) from error
        return {name: total for name, total in totals.items() if total > 0}
