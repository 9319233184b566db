"""Explains one account: its copies and its last postings, as of one moment."""

from collections.abc import Mapping
from contextlib import aclosing
from decimal import Decimal
from typing import Any

from bson import ObjectId
from pymongo import DESCENDING
from pymongo.asynchronous.client_session import AsyncClientSession

from reconciler.model.comparison import DEFAULT_DOUBLE_TOLERANCE, compare
from reconciler.model.copies import BalanceView
from reconciler.model.explanation import Explanation, JournalLine
from reconciler.model.identity import Account
from reconciler.model.mapping import SEQUENCE_FIELD, Mappings
from reconciler.model.schema import JOURNAL
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.calls import Calls, Database
from reconciler.storage.journal import Entry, JournalReader
from reconciler.storage.merging import seen_account
from reconciler.storage.moments import MongoMoment
from reconciler.storage.selection import meanings, string
from reconciler.storage.wire import CODEC_OPTIONS

EXPLAIN_SECONDS_MAX = 30.0


class Explainer:
    """Reads what is known of accounts.

    Args:
        database: where the balance collections and the journal are.
        mappings: which the balance collections are.
        double_tolerance: as in `compare`.
    """

    def __init__(
        self,
        database: Database,
        mappings: Mappings,
        *,
        double_tolerance: Decimal = DEFAULT_DOUBLE_TOLERANCE,
    ) -> None:
        self._database = database
        self._mappings = mappings
        self._double_tolerance = double_tolerance
        self._store = MongoBalanceStore(database, mappings)

    async def explain(self, user_id: str, currency: str) -> Explanation:
        """Read one account; of the ids that a person may mean, the first that has a copy.

        Raises:
            DatabaseUnavailable, ReadInterrupted, CannotLook: it could not be read.
        """
        source = await self._store.open(deadline_seconds=EXPLAIN_SECONDS_MAX)
        calls = Calls(deadline_seconds=EXPLAIN_SECONDS_MAX)
        async with source.moment() as moment:
            view = await self._view(moment, user_id, currency)
            journal = await self._journal(calls, moment, view)
        mismatch = compare(view, self._mappings, double_tolerance=self._double_tolerance)
        return Explanation(view, mismatch, journal)

    async def _view(self, moment: MongoMoment, user_id: str, currency: str) -> BalanceView:
        wanted = [seen_account(meaning, string(currency)) for meaning in meanings(user_id)]
        views = moment.views(wanted)
        async with aclosing(views):
            async for seen in views:
                if any(seen.view.copies.values()):
                    return seen.view
        return BalanceView(Account.of(user_id, currency), {})

    async def _journal(
        self, calls: Calls, moment: MongoMoment, view: BalanceView
    ) -> tuple[JournalLine, ...]:
        user_id, currency = view.account.user_id, view.account.currency.text
        if user_id.bson_type not in {"string", "objectId"}:
            return ()  # no posting can be made on other ids
        value = ObjectId(user_id.text) if user_id.bson_type == "objectId" else user_id.text
        truth = self._mappings.truth
        journal = _Found(calls, self._database, JOURNAL, moment.session)
        copies = _Found(calls, self._database, truth.name, moment.session)
        key = {truth.account: {"$eq": value}, truth.currency: {"$eq": currency}}
        found = await copies.find(key, newest_first=truth.updated, limit=1)
        sequence = found[0].get(SEQUENCE_FIELD) if found else None
        return await JournalReader(journal).last_lines(
            value,
            currency,
            last_sequence=int(sequence) if isinstance(sequence, int) else None,
        )


class _Found:
    """Documents of one collection, as `JournalReader` asks for them."""

    def __init__(
        self,
        calls: Calls,
        database: Database,
        collection: str,
        session: AsyncClientSession | None,
    ) -> None:
        self._calls = calls
        self._collection = database.with_options(codec_options=CODEC_OPTIONS)[collection]
        self._session = session

    async def find(
        self, wanted: Mapping[str, Any], *, newest_first: str, limit: int
    ) -> list[Entry]:
        with self._calls.bounded(self._collection.name):
            cursor = self._collection.find(wanted, session=self._session)
            return list(await cursor.sort(newest_first, DESCENDING).limit(limit).to_list())
