"""What a user holds, by the source of truth, as of one moment."""

from collections.abc import Mapping
from contextlib import aclosing
from decimal import Decimal

from reconciler.errors import CannotLook
from reconciler.model.amounts import WIDE, canonical
from reconciler.model.copies import Copy
from reconciler.model.identity import Account, Identifier
from reconciler.model.mapping import Mappings
from reconciler.storage.balances import MongoBalanceStore

DEADLINE_SECONDS = 30.0


class MongoHoldings:
    """Totals of users.

    Args:
        store: where the copies are read.
        mappings: what their fields mean, and which collection is the source of truth.
        deadline_seconds: for one look.
    """

    def __init__(
        self,
        store: MongoBalanceStore,
        mappings: Mappings,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._store = store
        self._truth = mappings.truth
        self._deadline_seconds = deadline_seconds

    async def totals(self, user_id: str) -> Mapping[str, Decimal]:
        """Add available and locked up for each currency of a user whose id is this string.

        Exact; the source of truth's total field is not looked at. From one snapshot, or by plain
        reads where the server has none. A user without any copy holds nothing.

        Raises:
            ReadInterrupted, SnapshotTooOld: it could not be read now.
            CannotLook: it cannot be read, or a copy is broken or doubled, so that there is no
                such total.
        """
        totals: dict[str, Decimal] = {}
        user = Identifier(user_id)
        source = await self._store.open(deadline_seconds=self._deadline_seconds)
        if self._truth.name not in await source.collections():
            raise CannotLook(
                f"the collection {self._truth.name} does not exist: check mongo.database and the "
                "mapping of the collections"
            )
        async with (
            source.moment() as moment,
            aclosing(moment.copies_of(user_id, self._truth)) as copies,
        ):
            async for account, copy in copies:
                if account.user_id != user:
                    continue  # an array that holds the id is no user's id
                name = self._currency_of(account)
                if name in totals:
                    raise self._no_total(account, "is there twice")
                totals[name] = self._total_of(account, copy)
        return totals

    def _currency_of(self, account: Account) -> str:
        if account.currency.bson_type != "string":
            raise self._no_total(account, f"has a currency of type {account.currency.bson_type}")
        return account.currency.text

    def _total_of(self, account: Account, copy: Copy) -> Decimal:
        available, locked = copy.available_amount, copy.locked_amount
        if available is None or locked is None:
            raise self._no_total(account, "holds no usable number")
        return canonical(WIDE.add(available, locked))

    def _no_total(self, account: Account, why: str) -> CannotLook:
        return CannotLook(
            f"the copy of account {account} in {self._truth.name} {why}, so that nobody can say "
            "what its user holds: `reconciler check` shows it, and a person must put it right"
        )
