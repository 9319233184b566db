"""Scans a test's database without waiting, and compares with what must be found."""

from typing import Any

from reconciler.model.mapping import DEFAULT_MAPPINGS, Mappings
from reconciler.model.report import ScanReport
from reconciler.scanning.rules import ScanOptions
from reconciler.scanning.scanner import Scanner
from reconciler.storage.balances import MongoBalanceStore
from tests.integration.scanning.field import Database, Exchange
from tests.integration.scanning.methods import EACH_FORM, Chosen, options_of


def at_once(**options: Any) -> ScanOptions:
    """Make options that settle at once."""
    return options_of(**({"settle_seconds": 0.001, "deadline_seconds": 30} | options))


def scanner(
    database: Database,
    mappings: Mappings = DEFAULT_MAPPINGS,
    *,
    options: ScanOptions | None = None,
    store: dict[str, Any] | None = None,
    **others: Any,
) -> Scanner:
    """Make a scanner that settles at once."""
    return Scanner(
        MongoBalanceStore(
            database, mappings, **({"choose_bucketing": Chosen.way.choose} | (store or {}))
        ),
        mappings,
        options or at_once(),
        **others,
    )


def assert_found(report: ScanReport, exchange: Exchange) -> None:
    """Compare a report with the plain model, exactly."""
    expected = exchange.truth()
    assert report.incomplete == ()
    assert report.coverage.accounts == expected.accounts
    assert report.coverage.users == len(expected.users)
    assert report.coverage.currencies == len(expected.currencies)
    assert dict(report.by_kind) == dict(expected.by_kind)
    assert report.mismatch_count == len(expected.mismatches)
    assert report.mismatched_users == len(expected.bad_users)
    told = [(each.kind, each.also, each.differs) for each in report.mismatches]
    assert sorted(map(str, told)) == sorted(map(str, expected.mismatches))


async def write_and_scan(database: Database, exchange: Exchange, **store: Any) -> ScanReport:
    """Write an exchange, scan it, and compare with the plain model."""
    await exchange.write(database)
    report = await scanner(database, exchange.mappings, store=store).scan_all()
    assert_found(report, exchange)
    return report


async def scan_by_each_method(database: Database, exchange: Exchange, **store: Any) -> None:
    """Scan what is written by digests of each form and exactly, and compare with the model."""
    for way in EACH_FORM.values():
        found = await scanner(
            database,
            exchange.mappings,
            options=at_once(method=way.method),
            store={"choose_bucketing": way.choose} | store,
        ).scan_all()
        assert_found(found, exchange)
        assert found.method is way.method
