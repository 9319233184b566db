"""How long a scan is at each of its stages is told when it is through with it."""

from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.model.report import ScanMethod, ScanMode
from reconciler.scanning.observer import ScanStage, Unobserved
from tests.integration.scanning.seeing import make_collections, put, scanner_of

Database = AsyncDatabase[dict[str, Any]]


class Stages(Unobserved):
    """Remembers the stages."""

    def __init__(self) -> None:
        self.told: list[tuple[ScanStage, ScanMode]] = []
        self.seconds: dict[ScanStage, float] = {}

    def stage_finished(
        self, scan_id: str, stage: ScanStage, *, mode: ScanMode, seconds: float
    ) -> None:
        self.told.append((stage, mode))
        self.seconds[stage] = seconds


@pytest.mark.parametrize(
    "options, stages_told",
    [
        ({}, list(ScanStage)),
        ({"method": ScanMethod.EXACT}, [ScanStage.COMPARE, ScanStage.CONFIRM]),
    ],
)
async def test_comparing_and_confirming_are_timed_apart(
    database: Database, options: dict[str, Any], stages_told: list[ScanStage]
) -> None:
    """The pause before a suspect is looked at again belongs to confirming."""
    await make_collections(database)
    await put(database, "wallets", "alice", "BTC", available_balance=1)
    stages = Stages()

    report = await scanner_of(database, observer=stages, settle_seconds=0.2, **options).scan_all()

    assert report.mismatch_count == 1
    assert stages.told == [(stage, ScanMode.FULL) for stage in stages_told]
    assert stages.seconds[ScanStage.CONFIRM] >= 0.2
    assert sum(stages.seconds.values()) <= report.duration_seconds


async def test_a_scan_that_compares_nothing_has_no_stages(database: Database) -> None:
    """Where no collection exists there was nothing to time."""
    stages = Stages()

    await scanner_of(database, observer=stages).scan("alice", None)

    assert stages.told == []
