"""Builds the scanner, and what reads its ranges: this process, or the workers of a Dask cluster."""

import contextlib
from collections.abc import AsyncIterator, Callable
from decimal import Decimal

from reconciler.cluster.connection import EXTRA, DaskWorkers, dask_is_installed
from reconciler.cluster.sources import ClusterBalanceStore
from reconciler.cluster.tasks import Access
from reconciler.model.mapping import Mappings
from reconciler.scanning.observer import ScanObserver
from reconciler.scanning.ports import BalanceStore
from reconciler.scanning.rules import ScanOptions
from reconciler.scanning.scanner import Scanner
from reconciler.settings import InvalidSettings, Problem, Settings
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.load import MongoLoad

# Makes the store of a scanner from the one that reads here; the tolerance is asked for each scan.
Clustered = Callable[[BalanceStore, Callable[[], Decimal]], BalanceStore]


@contextlib.asynccontextmanager
async def open_cluster(settings: Settings) -> AsyncIterator[Clustered]:
    """Give what lets a cluster read for a store, if the settings want one; else the store itself.

    Nothing is asked of the cluster yet, which may be away.

    Raises:
        InvalidSettings: a cluster is wanted, and Dask is not installed.
    """
    address = settings.scan.dask_scheduler
    if not address:
        yield lambda here, _: here
        return
    if not dask_is_installed():
        why = f"needs Dask, which is not installed: {EXTRA}"
        raise InvalidSettings([Problem("", "scan.dask_scheduler", why)])
    mongo = settings.mongo
    access = Access(
        uri=mongo.uri.get_secret_value(),
        database=mongo.database,
        connect_seconds=mongo.connect_timeout_seconds,
        server_selection_seconds=mongo.server_selection_timeout_seconds,
    )
    async with DaskWorkers(address) as workers:
        yield lambda here, tolerance: ClusterBalanceStore(
            here, workers, access, settings.mappings(), double_tolerance=tolerance
        )


def build_scanner(
    store: MongoBalanceStore,
    clustered: Clustered,
    mappings: Mappings,
    options: ScanOptions,
    observer: ScanObserver,
) -> Scanner:
    """Make the scanner of a store, which waits while the store's server is busy."""

    def tolerance() -> Decimal:
        return scanner.options.double_tolerance

    scanner = Scanner(
        clustered(store, tolerance),
        mappings,
        options,
        observer=observer,
        load=MongoLoad(store.client),
    )
    return scanner
