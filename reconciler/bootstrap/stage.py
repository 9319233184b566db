"""Builds the demo: a server of its own, a small exchange on it, and the sync library."""

import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from reconciler import errors
from reconciler.embedded import EmbeddedMongo, EmbeddedMongoFailed, MongodNotFound
from reconciler.embedded.exchange import DATABASE, DRIFTED, Exchange, Posting, open_exchange
from reconciler.embedded.exchange import FEE_ACCOUNT as FEES
from reconciler.keys import make_keys
from reconciler.model.identity import Account
from reconciler.model.mapping import Mappings
from reconciler.settings import (
    ApiSettings,
    AuditSettings,
    MongoSettings,
    RepairSettings,
    ScanSettings,
    Settings,
)
from reconciler.surfaces.log_events import PostingLog
from reconciler.surfaces.logs import Logs
from reconciler.surfaces.ports import Backend, Stage
from reconciler.sync import BalanceSync

OpenBackend = Callable[[Settings, Logs], AbstractAsyncContextManager[Backend]]

# Nobody writes while the demo checks, so that it need not wait long before it looks again.
DEMO_SETTLE_SECONDS = 0.5
# A reader who changes something sees what the daemon makes of it soon.
DEMO_INTERVAL_SECONDS = 15.0


@contextlib.asynccontextmanager
async def open_stage(
    settings: Settings, logs: Logs, backend_opener: OpenBackend
) -> AsyncIterator[Stage]:
    """Start the demo's server, with settings of its own but for the binary and the logs."""
    with tempfile.TemporaryDirectory(prefix="reconciler-demo-") as folder:
        async with _opened(settings, logs, backend_opener, Path(folder)) as stage:
            yield stage


@contextlib.asynccontextmanager
async def _opened(
    settings: Settings, logs: Logs, backend_opener: OpenBackend, folder: Path
) -> AsyncIterator[Stage]:
    async with open_embedded(settings) as server:
        own = Settings(
            mongo=MongoSettings.model_validate({"uri": server.uri, "database": DATABASE}),
            scan=ScanSettings(
                settle_seconds=DEMO_SETTLE_SECONDS,
                interval_seconds=DEMO_INTERVAL_SECONDS,
                jitter_seconds=0,
            ),
            api=ApiSettings(
                port=_free_or_any(settings.api.port), test_endpoints=True, escrow_endpoints=True
            ),
            log=settings.log,
            repair=RepairSettings(enabled=True, escalation_contact="the demo has nobody to call"),
            audit=_audit(folder),
        )
        async with open_exchange(server.uri) as exchange, backend_opener(own, logs) as backend:
            balance_sync = _balance_sync(exchange, own, logs)
            try:
                yield _Stage(server.uri, own, own.mappings(), backend, exchange, balance_sync)
            finally:
                await balance_sync.close()


@contextlib.asynccontextmanager
async def open_embedded(settings: Settings) -> AsyncIterator[EmbeddedMongo]:
    """Start a server on loopback.

    Raises:
        MongodNotFound: there is no binary. DatabaseUnavailable: it does not start.
    """
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


def _audit(folder: Path) -> AuditSettings:
    """Make a key for the demo's audit trail: without checkpoints nothing is repaired."""
    signing = folder / "audit.pem"
    make_keys(signing, folder / "audit.pub")
    return AuditSettings(signing_key_path=signing, checkpoint_path=folder / "checkpoints")


def _free_or_any(port: int) -> int:
    """Give the port, or 0 for any one if somebody else has it."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


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
    settings: Settings
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
