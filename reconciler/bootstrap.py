"""The only file that knows everyone: builds a running application from settings."""

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

from reconciler import errors
from reconciler.control import checksum
from reconciler.embedded import EmbeddedMongo, EmbeddedMongoFailed, MongodNotFound
from reconciler.embedded.exchange import DATABASE, DRIFTED, Exchange, Posting, open_exchange
from reconciler.embedded.exchange import FEE_ACCOUNT as FEES
from reconciler.model.identity import Account
from reconciler.model.mapping import Mappings
from reconciler.model.report import ScanReport
from reconciler.scanning.rules import ScanOptions
from reconciler.scanning.scanner import Scanner
from reconciler.settings import InvalidSettings, MongoSettings, Problem, ScanSettings, Settings
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.explaining import Explainer
from reconciler.storage.schema import Schema
from reconciler.storage.server import connect, probe
from reconciler.surfaces.cli.app import run
from reconciler.surfaces.cli.session import Wiring
from reconciler.surfaces.logs import Logs, PostingLog, ScanLog
from reconciler.surfaces.ports import Backend, Explanation, Progress, SchemaReport, Stage
from reconciler.sync import BalanceSync

OpenBackend = Callable[[Settings, Logs], AbstractAsyncContextManager[Backend]]

# Nobody writes while the demo checks, so that it need not wait long before it looks again.
DEMO_SETTLE_SECONDS = 0.5


def run_command_line() -> int:
    """Run the command line on the process's arguments and environment; give the exit code."""
    return run(sys.argv[1:], wiring=wiring(open_backend), environment=os.environ)


def wiring(backend_opener: OpenBackend) -> Wiring:
    """Give the command line what it works with."""
    return Wiring(
        open_backend=backend_opener,
        open_stage=lambda settings, logs: open_stage(settings, logs, backend_opener),
        checksum=checksum,
        clock=lambda: datetime.now(UTC),
    )


@contextlib.asynccontextmanager
async def open_backend(settings: Settings, logs: Logs) -> AsyncIterator[Backend]:
    """Connect to the database and build what the commands ask.

    Raises:
        InvalidSettings: the driver does not take the connection string.
        DatabaseUnavailable: no server answers; a scan would try for longer.
        CannotLook: the server does not let us in.
    """
    mongo, scan, mappings = settings.mongo, settings.scan, settings.mappings()
    try:
        client = connect(
            mongo.uri.get_secret_value(),
            server_selection_seconds=mongo.server_selection_timeout_seconds,
            connect_seconds=mongo.connect_timeout_seconds,
        )
    except errors.CannotLook as error:
        raise InvalidSettings([Problem("", "", str(error))]) from None
    async with client:
        await probe(client, deadline_seconds=mongo.server_selection_timeout_seconds)
        database = client[mongo.database]
        options = ScanOptions(
            settle_seconds=scan.settle_seconds,
            deadline_seconds=scan.deadline_seconds,
            ranges_parallel=scan.ranges_parallel,
            mismatches_max=scan.mismatches_max,
            double_tolerance=scan.double_tolerance,
        )
        observer = ScanLog(logs, mappings=mappings, mismatches_max=settings.log.mismatches_max)
        store = MongoBalanceStore(database, mappings)
        yield _Backend(
            Scanner(store, mappings, options, observer=observer),
            Explainer(store, mappings, double_tolerance=scan.double_tolerance),
            Schema(database, mappings),
        )


@dataclass(frozen=True, slots=True)
class _Backend:
    """What the commands ask, on the scanner and the storage."""

    _scanner: Scanner
    _explainer: Explainer
    _schema: Schema

    async def check(
        self, user_id: str | None, currency: str | None, *, progress: Progress
    ) -> ScanReport:
        return await self._scanner.scan(user_id, currency, progress=progress)

    async def explain(self, user_id: str, currency: str) -> Explanation:
        return await self._explainer.explain(user_id, currency)

    async def init_schema(self) -> SchemaReport:
        return await self._schema.init()

    async def schema_status(self) -> SchemaReport:
        return await self._schema.status()


@contextlib.asynccontextmanager
async def open_stage(
    settings: Settings, logs: Logs, backend_opener: OpenBackend
) -> AsyncIterator[Stage]:
    """Start the demo's server, with settings of its own but for the binary and the logs."""
    async with _embedded(settings) as server:
        own = Settings(
            mongo=MongoSettings.model_validate({"uri": server.uri, "database": DATABASE}),
            scan=ScanSettings(settle_seconds=DEMO_SETTLE_SECONDS),
            log=settings.log,
        )
        async with open_exchange(server.uri) as exchange, backend_opener(own, logs) as backend:
            balance_sync = _balance_sync(exchange, own, logs)
            try:
                yield _Stage(server.uri, own.mappings(), backend, exchange, balance_sync)
            finally:
                await balance_sync.close()


@contextlib.asynccontextmanager
async def _embedded(settings: Settings) -> AsyncIterator[EmbeddedMongo]:
    server = EmbeddedMongo(mongod_path=settings.embedded.mongod_path)
    try:
        await server.start()
    except MongodNotFound as error:
        raise errors.MongodNotFound(str(error)) from error
    except EmbeddedMongoFailed as error:
        raise errors.DatabaseUnavailable(str(error)) from error
    try:
        yield server
    finally:
        await server.stop()


def _balance_sync(exchange: Exchange, settings: Settings, logs: Logs) -> BalanceSync:
    return BalanceSync(
        exchange.database,
        mappings=settings.mappings(),
        scales=settings.currency_scales(),
        double_tolerance=settings.scan.double_tolerance,
        deadline_seconds=settings.sync.deadline_seconds,
        observer=PostingLog(logs),
    )


@dataclass(slots=True)
class _Stage:
    """The demo's exchange, on its own server and in the sync library's hands."""

    uri: str
    mappings: Mappings
    backend: Backend
    _exchange: Exchange
    _sync: BalanceSync
    database: str = DATABASE

    @property
    def drifted(self) -> Sequence[Account]:
        return [Account.of(user_id, currency) for user_id, currency in DRIFTED]

    async def seed(self) -> int:
        return await self._exchange.seed()

    async def make_postings(self) -> int:
        count = 0
        for posting in self._exchange.postings():
            await self._post(posting)
            count += 1
        return count

    async def bypass(self) -> Sequence[str]:
        return await self._exchange.bypass()

    async def _post(self, posting: Posting) -> None:
        account = (posting.user_id, posting.currency, posting.amount)
        match posting.kind:
            case "release":
                await self._sync.release(
                    *account,
                    posting.to_user,
                    posting.reason,
                    fee=posting.fee,
                    fee_account=FEES,
                )
            case "credit":
                await self._sync.credit(*account, posting.reason)
            case "debit":
                await self._sync.debit(*account, posting.reason)
            case "lock":
                await self._sync.lock(*account, posting.reason)
            case _:
                await self._sync.unlock(*account, posting.reason)
