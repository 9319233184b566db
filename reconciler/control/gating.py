"""Gathers what the gate for deployments judges of a database, each part on its own."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import reduce
from typing import Protocol, TypeVar

from reconciler.errors import (
    CannotLook,
    DatabaseUnavailable,
    ReadInterrupted,
    SnapshotTooOld,
    UnsupportedServer,
)
from reconciler.model.gate import (
    Checklist,
    FindingFacts,
    PlanFacts,
    Surroundings,
    Unseen,
    judged_findings,
    judged_plans,
    judged_schema,
    noted,
)
from reconciler.model.schema import SchemaReport

# What is not known by then is unknown: a deployment waits.
LOOK_SECONDS_MAX = 50.0

COULD_NOT_LOOK = (
    CannotLook,
    DatabaseUnavailable,
    ReadInterrupted,
    SnapshotTooOld,
    TimeoutError,
    UnsupportedServer,
)

T = TypeVar("T")


class GateRecords(Protocol):
    """What the database says beside its balances; each may raise one of `COULD_NOT_LOOK`."""

    async def schema(self) -> SchemaReport:
        """Say what is there of what is needed."""

    async def plans(self) -> PlanFacts:
        """Count the plans that wait for approval."""

    async def findings(self) -> FindingFacts:
        """Count the open findings."""

    async def surroundings(self) -> Surroundings:
        """Say what is worth a note."""


async def looked_at(records: GateRecords, *, seconds_max: float = LOOK_SECONDS_MAX) -> Checklist:
    """Judge everything that is recorded; what cannot be looked at keeps nothing else from it."""
    schema, plans, findings, surroundings = await asyncio.gather(
        seen(records.schema, seconds_max=seconds_max),
        seen(records.plans, seconds_max=seconds_max),
        seen(records.findings, seconds_max=seconds_max),
        seen(records.surroundings, seconds_max=seconds_max),
    )
    judged = (
        judged_schema(schema),
        judged_plans(plans),
        judged_findings(findings),
        noted(surroundings),
    )
    return reduce(Checklist.joined, judged)


async def seen(look: Callable[[], Awaitable[T]], *, seconds_max: float | None = None) -> T | Unseen:
    """Look, or say why that was not possible."""
    try:
        async with asyncio.timeout(seconds_max):
            return await look()
    except COULD_NOT_LOOK as error:
        return Unseen(str(error) or "time ran out")
