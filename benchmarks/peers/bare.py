"""The bare transaction: `$inc` in four collections within `with_transaction`, and nothing else.

No journal, no guards, no check that the copies agree or are numbers, no idempotency; a cancelled
or timed-out call leaves an unknown outcome. It is what remains if one drops every promise but
"all four or none".
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from bson import Decimal128
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.write_concern import WriteConcern

from reconciler.model.mapping import DEFAULT_MAPPINGS

# The account, and by how much its available and its locked amount change.
Change = tuple[str, Decimal, Decimal]


class BareTransactions:
    """Posts with four update commands for each account, to a majority as the library does."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], currency: str) -> None:
        self._database = database
        self._currency = currency

    async def post(self, changes: Sequence[Change]) -> None:
        """Change some accounts in one transaction."""

        async def write(session: AsyncClientSession) -> None:
            for mapping in DEFAULT_MAPPINGS:
                for user_id, available, locked in changes:
                    increments = {
                        mapping.available: Decimal128(available),
                        mapping.locked: Decimal128(locked),
                        str(mapping.total): Decimal128(available + locked),
                    }
                    await self._database[mapping.name].update_one(
                        {mapping.account: user_id, "currency": self._currency},
                        {"$inc": increments},
                        session=session,
                    )

        async with self._database.client.start_session() as session:
            await session.with_transaction(write, write_concern=WriteConcern("majority"))
