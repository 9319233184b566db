"""Traffic for who watches: the writes of postings at a steady rate, many postings a transaction.

Each posting writes what the library's own `credit` writes: four copies, and a journal entry in the
same transaction. The library makes a transaction of each posting, of which a machine that shares
two cores with the server does fewer a second than a watch must stand.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from bson import Decimal128, Int64, ObjectId
from pymongo import UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.write_concern import WriteConcern

from benchmarks.population import Database
from reconciler.model.mapping import DEFAULT_MAPPINGS, SEQUENCE_FIELD
from reconciler.model.schema import JOURNAL

TOGETHER = 10
_REASON = "traffic"
_ZERO = Decimal128("0")


class Traffic:
    """Credits accounts that nobody else posts on, from the balances that they have.

    Args:
        users: whose accounts; each has one in the currency.
        per_second: how many postings, as far as the machine allows.
    """

    def __init__(
        self, database: Database, users: Sequence[str], currency: str, per_second: int
    ) -> None:
        self.count = 0
        self.is_over = False
        self._database = database
        self._users = users
        self._currency = currency
        self._step_seconds = TOGETHER / per_second
        self._standing: dict[str, tuple[Decimal, int]] = {}

    async def run(self, amount: Decimal, *, seed: int) -> None:
        """Post until it is over, each time when it is due."""
        await self._look()
        chosen = random.Random(seed)
        due = time.perf_counter()
        while not self.is_over:
            await asyncio.sleep(max(due - time.perf_counter(), 0.0))
            due = max(due + self._step_seconds, time.perf_counter() - 1.0)
            await self._post(chosen.sample(self._users, TOGETHER), amount)
            self.count += TOGETHER

    async def _look(self) -> None:
        truth = DEFAULT_MAPPINGS.truth
        wanted = {truth.account: {"$in": list(self._users)}, truth.currency: self._currency}
        async for found in self._database[truth.name].find(wanted):
            available = found[truth.available].to_decimal()
            self._standing[found[truth.account]] = (available, int(found[SEQUENCE_FIELD]))

    async def _post(self, users: Sequence[str], amount: Decimal) -> None:
        now = datetime.now(UTC)
        entries = [self._entry(user, amount, now) for user in users]

        async def write(session: AsyncClientSession) -> None:
            for mapping in DEFAULT_MAPPINGS:
                updates = []
                for user in users:
                    available, sequence = self._standing[user]
                    after = Decimal128(available + amount)
                    fields: dict[str, Any] = {mapping.available: after, mapping.updated: now}
                    fields[mapping.locked] = _ZERO
                    fields[str(mapping.total)] = after
                    if mapping.name == DEFAULT_MAPPINGS.source_of_truth:
                        fields[SEQUENCE_FIELD] = Int64(sequence + 1)
                    key = {mapping.account: user, mapping.currency: self._currency}
                    updates.append(UpdateOne(key, {"$set": fields}))
                await self._database[mapping.name].bulk_write(
                    updates, ordered=False, session=session
                )
            await self._database[JOURNAL].insert_many(entries, ordered=False, session=session)

        async with self._database.client.start_session() as session:
            await session.with_transaction(write, write_concern=WriteConcern("majority"))
        for user in users:
            available, sequence = self._standing[user]
            self._standing[user] = (available + amount, sequence + 1)

    def _entry(self, user: str, amount: Decimal, now: datetime) -> dict[str, Any]:
        """Make the journal entry of a credit, as the library keeps it."""
        available, sequence = self._standing[user]
        before = {"available": Decimal128(available), "locked": _ZERO}
        after = {"available": Decimal128(available + amount), "locked": _ZERO}
        identity = {"user_id": user, "currency": self._currency}
        found = before | {"total": before["available"]}
        account = {
            "sequence": Int64(sequence + 1),
            "standing": before,
            "balance": after,
            "before": {mapping.name: found for mapping in DEFAULT_MAPPINGS},
            "after": {mapping.name: after for mapping in DEFAULT_MAPPINGS},
            "conversions": [],
        }
        leg = {"available_delta": Decimal128(amount), "locked_delta": _ZERO}
        return {
            "_id": ObjectId(),
            "op_id": uuid4().hex,
            "kind": "credit",
            "reason": _REASON,
            "time": now,
            "fingerprint": uuid4().hex * 2,
            "legs": [identity | leg],
            "accounts": [identity | account],
        }


@contextlib.asynccontextmanager
async def posting(traffic: Traffic, amount: Decimal, *, seed: int) -> AsyncIterator[Traffic]:
    """Have traffic go on for as long as the context lasts."""
    running = asyncio.create_task(traffic.run(amount, seed=seed))
    try:
        yield traffic
    finally:
        traffic.is_over = True
        await running
