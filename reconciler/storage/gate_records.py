"""What the gate for deployments asks of the database beside the balances."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.model.finding import FindingState
from reconciler.model.gate import FindingFacts, PlanFacts, Surroundings
from reconciler.model.repair import PlanState
from reconciler.model.schema import SchemaReport
from reconciler.storage.bypassing_writes import BYPASSING_WRITES
from reconciler.storage.calls import Calls
from reconciler.storage.recorded_findings import FINDINGS
from reconciler.storage.repair_plans import PLANS
from reconciler.storage.repair_switch import MongoRepairSwitch
from reconciler.storage.schema import Schema
from reconciler.storage.transactions import Database, own_records

# Writes past the library are noted that are no older.
BYPASSING_HOURS = 24
# So many ids of plans are given; all are counted.
PLAN_IDS_MAX = 5
LOOK_SECONDS_MAX = 30.0

_WAITING: Mapping[str, Any] = {
    "state": PlanState.PLANNED.value,
    "needs_approval": True,
    "$expr": {"$gt": ["$expires_at", "$$NOW"]},
}


class MongoGateRecords:
    """Reads the schema, plans, findings, the switch and the bypassing writes of one database."""

    def __init__(
        self,
        database: Database,
        schema: Schema,
        switch: MongoRepairSwitch,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        records = own_records(database)
        self._plans = records[PLANS]
        self._findings = records[FINDINGS]
        self._bypassing = records[BYPASSING_WRITES]
        self._schema = schema
        self._switch = switch
        self._now = now

    async def schema(self) -> SchemaReport:
        """Say what is there of what is needed."""
        return await self._schema.status()

    async def plans(self) -> PlanFacts:
        """Count the plans that somebody must approve before they expire, by the server's clock."""
        async with Calls(deadline_seconds=LOOK_SECONDS_MAX).bounded("the repair plans"):
            count = await self._plans.count_documents(_WAITING)
            found = self._plans.find(_WAITING, {"_id": 1}).sort("expires_at", 1)
            ids = [each["_id"] for each in await found.limit(PLAN_IDS_MAX).to_list()]
        return PlanFacts(count, tuple(ids))

    async def findings(self) -> FindingFacts:
        """Count the open findings by state; nothing is cut."""
        async with Calls(deadline_seconds=LOOK_SECONDS_MAX).bounded("the findings"):
            found = await self._findings.aggregate(
                [
                    {"$match": {"open": True}},
                    {
                        "$group": {
                            "_id": "$state",
                            "count": {"$sum": 1},
                            "oldest": {"$min": "$first_seen"},
                        }
                    },
                ]
            )
            groups = {each["_id"]: each for each in await found.to_list()}
        counts = {state: int(group["count"]) for state, group in groups.items()}
        return FindingFacts(
            confirmed=counts.get(FindingState.CONFIRMED.value, 0),
            suspect=counts.get(FindingState.SUSPECT.value, 0),
            oldest_first_seen=min((each["oldest"] for each in groups.values()), default=None),
        )

    async def surroundings(self) -> Surroundings:
        """Say whether somebody switched repairs off, and count what is written past the library."""
        switch = await self._switch.read()
        since = self._now() - timedelta(hours=BYPASSING_HOURS)
        async with Calls(deadline_seconds=LOOK_SECONDS_MAX).bounded("the bypassing writes"):
            written = await self._bypassing.count_documents({"time": {"$gte": since}})
        repairs_off = None
        if not switch.is_on and switch.changed_at is not None:
            moment = switch.changed_at.strftime("%Y-%m-%d %H:%M UTC")
            repairs_off = f"since {moment} by {switch.changed_by}: {switch.reason}"
        return Surroundings(repairs_off, written, BYPASSING_HOURS)
