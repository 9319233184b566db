"""Puts the events of one transaction together again: they come one after the other."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from reconciler.scanning.ports import Order, SeenKey
from reconciler.watching.ports import CopyWritten, EntryWritten


@dataclass(slots=True)
class WrittenTogether:
    """The writes of one transaction, or a single one outside of any.

    `accounts` are those of its journal entries; None if it wrote none. `mark` is the batch in which
    it began.
    """

    mark: int
    transaction: Hashable | None
    writes: list[CopyWritten] = field(default_factory=list)
    accounts: dict[Order, SeenKey] | None = None


class Grouping:
    """Takes events in order; at most one transaction is open."""

    def __init__(self) -> None:
        self._open: WrittenTogether | None = None

    @property
    def open_mark(self) -> int | None:
        """The batch in which the open transaction began; None if none is."""
        return None if self._open is None else self._open.mark

    def take(self, event: CopyWritten | EntryWritten, *, mark: int) -> list[WrittenTogether]:
        """Take one event; give what it ends."""
        ended: list[WrittenTogether] = []
        if self._open is not None and self._open.transaction != event.transaction:
            ended.append(self._open)
            self._open = None
        group = self._open or WrittenTogether(mark, event.transaction)
        if isinstance(event, EntryWritten):
            accounts = {key.order: key for key in event.keys}
            group.accounts = accounts if group.accounts is None else group.accounts | accounts
        else:
            group.writes.append(event)
        if event.transaction is None:
            ended.append(group)
        else:
            self._open = group
        return ended

    def end(self) -> list[WrittenTogether]:
        """Give what is open: nothing followed it, so that it is whole."""
        ended = [] if self._open is None else [self._open]
        self._open = None
        return ended
