"""Builds what scans read ranges with: this process, or the workers of a Dask cluster."""

import contextlib
from collections.abc import AsyncIterator, Callable
from decimal import Decimal

from reconciler.cluster.connection import EXTRA, DaskWorkers, dask_is_installed
from reconciler.cluster.sources import ClusterBalanceStore
from reconciler.cluster.tasks import Access
from reconciler.scanning.ports import BalanceStore
from reconciler.settings import InvalidSettings, Problem, Settings

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
