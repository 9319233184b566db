"""Each role does its whole job through our own code, on a server that asks for a login."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128
from pymongo.errors import OperationFailure

from reconciler.errors import CannotLook, TradeConflict
from reconciler.escrow.service import Escrow
from reconciler.model.guarding import ValidationLevel
from reconciler.model.idempotency import KeyedRequest
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.repair import StepOutcome
from reconciler.model.report import ScanMethod, Verdict
from reconciler.model.roles import AUDITOR, DAEMON, REPAIRER, SCANNER, WRITER
from reconciler.model.scan_record import ScanTrigger
from reconciler.scanning.ports import Selection
from reconciler.storage.auditing import MongoAuditTrail
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.explaining import Explainer
from reconciler.storage.hardening import Hardening
from reconciler.storage.holdings import MongoHoldings
from reconciler.storage.idempotency import MongoIdempotencyKeys
from reconciler.storage.load import MongoLoad
from reconciler.storage.record_indexes import make_record_indexes
from reconciler.storage.schema import Schema
from reconciler.storage.trades import MongoTrades
from reconciler.sync import BalanceSync, Outcome
from tests.integration.auditing.writing import Book
from tests.integration.hardening.conftest import Guarded
from tests.integration.repairing.workshop import Workshop, options
from tests.integration.scanning.scanning import at_once, scanner
from tests.integration.watching.watching import Watched


async def drift(guarded: Guarded, user: str) -> None:
    """Write past the library, as an administrator can with a validator that is off."""
    await guarded.admin["crypto_balances"].update_one(
        {"user_id": user}, {"$inc": {"available_balance": Decimal128("1")}}
    )


async def test_the_writer_posts(guarded: Guarded) -> None:
    """Every posting, a trade, the settlement of an op_id and the key of a request."""
    database = guarded.as_role[WRITER]
    await Hardening(guarded.admin, DEFAULT_MAPPINGS).apply(replaces=False)
    sync = BalanceSync(database)
    await sync.open()
    await sync.credit("alice", "BTC", "5", "deposit")
    await sync.debit("alice", "BTC", "1", "withdrawal")
    await sync.lock("alice", "BTC", "2", "order")
    await sync.unlock("alice", "BTC", "1", "order over")
    await sync.release("alice", "bob", "BTC", "1", "trade")
    await sync.update("alice", "BTC", "-1", "1", "order")
    await sync.post([("alice", "BTC", "0", "-1"), ("bob", "BTC", "1", "0")], reason="swap")
    escrow = Escrow(sync, MongoTrades(database))
    trade = await escrow.create_trade("alice", "bob", "BTC", "1")
    await escrow.release_crypto(trade.trade_id)
    with pytest.raises(TradeConflict):
        await escrow.cancel_trade(trade.trade_id)

    keys = MongoIdempotencyKeys(database)
    request = KeyedRequest("ann credit key", "f", "ann", "credit")
    claim = await keys.claim(request, busy_seconds=5)
    await keys.let_go(request, claim)
    holdings = MongoHoldings(MongoBalanceStore(database, DEFAULT_MAPPINGS), DEFAULT_MAPPINGS)

    assert await holdings.totals("bob") == {"BTC": 3}
    assert await sync.outcome("never", settle=True) is Outcome.VOID
    balance = await sync.balance("bob", "BTC")
    assert str(balance.available) == "3"
    await sync.close()


async def test_the_writer_frees_what_was_cancelled(guarded: Guarded) -> None:
    """A posting that is cancelled in the middle kills its session, and blocks nobody."""
    sync = BalanceSync(guarded.as_role[WRITER])
    await sync.credit("alice", "BTC", "5", "deposit")
    begun = asyncio.Event()

    async def within(_session: Any) -> None:
        begun.set()
        await asyncio.sleep(60)

    posting = asyncio.create_task(sync.credit("alice", "BTC", "1", "deposit", within=within))
    await begun.wait()
    started = time.monotonic()
    posting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await posting
    await sync.credit("alice", "BTC", "1", "deposit")
    await sync.close()

    # A kill that is refused is tried again for half a minute.
    assert time.monotonic() - started < 10


async def test_the_scanner_scans_watches_and_records(guarded: Guarded, tmp_path: Path) -> None:
    """Both methods, the watch, findings, the lease, the verdict's record, and the status."""
    database = guarded.as_role[SCANNER]
    sync = BalanceSync(guarded.admin)
    for user in ("alice", "bob"):
        await sync.credit(user, "BTC", "5", "deposit")
    await make_record_indexes(database)
    for method in (ScanMethod.DIGEST, ScanMethod.EXACT):
        report = await scanner(database, options=at_once(method=method)).scan_all()
        assert report.verdict is Verdict.HEALTHY
    await drift(guarded, "bob")

    async with Watched(database).leading() as watched:
        await drift(guarded, "alice")
        await watched.confirmed("alice")
        await watched.bypassed(1)
    recorded = await watched.records.recorder.scan(
        Selection(), trigger=ScanTrigger.COMMAND, token=None
    )
    await Book(database, tmp_path).write(1)
    status = await Schema(database, DEFAULT_MAPPINGS).status()
    explainer = Explainer(MongoBalanceStore(database, DEFAULT_MAPPINGS), DEFAULT_MAPPINGS)

    assert recorded.unrecorded is None
    assert status.is_ready
    assert [each.nonconforming for each in status.validators] == [0, 2, 0, 0]
    assert (await explainer.explain("bob", "BTC")).mismatch
    with pytest.raises(OperationFailure, match="not authorized"):
        await database["wallets"].insert_one({})
    await sync.close()


