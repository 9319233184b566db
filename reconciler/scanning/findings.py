"""Collects what was confirmed: counts that are never cut, and so many mismatches as are wanted."""

from bisect import insort
from collections import Counter
from collections.abc import Hashable

from reconciler.model.comparison import Mismatch, MismatchKind
from reconciler.scanning.ports import Order, SeenKey


class Findings:
    """The confirmed mismatches of one scan.

    Users are counted in memory that does not grow with their number: confirmation goes through the
    ranges in batches, in each of them in order, and no range shares a user with another one. So
    all that can be met twice is the last user that an earlier batch had in a range.
    """

    def __init__(self, mismatches_max: int) -> None:
        self.by_kind: Counter[MismatchKind] = Counter()
        self.users = 0
        self._mismatches_max = mismatches_max
        self._kept: list[tuple[Order, Mismatch]] = []
        self._batch_users: set[tuple[int, Hashable]] = set()
        self._last_users: dict[int, Order] = {}

    @property
    def count(self) -> int:
        """How many accounts, and documents without a sound identity, are wrong."""
        return self.by_kind.total()

    @property
    def mismatches(self) -> tuple[Mismatch, ...]:
        """The mismatches of the smallest keys, in their order."""
        return tuple(mismatch for _, mismatch in self._kept)

    def add(self, range_number: int, key: SeenKey, mismatch: Mismatch) -> None:
        """Take a confirmed mismatch of the current batch."""
        self.by_kind[mismatch.kind] += 1
        if key.user is not None:
            self._batch_users.add((range_number, key.user))
        insort(self._kept, (key.order, mismatch), key=lambda kept: kept[0])
        del self._kept[self._mismatches_max :]

    def end_batch(self) -> None:
        """Count the users of the batch."""
        lasts: dict[int, Order] = {}
        for range_number, user in self._batch_users:
            assert isinstance(user, tuple)
            self.users += self._last_users.get(range_number) != user
            lasts[range_number] = max(lasts.get(range_number, user), user)
        self._last_users |= lasts
        self._batch_users = set()
