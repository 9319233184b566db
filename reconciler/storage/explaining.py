"""Explains one account: its copies and its last postings, as of one moment."""

from contextlib import aclosing
from decimal import Decimal

from bson import ObjectId

from reconciler.errors import CannotLook
from reconciler.model.comparison import DEFAULT_DOUBLE_TOLERANCE, compare
from reconciler.model.explanation import Explanation, JournalLine
from reconciler.model.mapping import SEQUENCE_FIELD, Mappings
from reconciler.model.schema import JOURNAL
from reconciler.scanning.ports import SeenView
from reconciler.storage import elements
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.journal import JournalReader
from reconciler.storage.merging import AccountAddress, seen_account
from reconciler.storage.moments import MongoMoment
from reconciler.storage.selection import meanings

JOURNAL_LINES_MAX = 10
DEADLINE_SECONDS = 30.0


class Explainer:
    """Explains accounts.

    Args:
        store: where the copies are read.
        mappings: what their fields mean.
        double_tolerance: for comparing doubles, in the currency's unit.
        lines_max: how many journal entries are shown.
        deadline_seconds: for one explanation.
    """

    def __init__(
        self,
        store: MongoBalanceStore,
        mappings: Mappings,
        *,
        double_tolerance: Decimal = DEFAULT_DOUBLE_TOLERANCE,
        lines_max: int = JOURNAL_LINES_MAX,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._store = store
        self._mappings = mappings
        self._double_tolerance = double_tolerance
        self._lines_max = lines_max
        self._deadline_seconds = deadline_seconds

    async def explain(self, user_id: str, currency: str) -> Explanation:
        """Show the account that a person typed: of the string, else of another id with this text.

        Raises:
            ReadInterrupted, SnapshotTooOld, CannotLook: it could not be read, or a mapped
                collection does not exist.
        """
        source = await self._store.open(deadline_seconds=self._deadline_seconds)
        there = await source.collections()
        for name in self._mappings.names:
            if name not in there:
                raise CannotLook(
                    f"the collection {name} does not exist: check mongo.database and the mapping "
                    "of the collections"
                )
        async with source.moment() as moment:
            seen = await self._find(moment, user_id, currency)
            journal = await self._journal(moment, seen)
        mismatch = compare(seen.view, self._mappings, double_tolerance=self._double_tolerance)
        return Explanation(seen.view, mismatch, journal)

    async def _find(self, moment: MongoMoment, user_id: str, currency: str) -> SeenView:
        keys = [
            seen_account(user, unit) for unit in meanings(currency) for user in meanings(user_id)
        ]
        found: list[SeenView] = []
        async with aclosing(moment.views(keys)) as views:
            async for seen in views:
                found.append(seen)
        return next((seen for seen in found if any(seen.view.copies.values())), found[0])

    async def _journal(self, moment: MongoMoment, seen: SeenView) -> tuple[JournalLine, ...]:
        names = _posted_names(seen)
        if names is None:
            return ()
        user_id, currency = names
        truth = self._mappings.truth
        key = {truth.account: {"$eq": user_id}, truth.currency: {"$eq": currency}}
        copies = await moment.finding(truth.name).find(key, newest_first="_id", limit=1)
        sequence = copies[0].get(SEQUENCE_FIELD) if copies else None
        last = sequence if isinstance(sequence, int) and not isinstance(sequence, bool) else None
        reader = JournalReader(moment.finding(JOURNAL), lines_max=self._lines_max)
        return await reader.last_lines(user_id, currency, last_sequence=last)


def _posted_names(seen: SeenView) -> tuple[str | ObjectId, str] | None:
    """Give the id and currency as the journal has them; None for such as nothing is posted to."""
    address = seen.key.address
    assert isinstance(address, AccountAddress)
    user_id, currency = address.user_id, address.currency
    if currency.type_code != elements.STRING:
        return None
    try:
        name = currency.data[4:-1].decode()
        if user_id.type_code == elements.OBJECT_ID:
            return ObjectId(user_id.data), name
        return (user_id.data[4:-1].decode(), name) if user_id.type_code == elements.STRING else None
    except UnicodeDecodeError:
        return None