async def test_the_scanner_sees_how_busy_the_server_is(guarded: Guarded) -> None:
    """That takes the role `clusterMonitor`, which is given beside ours."""
    database = guarded.as_role[SCANNER]
    before = await MongoLoad(database.client).load()
    await guarded.admin.command(
        "grantRolesToUser", SCANNER, roles=[{"role": "clusterMonitor", "db": "admin"}]
    )

    after = await MongoLoad(database.client).load()

    assert len(before.unknown) == 2
    assert after.unknown == ()


async def test_the_repairer_plans_approves_and_applies(guarded: Guarded, tmp_path: Path) -> None:
    """It puts a drifted account right, under strict validators, with its records and its trail."""
    await Hardening(guarded.admin, DEFAULT_MAPPINGS).apply(replaces=False)
    database = guarded.as_role[REPAIRER]
    shop = Workshop(database, tmp_path, options=options(approval_threshold_usd=1))
    await shop.sync.credit("alice", "BTC", "5", "deposit")
    await shop.scan()
    for document in ("available_balance", "balance"):
        await guarded.admin["crypto_balances"].update_one(
            {"user_id": "alice"},
            {"$inc": {document: Decimal128("1")}},
            bypass_document_validation=True,
        )
    await shop.scan()

    plan = await shop.plan("alice", actor="ann")
    await shop.service.approve(plan.plan_id, digest=plan.digest, actor="bob")
    result = await shop.apply(plan)
    await shop.service.set_switch(is_on=False, reason="enough", actor="ann")

    assert [step.outcome for step in result.plan.steps] == [StepOutcome.APPLIED]
    assert result.is_verified
    await shop.sync.close()


async def test_the_auditor_proves_and_reads_the_trail(guarded: Guarded, tmp_path: Path) -> None:
    """It proves and shows what others wrote, and can write nothing."""
    await Book(guarded.as_role[REPAIRER], tmp_path).write(3)
    reader = Book(guarded.as_role[AUDITOR], tmp_path)

    proof = await reader.verified(with_checkpoints=False)
    store = MongoAuditTrail(guarded.as_role[AUDITOR])
    head = await store.head()
    assert head is not None
    batches = [batch async for batch in store.batches(0, log_id=head.log_id)]

    assert (proof.is_valid, proof.records) == (True, 3)
    assert sum(map(len, batches)) == 3
    with pytest.raises(CannotLook, match="may not change"):
        await reader.write(1)


async def test_only_an_administrator_hardens(guarded: Guarded) -> None:
    """The daemon's user is told what is missing for it, and nothing was changed."""
    hardening = Hardening(guarded.as_role[DAEMON], DEFAULT_MAPPINGS)
    planned = await hardening.plan(replaces=False)

    report = await hardening.apply(replaces=False)

    assert planned.is_whole
    assert not report.is_whole
    assert all("collMod" in each.failure for each in report.guards)
    assert "userAdmin" in report.roles_failure
    status = await Schema(guarded.admin, DEFAULT_MAPPINGS).status()
    assert {each.level for each in status.validators} == {ValidationLevel.OFF}
