"""Stores documents in the field's shapes, and scans them in ranges and batches of any size."""

from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from reconciler.model.mapping import DEFAULT_MAPPINGS, Mappings
from reconciler.model.report import ScanReport
from reconciler.scanning.observer import ScanObserver
from reconciler.scanning.scanner import Scanner
from reconciler.storage.balances import MongoBalanceStore
from tests.integration.scanning.methods import options_of
from tests.integration.sync.stored import ACCOUNT_FIELDS

Database = AsyncDatabase[dict[str, Any]]


def scanner_of(
    database: Database,
    *,
    range_accounts: int = 40_000,
    batch_documents: int = 5_000,
    observer: ScanObserver | None = None,
    mappings: Mappings = DEFAULT_MAPPINGS,
    **options: Any,
) -> Scanner:
    """Make a scanner that does not wait before it looks again."""
    store = MongoBalanceStore(
        database, mappings, range_accounts=range_accounts, batch_documents=batch_documents
    )
    return Scanner(
        store, mappings, options_of(**{"settle_seconds": 0.0, **options}), observer=observer
    )


async def make_collections(database: Database) -> None:
    """Make the four collections, without any index."""
    for name in ACCOUNT_FIELDS:
        await database.create_collection(name)


async def put(database: Database, name: str, user: object, currency: object, **fields: Any) -> None:
    """Store one document; a user or currency that is `...` is left out."""
    identity = {ACCOUNT_FIELDS[name]: user, "currency": currency}
    document = {key: value for key, value in identity.items() if value is not ...}
    await database[name].insert_one(document | fields)


async def put_alike(database: Database, user: object, currency: object, **fields: Any) -> None:
    """Store the same document in all four collections."""
    for name in ACCOUNT_FIELDS:
        await put(database, name, user, currency, **fields)


def kinds_of(report: ScanReport) -> dict[tuple[str, str], str]:
    """Give the kind of each reported mismatch by user id and currency."""
    return {
        (each.account.user_id.text, each.account.currency.text): each.kind.value
        for each in report.mismatches
    }
