"""Builds what the gate for deployments asks."""

from collections.abc import Awaitable, Callable

from reconciler.bootstrap.repairing import repair_switch
from reconciler.control.frozen import Place, installed_place
from reconciler.control.gating import looked_at
from reconciler.control.verifying import verify
from reconciler.model.gate import Checklist, FreezeFacts
from reconciler.settings import Settings
from reconciler.storage.gate_records import MongoGateRecords
from reconciler.storage.schema import Schema
from reconciler.storage.transactions import Database


def gate_records(settings: Settings, database: Database) -> Callable[[], Awaitable[Checklist]]:
    """Give what looks at schema, plans and findings, and judges them; it raises nothing."""
    schema = Schema(database, settings.mappings())
    records = MongoGateRecords(database, schema, repair_switch(settings, database))
    return lambda: looked_at(records)


def freeze_facts(settings: Settings) -> FreezeFacts:
    """Hold the code of this process against its freeze."""
    return facts_at(installed_place(), settings)


def facts_at(place: Place, settings: Settings) -> FreezeFacts:
    """Hold the code at a place against its freeze."""
    report = verify(place, trusted_keys=settings.freeze.trusted_keys)
    last = report.record.last
    return FreezeFacts(
        tuple(report.problems),
        None if report.current is None else report.current.digest,
        None if last is None else last.approved_by,
        None if last is None else last.approved_at,
    )
