"""The collection `repair_plans`: each plan's canonical form, and what became of it.

The form is kept as the text of which the digest is the SHA-256; whoever changes one digit of it
makes it unusable. Every change of state is one conditional write, by the server's clock.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession

from reconciler.errors import CannotLook, PlanStale
from reconciler.model.plan_form import canonical_form, digest_of, plan_of
from reconciler.model.repair import PlanState, RepairPlan, StepOutcome
from reconciler.repairing.ports import Insertion
from reconciler.repairing.stores import Within
from reconciler.storage.calls import Calls
from reconciler.storage.leasing import LEASES
from reconciler.storage.transactions import WRITE_SECONDS_MAX, Database, Transactions, own_records

PLANS = "repair_plans"
# The document in `leases` in which claims meet.
RATE = "repair_rate"
_WHAT = "the repair plans"

Document = Mapping[str, Any]

_NOT_EXPIRED = {"$gt": ["$expires_at", "$$NOW"]}
_IS_ABANDONED = {"$lte": ["$busy_until", "$$NOW"]}
_MAY_BEGIN = {
    "$or": [
        {"state": PlanState.APPROVED.value},
        {"state": PlanState.PLANNED.value, "needs_approval": False},
    ],
    "$expr": _NOT_EXPIRED,
}
_MAY_GO_ON = {"state": PlanState.APPLYING.value, "$expr": _IS_ABANDONED}


class _TooManyBegun(Exception):
    """Undoes a claim."""


class MongoRepairPlans:
    """Plans by their ids.

    Args:
        database: where the audit trail is as well.
    """

    def __init__(self, database: Database) -> None:
        self._plans = own_records(database)[PLANS]
        self._leases = own_records(database)[LEASES]
        self._transactions = Transactions(database)

    async def add(self, plan: RepairPlan, audited: Insertion) -> None:
        """Store a new plan."""
        document = _document(plan)

        async def write(session: AsyncClientSession) -> None:
            await self._plans.insert_one(document, session=session)
            await audited(session)

        await self.record(write)

    async def find(self, plan_id: str) -> RepairPlan | None:
        """Give a plan as it is now.

        Raises:
            PlanStale: what is stored is not what its digest says.
        """
        async with Calls(deadline_seconds=WRITE_SECONDS_MAX).bounded(_WHAT):
            document = await self._plans.find_one({"_id": {"$eq": plan_id}})
        return None if document is None else _plan(document)

    async def approve(self, plan_id: str, *, digest: str, actor: str, audited: Insertion) -> bool:
        """Approve a plan that waits and that somebody else planned; False if there is none."""
        wanted = {
            "_id": {"$eq": plan_id},
            "digest": {"$eq": digest},
            "state": PlanState.PLANNED.value,
            "planned_by": {"$ne": actor},
            "$expr": _NOT_EXPIRED,
        }
        changes = {
            "state": PlanState.APPROVED.value,
            "approved_by": {"$literal": actor},
            "approved_at": "$$NOW",
        }
        return await self._change(wanted, changes, audited)

    async def claim(
        self,
        plan_id: str,
        *,
        digest: str,
        actor: str,
        applier: str,
        seconds: float,
        begun_max: int,
        since: datetime,
    ) -> bool:
        """Take a plan for applying: one that may be, or whose applier has said nothing for long.

        No more than `begun_max` plans begin to be applied since that time, however many are claimed
        at once; one that had begun before goes on.
        """
        wanted = {
            "_id": {"$eq": plan_id},
            "digest": {"$eq": digest},
            "approved_by": {"$ne": actor},
            "$or": [_MAY_BEGIN, _MAY_GO_ON],
        }
        changes = {
            "state": PlanState.APPLYING.value,
            "applied_by": {"$literal": actor},
            "applier": {"$literal": applier},
            "begun_at": {"$ifNull": ["$begun_at", "$$NOW"]},
            "busy_until": _after(seconds),
        }
        is_taken = False

        async def take(session: AsyncClientSession) -> None:
            nonlocal is_taken
            before = await self._plans.find_one_and_update(
                wanted, [{"$set": changes}], projection={"begun_at": 1}, session=session
            )
            is_taken = before is not None
            if before is not None and before.get("begun_at") is None:
                await self._refuse_one_too_many(session, begun_max, since)

        try:
            await self.record(take)
        except _TooManyBegun:
            return False
        return is_taken

    def outcome(
        self,
        plan_id: str,
        number: int,
        outcome: StepOutcome,
        *,
        applier: str,
        seconds: float,
        audited: Insertion,
    ) -> Within:
        """Give the write of a step's outcome and of its record; it holds the claim for longer.

        It raises `PlanStale` if the claim has gone to somebody else.
        """
        step = f"outcomes.n{number}"
        wanted = {
            "_id": {"$eq": plan_id},
            "state": PlanState.APPLYING.value,
            "applier": {"$eq": applier},
            f"{step}.outcome": StepOutcome.PLANNED.value,
        }

        async def write(session: AsyncClientSession) -> None:
            await audited(session)
            changes = {
                step: {"outcome": outcome.value, "audit_sequence": audited.record.sequence},
                "busy_until": _after(seconds),
            }
            done = await self._plans.update_one(wanted, [{"$set": changes}], session=session)
            if not done.matched_count:
                raise PlanStale(plan_id, "somebody else went on with it")

        return write

    async def record(self, write: Within) -> None:
        """Do such a write in a transaction of its own.

        Raises:
            CannotLook: the server has no transactions.
        """

        async def work(session: AsyncClientSession | None) -> None:
            if session is None:
                raise CannotLook("repairs need a replica set: this server has no transactions")
            await write(session)

        await self._transactions.run(_WHAT, work)

    async def finish(self, plan_id: str, *, applier: str, audited: Insertion) -> bool:
        """End a plan that was carried out; False if the claim has gone to somebody else."""
        wanted = {
            "_id": {"$eq": plan_id},
            "state": PlanState.APPLYING.value,
            "applier": {"$eq": applier},
        }
        return await self._change(
            wanted, {"state": PlanState.APPLIED.value, "ended_at": "$$NOW"}, audited
        )

    async def begun_since(self, since: datetime, *, but: str | None) -> int:
        """Count the plans whose application began since a time, without one of them."""
        wanted = {"begun_at": {"$gte": since}, "_id": {"$ne": but}}
        async with Calls(deadline_seconds=WRITE_SECONDS_MAX).bounded(_WHAT):
            return await self._plans.count_documents(wanted)

    async def awaiting_approval(self) -> int:
        """Count the plans that somebody must approve before they expire."""
        wanted = {
            "state": PlanState.PLANNED.value,
            "needs_approval": True,
            "$expr": _NOT_EXPIRED,
        }
        async with Calls(deadline_seconds=WRITE_SECONDS_MAX).bounded(_WHAT):
            return await self._plans.count_documents(wanted)

    async def _refuse_one_too_many(
        self, session: AsyncClientSession, begun_max: int, since: datetime
    ) -> None:
        # Claims at the same time meet in this document: one of them counts the other.
        await self._leases.update_one(
            {"_id": RATE}, {"$inc": {"claims": 1}}, upsert=True, session=session
        )
        begun = {"begun_at": {"$gte": since}}
        if await self._plans.count_documents(begun, session=session) > begun_max:
            raise _TooManyBegun

    async def _change(self, wanted: Document, changes: Document, audited: Insertion) -> bool:
        matched = 0

        async def write(session: AsyncClientSession) -> None:
            nonlocal matched
            done = await self._plans.update_one(wanted, [{"$set": changes}], session=session)
            matched = done.matched_count
            if matched:
                await audited(session)

        await self.record(write)
        return bool(matched)


def _after(seconds: float) -> Document:
    return {"$add": ["$$NOW", {"$literal": round(seconds * 1000)}]}


def _document(plan: RepairPlan) -> dict[str, Any]:
    return {
        "_id": plan.plan_id,
        "digest": plan.digest,
        "form": canonical_form(plan),
        "state": plan.state.value,
        "planned_by": plan.planned_by,
        "planned_at": plan.planned_at,
        "expires_at": plan.expires_at,
        "needs_approval": plan.needs_approval,
        "approved_by": None,
        "approved_at": None,
        "applied_by": None,
        "outcomes": {
            f"n{number}": {"outcome": step.outcome.value, "audit_sequence": None}
            for number, step in enumerate(plan.steps)
        },
    }


def _plan(document: Document) -> RepairPlan:
    form, plan_id = str(document["form"]), str(document["_id"])
    if digest_of(form.encode("ascii", "replace").decode()) != document["digest"]:
        raise PlanStale(plan_id, "what is stored of it was changed: its digest is another one")
    plan = plan_of(form)
    _refuse_other(plan, document)
    outcomes = document["outcomes"]
    steps = []
    for number, step in enumerate(plan.steps):
        each = outcomes[f"n{number}"]
        sequence = each["audit_sequence"]
        steps.append(
            replace(
                step,
                outcome=StepOutcome(each["outcome"]),
                audit_sequence=None if sequence is None else int(sequence),
            )
        )
    approved_at = document["approved_at"]
    return replace(
        plan,
        steps=tuple(steps),
        state=PlanState(document["state"]),
        approved_by=document["approved_by"],
        approved_at=None if approved_at is None else approved_at.astimezone(UTC),
        applied_by=document["applied_by"],
    )


def _refuse_other(plan: RepairPlan, document: Document) -> None:
    """Refuse a plan of which a field beside the form says other than the form."""
    beside = (
        document["_id"],
        document["planned_by"],
        document["expires_at"],
        document["needs_approval"],
    )
    if beside != (plan.plan_id, plan.planned_by, plan.expires_at, plan.needs_approval):
        raise PlanStale(plan.plan_id, "what is stored of it was changed beside its form")
