"""The switch of the repair and the pauses of accounts: documents in `leases`."""

from collections.abc import Sequence
from typing import Any

from pymongo import DeleteMany, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession

from reconciler.errors import CannotLook
from reconciler.model.identity import Account
from reconciler.model.pause import PAUSES, pause_key
from reconciler.model.repair import RepairSwitch
from reconciler.repairing.ports import Insertion
from reconciler.storage.calls import Calls
from reconciler.storage.leasing import LEASES
from reconciler.storage.transactions import Database, Transactions, own_records

SWITCH = "repair_switch"
CALL_SECONDS_MAX = 5.0


class MongoRepairSwitch:
    """The switch of one database.

    Args:
        database: where the collection `leases` is.
        is_on_at_first: how it stands until somebody has thrown it (`repair.enabled`).
    """

    def __init__(self, database: Database, *, is_on_at_first: bool) -> None:
        self._leases = own_records(database)[LEASES]
        self._transactions = Transactions(database)
        self._is_on_at_first = is_on_at_first

    async def read(self) -> RepairSwitch:
        """Give it as it is.

        Raises:
            ReadInterrupted, CannotLook: it could not be read.
        """
        async with Calls(deadline_seconds=CALL_SECONDS_MAX).bounded("the repair switch"):
            document = await self._leases.find_one({"_id": SWITCH})
        if document is None:
            return RepairSwitch(self._is_on_at_first, None, None, None)
        return RepairSwitch(
            is_on=document.get("is_on") is True,
            changed_by=document.get("changed_by"),
            changed_at=document.get("changed_at"),
            reason=document.get("reason"),
        )

    async def write(self, switch: RepairSwitch, audited: Insertion) -> None:
        """Set it, for every daemon at once, and write that down in the same transaction.

        Raises:
            ReadInterrupted, CannotLook: it could not be written.
        """
        fields = {
            "is_on": switch.is_on,
            "changed_by": switch.changed_by,
            "changed_at": switch.changed_at,
            "reason": switch.reason,
        }

        async def work(session: AsyncClientSession | None) -> None:
            if session is None:
                raise CannotLook("repairs need a replica set: this server has no transactions")
            await self._leases.update_one(
                {"_id": SWITCH}, {"$set": fields}, upsert=True, session=session
            )
            await audited(session)

        await self._transactions.run("the repair switch", work)


class MongoPauses:
    """Pauses of accounts, which the sync library heeds; each ends by itself.

    Args:
        database: where the balances are.
    """

    def __init__(self, database: Database) -> None:
        self._pauses = own_records(database)[PAUSES]

    async def begin(self, accounts: Sequence[Account], *, seconds: float) -> None:
        """Have postings on the accounts wait.

        Raises:
            ReadInterrupted, CannotLook: it could not be written.
        """
        until = {"$add": ["$$NOW", {"$literal": round(seconds * 1000)}]}
        pausing = [
            UpdateOne({"_id": pause_key(each)}, [{"$set": {"expires_at": until}}], upsert=True)
            for each in accounts
        ]
        await self._write(pausing)

    async def end(self, accounts: Sequence[Account]) -> None:
        """Let them go on.

        Raises:
            ReadInterrupted, CannotLook: it could not be written; the pauses end by themselves.
        """
        keys = [pause_key(each) for each in accounts]
        await self._write([DeleteMany({"_id": {"$in": keys}})] if keys else [])

    async def _write(self, operations: list[Any]) -> None:
        if not operations:
            return
        bounds = Calls(deadline_seconds=CALL_SECONDS_MAX)
        async with bounds.bounded("the pauses of accounts", is_write=True):
            await self._pauses.bulk_write(operations, ordered=False)
