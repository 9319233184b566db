"""Divides the accounts into ranges by the data: user ids drawn at random become the bounds."""

from collections.abc import Sequence

from reconciler.model.digest import SAMPLE_USERS
from reconciler.model.mapping import CollectionMapping, Mappings
from reconciler.scanning.ports import Bound, KeyRange
from reconciler.storage.calls import Calls, Database
from reconciler.storage.elements import RawValue
from reconciler.storage.merging import bound_at
from reconciler.storage.ordering import NOT_A_NUMBER
from reconciler.storage.shape import users_sample

RANGE_ACCOUNTS = 40_000
RANGES_MAX = 1_000
SAMPLES_PER_RANGE = 20
MIDDLE_SAMPLES = 100


class Dividing:
    """Finds the bounds of ranges. They need not be of one moment: any bounds are right."""

    def __init__(
        self, database: Database, mappings: Mappings, calls: Calls, *, range_accounts: int
    ) -> None:
        self._database = database
        self._mappings = mappings
        self._calls = calls
        self._range_accounts = range_accounts

    async def estimates(self) -> list[int]:
        """Estimate the number of documents in each collection."""
        found = []
        for name in self._mappings.names:
            async with self._calls.bounded(name):
                found.append(await self._database[name].estimated_document_count())
        return found

    async def ranges(self, accounts: int | None = None) -> list[KeyRange]:
        """Divide all accounts into ranges of roughly equal size: `accounts`, if that is given."""
        estimates = await self.estimates()
        largest = max(estimates)
        count = min(-(-largest // (accounts or self._range_accounts)), RANGES_MAX)
        if count < 2:
            return [KeyRange()]
        drawn: list[Bound] = []
        for mapping, estimate in zip(self._mappings, estimates, strict=True):
            size = SAMPLES_PER_RANGE * count * estimate // largest
            drawn += await self._draw(mapping, KeyRange(), size) if size else []
        bounds = _evenly_spaced(drawn, count - 1)
        return [
            KeyRange(lower, upper)
            for lower, upper in zip([None, *bounds], [*bounds, None], strict=True)
        ]

    async def middle(self, key_range: KeyRange) -> Bound | None:
        """Find a user id that divides a range; None if it holds no two of them."""
        drawn: list[Bound] = []
        for mapping in self._mappings:
            drawn += await self._draw(mapping, key_range, MIDDLE_SAMPLES)
        distinct = _sorted_distinct(drawn)[1:]
        return distinct[len(distinct) // 2] if distinct else None

    async def draw_ids(self) -> list[RawValue]:
        """Draw ids of users at random, in the source of truth; a missing one is left out."""
        return await self._draw_ids(self._mappings.truth, KeyRange(), SAMPLE_USERS)

    async def _draw_ids(
        self, mapping: CollectionMapping, key_range: KeyRange, size: int
    ) -> list[RawValue]:
        pipeline = users_sample(mapping, key_range, size)
        rows = self._calls.rows(self._database, mapping.name, pipeline)
        return [row["u"] async for row in rows if "u" in row]

    async def _draw(
        self, mapping: CollectionMapping, key_range: KeyRange, size: int
    ) -> list[Bound]:
        users = await self._draw_ids(mapping, key_range, size)
        bounds = [bound_at(user) for user in users if user.is_scalar]
        return [bound for bound in bounds if bound.order != NOT_A_NUMBER]


def _sorted_distinct(bounds: Sequence[Bound]) -> list[Bound]:
    by_order = {bound.order: bound for bound in bounds}
    return [by_order[order] for order in sorted(by_order)]


def _evenly_spaced(drawn: Sequence[Bound], count: int) -> list[Bound]:
    """Choose at most `count` of them, so that about as many lie between each two."""
    ordered = sorted(drawn, key=lambda bound: bound.order)
    if not ordered:
        return []
    chosen = [ordered[(i + 1) * len(ordered) // (count + 1)] for i in range(count)]
    return _sorted_distinct(chosen)
