"""The accounts that changed and were not checked since, and when each must be."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.scanning.ports import Order, SeenKey


@dataclass(slots=True)
class Touched:
    """An account that changed.

    `mark` numbers the batch with its first change that was not checked; `first_at` and `last_at`
    are when its first and last such changes came, `behind_seconds` how old the first was then.
    """

    key: SeenKey
    mark: int
    first_at: float
    last_at: float
    behind_seconds: float


class PendingAccounts:
    """At most `accounts_max` accounts, and those of one more batch.

    An account is due once it was quiet for `settle_seconds`, or has waited for `max_wait_seconds`:
    one that is never quiet is checked too. While it is full nothing waits to fall quiet.
    """

    def __init__(
        self, *, settle_seconds: float, max_wait_seconds: float, accounts_max: int
    ) -> None:
        self._settle_seconds = settle_seconds
        self._max_wait_seconds = max_wait_seconds
        self._accounts_max = accounts_max
        # In the order of their first changes.
        self._accounts: dict[Order, Touched] = {}

    def __len__(self) -> int:
        return len(self._accounts)

    @property
    def is_full(self) -> bool:
        """Whether no more should be read before some are checked."""
        return len(self._accounts) >= self._accounts_max

    @property
    def oldest_mark(self) -> int | None:
        """The batch of the oldest change that was not checked; None if there is none."""
        return next((each.mark for each in self._accounts.values()), None)

    def touch(self, key: SeenKey, *, mark: int, now: float, behind_seconds: float) -> None:
        """Note a change."""
        known = self._accounts.get(key.order)
        if known is None:
            self._accounts[key.order] = Touched(key, mark, now, now, behind_seconds)
        else:
            known.last_at = now

    def due(self, now: float, *, limit: int) -> Sequence[Touched]:
        """List those that must be checked now, the oldest first; they stay until `done`."""
        found: list[Touched] = []
        for each in self._accounts.values():
            if len(found) >= limit:
                break
            if self._is_due(each, now):
                found.append(each)
        return found

    def done(self, checked: Sequence[Touched]) -> None:
        """Forget those that were checked; what changes from now on begins anew."""
        for each in checked:
            del self._accounts[each.key.order]

    def _is_due(self, each: Touched, now: float) -> bool:
        is_quiet = now - each.last_at >= self._settle_seconds
        has_waited = now - each.first_at >= self._max_wait_seconds
        return is_quiet or has_waited or self.is_full
