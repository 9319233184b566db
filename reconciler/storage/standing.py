"""Sums up the records of scans and findings: what every daemon on the database says alike."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reconciler.model.comparison import MismatchKind
from reconciler.model.finding import FindingState
from reconciler.model.report import Coverage, ScanMode
from reconciler.model.scan_record import ScanState
from reconciler.model.standing import FindingGroup, Standing
from reconciler.storage.calls import Calls
from reconciler.storage.elements import MISSING
from reconciler.storage.finding_documents import coverage_of
from reconciler.storage.leasing import MongoLease
from reconciler.storage.recorded_findings import FINDINGS
from reconciler.storage.recorded_scans import SCANS, MongoRecordedScans
from reconciler.storage.transactions import Database, own_records

# Millions of findings take a while; a server that is away is noticed elsewhere.
STANDING_SECONDS_MAX = 60.0

_CONFIRMED = {"state": FindingState.CONFIRMED.value}


class MongoStanding:
    """Reads the standing of one database."""

    def __init__(self, database: Database, scans: MongoRecordedScans, lease: MongoLease) -> None:
        records = own_records(database)
        self._findings = records[FINDINGS]
        self._scans = records[SCANS]
        self._recorded_scans = scans
        self._lease = lease

    async def revision(self) -> int:
        """Give a number that grows with each change of scans or findings.

        Raises:
            ReadInterrupted, CannotLook: it could not be read.
        """
        return await self._recorded_scans.revision()

    async def standing(self) -> Standing:
        """Sum up where the exchange stands.

        Raises:
            ReadInterrupted, CannotLook: it could not be read.
        """
        lease = await self._lease.current()
        async with Calls(deadline_seconds=STANDING_SECONDS_MAX).bounded("the findings"):
            groups = await self._groups()
            confirmed = await self._confirmed()
            users = await self._mismatched_users()
        async with Calls(deadline_seconds=STANDING_SECONDS_MAX).bounded("the records of scans"):
            completion, success = {}, {}
            coverage: Coverage | None = None
            for mode in ScanMode:
                last = await self._last(mode, complete_only=False)
                complete = await self._last(mode, complete_only=True)
                if last is not None:
                    completion[mode] = last["ended_at"]
                if complete is not None:
                    success[mode] = complete["ended_at"]
                    if mode is ScanMode.FULL:
                        coverage = coverage_of(complete["report"])
        return Standing(
            findings=groups,
            mismatched_users=users,
            drift={each["_id"]: each["drift"].to_decimal() for each in confirmed if each["drift"]},
            unmeasured=sum(int(each["unmeasured"]) for each in confirmed),
            oldest_first_seen=_earliest(confirmed),
            last_success=success,
            last_completion=completion,
            coverage=coverage,
            leader=None if lease is None or lease.has_expired else lease.holder,
        )

    async def _groups(self) -> dict[FindingGroup, int]:
        found = await self._findings.aggregate(
            [
                {"$match": {"open": True}},
                {
                    "$group": {
                        "_id": {"kind": "$kind", "currency": "$currency", "state": "$state"},
                        "count": {"$sum": 1},
                    }
                },
            ]
        )
        return {
            (
                MismatchKind(each["_id"]["kind"]),
                each["_id"]["currency"],
                FindingState(each["_id"]["state"]),
            ): int(each["count"])
            async for each in found
        }

    async def _confirmed(self) -> list[dict[str, Any]]:
        """Sum the confirmed findings up by currency."""
        found = await self._findings.aggregate(
            [
                {"$match": _CONFIRMED},
                {
                    "$group": {
                        "_id": "$currency",
                        # A decimal even where nothing can be summed.
                        "drift": {"$sum": {"$ifNull": ["$drift", {"$toDecimal": 0}]}},
                        "unmeasured": {"$sum": {"$cond": [{"$eq": ["$drift", None]}, 1, 0]}},
                        "first_seen": {"$min": "$first_seen"},
                    }
                },
            ]
        )
        return await found.to_list()

    async def _mismatched_users(self) -> int:
        found = await self._findings.aggregate(
            [
                # A document without a user id is nobody's.
                {"$match": {**_CONFIRMED, "user_id_type": {"$ne": MISSING}}},
                {"$group": {"_id": {"type": "$user_id_type", "id": "$user_id"}}},
                {"$count": "users"},
            ]
        )
        counted = await found.to_list()
        return int(counted[0]["users"]) if counted else 0

    async def _last(self, mode: ScanMode, *, complete_only: bool) -> Mapping[str, Any] | None:
        wanted: dict[str, Any] = {"mode": mode.value, "state": ScanState.FINISHED.value}
        if complete_only:
            wanted["complete"] = True
        return await self._scans.find_one(
            wanted,
            {"ended_at": 1, "report.accounts": 1, "report.users": 1, "report.currencies": 1},
            sort=[("sequence", -1)],
        )


def _earliest(confirmed: list[dict[str, Any]]) -> datetime | None:
    return min((each["first_seen"] for each in confirmed), default=None)
