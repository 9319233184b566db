"""What the scanner needs of a database, and the values that go between them.

The scanner decides what is wrong; how documents are read, ordered and found again is known behind
these Protocols alone. `order` values sort as the server sorts and can be hashed; `address` values
mean nothing here and are handed back as they came.
"""

from collections.abc import AsyncGenerator, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from reconciler.model.copies import BalanceView
from reconciler.model.digest import Buckets, Digests
from reconciler.model.report import Consistency, ScanMode

Order = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """A user id at which a range begins or ends; `label` is for people."""

    order: Order
    label: str
    address: object


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The accounts from one user id up to, but not with, another; None is open.

    The values of `order` rank all types, so that ranges that meet leave nothing out. With `buckets`
    it is those accounts alone that are in one of them.
    """

    lower: Bound | None = None
    upper: Bound | None = None
    buckets: Buckets | None = None

    def up_to(self, upper: Bound) -> "KeyRange":
        """Give the part below a user id."""
        return replace(self, upper=upper)

    def from_on(self, lower: Bound) -> "KeyRange":
        """Give the part from a user id on."""
        return replace(self, lower=lower)

    def of_buckets(self, buckets: Buckets) -> "KeyRange":
        """Give the part in some buckets."""
        return replace(self, buckets=buckets)

    def within(self, other: "KeyRange") -> "KeyRange | None":
        """Give the part that lies in another range, too; None if there is none."""
        lowers = [each.lower for each in (self, other) if each.lower is not None]
        uppers = [each.upper for each in (self, other) if each.upper is not None]
        lower = max(lowers, key=lambda bound: bound.order, default=None)
        upper = min(uppers, key=lambda bound: bound.order, default=None)
        if lower is not None and upper is not None and lower.order >= upper.order:
            return None
        return replace(self, lower=lower, upper=upper)

    def __str__(self) -> str:
        if self.buckets is not None:
            return f"{replace(self, buckets=None)}, of {len(self.buckets.chosen)} buckets"
        if self.lower is None and self.upper is None:
            return "all accounts"
        if self.lower is None:
            return f"the accounts below user {self.upper.label}" if self.upper else ""
        upper = f" up to {self.upper.label}" if self.upper else " on"
        return f"the accounts from user {self.lower.label}{upper}"


@dataclass(frozen=True, slots=True)
class Selection:
    """A user id and a currency as a person types them; None selects all."""

    user_id: str | None = None
    currency: str | None = None

    @property
    def mode(self) -> ScanMode:
        """What a scan of it is called."""
        if self.user_id is not None:
            return ScanMode.USER
        return ScanMode.FULL if self.currency is None else ScanMode.CURRENCY


@dataclass(frozen=True, slots=True)
class SeenKey:
    """What was seen: an account, or one document that has no sound identity.

    `user` is None where the document has no sound user id.
    """

    order: Order
    user: Hashable | None
    is_account: bool
    address: object


@dataclass(frozen=True, slots=True)
class SeenView:
    """A view that must be compared, or that of a single document without a sound identity."""

    key: SeenKey
    view: BalanceView


@dataclass(frozen=True, slots=True)
class Portion:
    """The next part of a range, wholly merged, the numbers being those of this part alone.

    `views` are those that the database could not tell to be sound; all others are. `currencies` are
    those not told before. From `resume_at` on nothing was told yet; None: the range is done.
    """

    accounts: int
    users: int
    currencies: frozenset[Hashable]
    views: tuple[SeenView, ...]
    resume_at: Bound | None


class Moment(Protocol):
    """The collections as of one moment, or plain reads where the server has no snapshots."""

    def portions(self, key_range: KeyRange, selection: Selection) -> AsyncGenerator[Portion, None]:
        """Merge the collections within a range.

        Raises:
            SnapshotTooOld: this moment cannot be read any more; what was given stands.
            ReadInterrupted: reading failed in a way that may pass.
            CannotLook: it cannot be read.
        """

    async def digests(
        self, key_range: KeyRange, *, accounts: int, collections_parallel: int
    ) -> Digests | None:
        """Have the digests of a range computed; None if the server cannot.

        `accounts` is about how many there are, by which the number of buckets is chosen.

        Raises:
            SnapshotTooOld, ReadInterrupted, CannotLook: as above.
        """

    def views(self, keys: Sequence[SeenKey]) -> AsyncGenerator[SeenView, None]:
        """Read in full what was seen before; one without any document has a view without copies.

        Raises:
            SnapshotTooOld, ReadInterrupted, CannotLook: as above.
        """


class BalanceSource(Protocol):
    """The balance collections during one scan; no call outlives the scan's deadline.

    Each method may raise `ReadInterrupted` or `CannotLook`.
    """

    @property
    def consistency(self) -> Consistency:
        """Whether its moments are snapshots."""

    async def collections(self) -> Mapping[str, Hashable]:
        """Name the mapped collections that exist, each with what it keeps only as long as it lives.

        That is None for a view, which holds nothing of its own.
        """

    async def estimated_accounts(self) -> int:
        """Estimate the number of accounts, for showing progress."""

    async def ranges(self, *, accounts: int | None = None) -> Sequence[KeyRange]:
        """Divide all accounts into ranges of roughly equal size, by the data.

        That is `accounts`, or what suits reading them one by one.
        """

    async def middle(self, key_range: KeyRange) -> Bound | None:
        """Find a user id that divides a range by its data; None if it holds no two users."""

    def moment(self) -> AbstractAsyncContextManager[Moment]:
        """Open a new moment, not before now."""


class BalanceStore(Protocol):
    """Where a scan gets its source from."""

    async def open(self, *, deadline_seconds: float) -> BalanceSource:
        """Find out what server this is, and bind all reads to a deadline.

        Raises:
            ReadInterrupted, CannotLook: the server could not be asked.
        """
