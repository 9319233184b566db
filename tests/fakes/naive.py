"""A backend that reads one account after the other: slow, simple, for the tests alone."""

import contextlib
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.errors import DatabaseUnavailable
from reconciler.model.comparison import compare
from reconciler.model.identity import Account, Identifier
from reconciler.model.posting import Delta
from reconciler.model.report import Consistency, Coverage, ScanMode, ScanReport
from reconciler.model.schema import JOURNAL, required_indexes
from reconciler.settings import Settings
from reconciler.surfaces.logs import Logs
from reconciler.surfaces.ports import (
    Explanation,
    IndexReport,
    IndexState,
    JournalLine,
    Progress,
    Reconciliation,
    SchemaReport,
)
from reconciler.sync.accounts import identifier_of, read_accounts
from reconciler.sync.journal import result_of
from reconciler.sync.transaction import Reading
from tests.fakes.audit import WithoutAudit


class NaiveBackend(WithoutAudit):
    def __init__(self, database: AsyncDatabase[dict[str, Any]], settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._mappings = settings.mappings()

    async def reconcile(self, *, progress: Progress) -> Reconciliation:
        report = await self.check(None, None, progress=progress)
        return Reconciliation(report, unrecorded=None, leader=None)

    async def check(
        self, user_id: str | None, currency: str | None, *, progress: Progress
    ) -> ScanReport:
        started = time.monotonic()
        accounts = [
            account
            for account in await self._accounts()
            if user_id in {None, account.user_id.text} and currency in {None, account.currency.text}
        ]
        found = []
        for done, account in enumerate(accounts, 1):
            explanation = await self._explain(account)
            found += [explanation.mismatch] if explanation.mismatch else []
            progress(done, len(accounts))
        limit = self._settings.scan.mismatches_max
        mode = ScanMode.USER if user_id else ScanMode.CURRENCY if currency else ScanMode.FULL
        return ScanReport(
            scan_id=uuid.uuid4().hex,
            mode=mode,
            consistency=Consistency.SNAPSHOT,
            started_at=datetime.now(UTC),
            duration_seconds=time.monotonic() - started,
            coverage=Coverage(
                len(accounts),
                len({account.user_id for account in accounts}),
                len({account.currency for account in accounts}),
            ),
            mismatch_count=len(found),
            mismatched_users=len({mismatch.account.user_id for mismatch in found}),
            by_kind=Counter(mismatch.kind for mismatch in found),
            mismatches=tuple(found[:limit]),
        )

    async def explain(self, user_id: str, currency: str) -> Explanation:
        return await self._explain(Account.of(user_id, currency))

    async def init_schema(self) -> SchemaReport:
        for index in required_indexes(self._mappings):
            await self._database[index.collection].create_index(
                list(index.fields), name=index.name, unique=True, sparse=index.sparse
            )
        return await self.schema_status()

    async def schema_status(self) -> SchemaReport:
        reports = []
        for index in required_indexes(self._mappings):
            names = await self._database[index.collection].index_information()
            state = IndexState.PRESENT if index.name in names else IndexState.MISSING
            reports.append(IndexReport(index, state))
        return SchemaReport("a MongoDB", (), tuple(reports))

    async def _accounts(self) -> list[Account]:
        accounts = set()
        for mapping in self._mappings:
            async for document in self._database[mapping.name].find():
                user_id = identifier_of(document[mapping.account])
                accounts.add(Account(user_id, Identifier(document[mapping.currency])))
        return sorted(accounts, key=str)

    async def _explain(self, account: Account) -> Explanation:
        async with self._database.client.start_session(snapshot=True) as session:
            found, _ = await read_accounts(
                Reading(session, self._database), [account], self._mappings
            )
        lines = []
        cursor = self._database[JOURNAL].find(
            {
                "accounts.user_id": account.user_id.text,
                "accounts.currency": account.currency.text,
            }
        )
        async for entry in cursor.sort("accounts.sequence", -1).limit(5):
            result = result_of({"reason": "", **entry})
            each = next(each for each in result.accounts if each.account == account)
            delta = Delta(
                each.after.available - each.before.available, each.after.locked - each.before.locked
            )
            lines.append(
                JournalLine(
                    result.time,
                    each.sequence,
                    result.kind.value,
                    result.reason,
                    result.op_id,
                    delta,
                    each.after,
                )
            )
        view = found[account].view
        return Explanation(view, compare(view, self._mappings), tuple(lines))


@contextlib.asynccontextmanager
async def open_naive(settings: Settings, _logs: Logs) -> AsyncIterator[NaiveBackend]:
    client = AsyncMongoClient[dict[str, Any]](
        settings.mongo.uri.get_secret_value(), serverSelectionTimeoutMS=2000, tz_aware=True
    )
    async with client:
        try:
            await client.admin.command("ping")
        except Exception as error:
            raise DatabaseUnavailable("no server answers") from error
        yield NaiveBackend(client[settings.mongo.database], settings)
