"""What a repair is decided on: findings, copies, journal, trades, the source's size, the server."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import pymongo
from bson import Decimal128, ObjectId
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from reconciler.errors import ReconcilerError
from reconciler.model.amounts import WIDE, ZERO
from reconciler.model.copies import Balance, BalanceView
from reconciler.model.finding import Finding, FindingState
from reconciler.model.identity import Account
from reconciler.model.mapping import SEQUENCE_FIELD, Mappings
from reconciler.model.planning import AccountFacts
from reconciler.model.posting import Delta, EntryKind
from reconciler.model.report import ScanMode
from reconciler.model.scan_record import ScanState
from reconciler.model.schema import JOURNAL, TRADES
from reconciler.model.trade import TradeState
from reconciler.model.truth import JournalReplay, Posted, Repaired, replay
from reconciler.repairing.stores import SourceState
from reconciler.storage import elements
from reconciler.storage.calls import Calls
from reconciler.storage.elements import RawValue
from reconciler.storage.finding_documents import coverage_of, finding_of
from reconciler.storage.leasing import LEASES
from reconciler.storage.merging import seen_account
from reconciler.storage.moments import MongoMoment
from reconciler.storage.recorded_scans import SCANS
from reconciler.storage.selection import string
from reconciler.storage.server import Client, ServerKind, probe
from reconciler.storage.shape import SIMPLE_COLLATION
from reconciler.storage.transactions import Database, own_records

FINDINGS = "integrity_findings"
READ_SECONDS_MAX = 60.0
HEALTH_SECONDS_MAX = 5.0
# An account with more postings is not replayed: the journal policy then cannot say.
REPLAY_ENTRIES_MAX = 100_000

_PROBE = "repair_probe"
_DELTAS = ("available_delta", "locked_delta")


class MongoRepairFacts:
    """Reads what a plan needs, the accounts' part of it from one snapshot.

    Args:
        database: where the balances and the records are.
        mappings: the balance collections.
    """

    def __init__(self, database: Database, mappings: Mappings) -> None:
        self._database = own_records(database)
        self._client: Client = database.client
        self._mappings = mappings

    async def open_findings(
        self, user_id: str | None, currency: str | None, *, limit: int
    ) -> Sequence[Finding]:
        """List findings that are not resolved, those that are confirmed first."""
        wanted: dict[str, Any] = {"open": True}
        if user_id is not None:
            wanted["user_id"] = {"$eq": user_id}
        if currency is not None:
            wanted["currency"] = {"$eq": currency}
        async with Calls(deadline_seconds=READ_SECONDS_MAX).bounded(FINDINGS):
            found = self._database[FINDINGS].find(wanted).sort([("state", 1), ("_id", 1)])
            documents = await found.limit(limit).to_list()
        return [finding_of(document) for document in documents]

    async def confirmed(self, finding_ids: Sequence[str]) -> frozenset[str]:
        """Give those of the findings that two snapshots have confirmed."""
        wanted = {"_id": {"$in": list(finding_ids)}, "state": {"$ne": FindingState.SUSPECT.value}}
        wanted["confirmed_at"] = {"$ne": None}
        async with Calls(deadline_seconds=READ_SECONDS_MAX).bounded(FINDINGS):
            documents = await self._database[FINDINGS].find(wanted, {"_id": 1}).to_list()
        return frozenset(document["_id"] for document in documents)

    async def accounts(self, accounts: Sequence[Account]) -> Mapping[Account, AccountFacts]:
        """Read copies, journal and open trades of accounts, all from one new snapshot."""
        if not accounts:
            return {}
        calls = Calls(deadline_seconds=READ_SECONDS_MAX)
        async with self._client.start_session(snapshot=True) as session:
            truth = self._mappings.source_of_truth
            async with calls.bounded(truth):
                # The first read of a session fixes its moment.
                await self._snapshot()[truth].find_one({}, {"_id": 1}, session=session)
            moment = MongoMoment(self._snapshot(), self._mappings, calls, session)
            views = await self._views(moment, accounts)
            return {
                account: AccountFacts(
                    views[account],
                    await self._journal(account, calls, session),
                    await self._locked_by_trades(account, calls, session),
                )
                for account in accounts
            }

    async def source(self) -> SourceState:
        """Count the source of truth, and say what the last complete full scan saw."""
        wanted = {
            "mode": ScanMode.FULL.value,
            "state": ScanState.FINISHED.value,
            "report.incomplete": [],
        }
        async with Calls(deadline_seconds=READ_SECONDS_MAX).bounded("the size of the source"):
            truth = self._database[self._mappings.source_of_truth]
            documents = await truth.estimated_document_count()
            scan = await self._database[SCANS].find_one(wanted, sort=[("sequence", -1)])
        if scan is None:
            return SourceState(documents, None, None)
        coverage = coverage_of(scan["report"])
        return SourceState(documents, coverage.accounts, coverage.users)

    async def server_problem(self) -> str | None:
        """Say why the server is not healthy: no primary, or no majority that takes writes."""
        try:
            server = await probe(self._client, deadline_seconds=HEALTH_SECONDS_MAX)
            if server.kind is ServerKind.STANDALONE:
                return "the server is a standalone one, without transactions"
            with pymongo.timeout(HEALTH_SECONDS_MAX):
                await self._database[LEASES].update_one(
                    {"_id": _PROBE}, {"$currentDate": {"at": True}}, upsert=True
                )
        except ReconcilerError as error:
            return str(error)
        except PyMongoError:
            return "no majority of the replica set takes a write"
        return None

    def _snapshot(self) -> Database:
        """Give the database without a read concern of its own: the session has one."""
        return self._database.with_options(read_concern=ReadConcern())

    async def _views(
        self, moment: MongoMoment, accounts: Sequence[Account]
    ) -> Mapping[Account, BalanceView]:
        postable = [each for each in accounts if _key(each) is not None]
        keys = [seen_account(_raw(each), string(each.currency.text)) for each in postable]
        found = {
            account: BalanceView(account, {}) for account in accounts if account not in postable
        }
        async with aclosing(moment.views(keys)) as views:
            read = [seen.view.copies async for seen in views]
        for account, copies in zip(postable, read, strict=True):
            found[account] = BalanceView(account, copies)
        return found

    async def _journal(
        self, account: Account, calls: Calls, session: AsyncClientSession
    ) -> JournalReplay:
        key = _key(account)
        if key is None:
            return JournalReplay(None)
        pipeline = _entries_of(key)
        async with calls.bounded(JOURNAL):
            cursor = await self._snapshot()[JOURNAL].aggregate(
                pipeline, session=session, collation=SIMPLE_COLLATION, allowDiskUse=True
            )
            rows = await cursor.to_list()
            truth = self._mappings.truth
            copy = await self._snapshot()[truth.name].find_one(
                {truth.account: {"$eq": key[0]}, truth.currency: {"$eq": key[1]}},
                {SEQUENCE_FIELD: 1},
                session=session,
                collation=SIMPLE_COLLATION,
            )
        if len(rows) > REPLAY_ENTRIES_MAX:
            problem = f"it has more than {REPLAY_ENTRIES_MAX} journal entries"
            return JournalReplay(None, problem, await self._repairs(key, calls, session))
        last = (copy or {}).get(SEQUENCE_FIELD)
        if not isinstance(last, int) or isinstance(last, bool):
            last = None
        try:
            entries = [_posted(row) for row in rows]
        except (AttributeError, KeyError, TypeError, ValueError):
            # Somebody wrote into the journal: whatever it says of this account is no proof.
            problem = "a journal entry of the account cannot be read: audit the journal"
            return JournalReplay(None, problem, await self._repairs(key, calls, session))
        return replay(entries, last_sequence=last)

    async def _repairs(
        self, key: tuple[str | ObjectId, str], calls: Calls, session: AsyncClientSession
    ) -> tuple[Repaired, ...]:
        """List the repairs of an account whose whole journal cannot be added up."""
        wanted = {
            "accounts": {"$elemMatch": _account_of(key)},
            "kind": EntryKind.REPAIR.value,
            "time": {"$type": "date"},
        }
        async with calls.bounded(JOURNAL):
            found = self._snapshot()[JOURNAL].find(
                wanted, {"op_id": 1, "time": 1}, session=session, collation=SIMPLE_COLLATION
            )
            documents = await found.sort("time", 1).to_list()
        return tuple(Repaired(str(each["op_id"]), each["time"]) for each in documents)

    async def _locked_by_trades(
        self, account: Account, calls: Calls, session: AsyncClientSession
    ) -> Decimal | None:
        wanted = {
            "seller_id": {"$eq": account.user_id.text},
            "currency": {"$eq": account.currency.text},
            "state": TradeState.LOCKED.value,
        }
        async with calls.bounded(TRADES):
            found = self._snapshot()[TRADES].find(
                wanted, {"amount": 1}, session=session, collation=SIMPLE_COLLATION
            )
            documents = await found.to_list()
        locked = ZERO
        for document in documents:
            amount = document.get("amount")
            if not isinstance(amount, Decimal128) or not amount.to_decimal().is_finite():
                return None
            locked = WIDE.add(locked, amount.to_decimal())
        return locked


def _key(account: Account) -> tuple[str | ObjectId, str] | None:
    """Give the names under which an account is posted to; None for one that is not."""
    if account.currency.bson_type != "string":
        return None
    if account.user_id.bson_type == "objectId":
        return ObjectId(account.user_id.text), account.currency.text
    if account.user_id.bson_type == "string":
        return account.user_id.text, account.currency.text
    return None


def _raw(account: Account) -> RawValue:
    if account.user_id.bson_type == "objectId":
        return RawValue(elements.OBJECT_ID, bytes.fromhex(account.user_id.text))
    return string(account.user_id.text)


def _account_of(key: tuple[str | ObjectId, str]) -> Mapping[str, Any]:
    user_id, currency = key
    return {"user_id": {"$eq": user_id}, "currency": {"$eq": currency}}


def _entries_of(key: tuple[str | ObjectId, str]) -> list[Mapping[str, Any]]:
    """Find an account's part of each of its entries, in the order of its numbers."""
    user_id, currency = key

    def own(field: str) -> Mapping[str, Any]:
        is_own = [
            {"$eq": ["$$each.user_id", {"$literal": user_id}]},
            {"$eq": ["$$each.currency", {"$literal": currency}]},
        ]
        listed = {"$cond": [{"$isArray": f"${field}"}, f"${field}", []]}
        return {"$filter": {"input": listed, "as": "each", "cond": {"$and": is_own}}}

    return [
        {"$match": {"accounts": {"$elemMatch": _account_of(key)}}},
        {
            "$project": {
                "kind": 1,
                "op_id": 1,
                "time": 1,
                "legs": own("legs"),
                "account": {"$first": own("accounts")},
            }
        },
        {"$sort": {"account.sequence": 1}},
        {"$limit": REPLAY_ENTRIES_MAX + 1},
    ]


def _posted(row: Mapping[str, Any]) -> Posted:
    sums = [ZERO, ZERO]
    for leg in row["legs"]:
        for number, field in enumerate(_DELTAS):
            sums[number] = WIDE.add(sums[number], _decimal(leg.get(field)))
    balance = row["account"].get("balance") or {}
    amounts = [balance.get("available"), balance.get("locked")]
    is_whole = all(isinstance(each, Decimal128) for each in amounts)
    return Posted(
        sequence=int(row["account"]["sequence"]),
        kind=str(row["kind"]),
        op_id=str(row["op_id"]),
        time=row["time"],
        delta=Delta(*sums),
        balance=Balance(*map(_decimal, amounts)) if is_whole else None,
    )


def _decimal(value: object) -> Decimal:
    if not isinstance(value, Decimal128) or not value.to_decimal().is_finite():
        raise ValueError("a journal entry holds an amount that is no decimal")
    return value.to_decimal()
