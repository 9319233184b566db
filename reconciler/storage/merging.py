"""Merges the collections' streams by key, in memory that does not grow with their length."""

import asyncio
from collections.abc import AsyncGenerator, Hashable, Sequence
from dataclasses import dataclass

from reconciler.model.copies import BalanceView, Copy
from reconciler.model.identity import Account
from reconciler.scanning.ports import Bound, Portion, SeenKey, SeenView
from reconciler.storage.agreement import Run, take_agreed, value_of
from reconciler.storage.elements import RawValue, document_end, elements
from reconciler.storage.ordering import LOWEST, Order, bracket_order, order_of
from reconciler.storage.streams import RawStream
from reconciler.storage.wire import copy_from, identifier_from

# Of an account that is doubled over and over in one collection, so many copies are looked at.
COPIES_MAX = 10

# A portion is given when it has so many views, however few accounts were merged.
VIEWS_MAX = 256

# So many documents with an id that is an array or the like are held back, see `_Tally`.
HELD_MAX = 10_000


@dataclass(frozen=True, slots=True)
class AccountAddress:
    """An account's user id and currency, as stored."""

    user_id: RawValue
    currency: RawValue


@dataclass(frozen=True, slots=True)
class DocumentAddress:
    """One document without a sound identity: its collection and `_id`."""

    collection: str
    document_id: RawValue


def bound_at(user_id: RawValue) -> Bound:
    """Make the bound of a range at a user id."""
    label = ascii(identifier_from(user_id).text[:64])
    return Bound(order_of(user_id), label, user_id)


def seen_account(user_id: RawValue, currency: RawValue) -> SeenKey:
    """Make the key of an account."""
    user = order_of(user_id)
    address = AccountAddress(user_id, currency)
    return SeenKey((user, order_of(currency)), user, is_account=True, address=address)


def odd_document(collection: str, fields: dict[str, RawValue], document_id: RawValue) -> SeenView:
    """Make the view of a document whose user id or currency is missing or no scalar."""
    user, currency = fields.get("u"), fields.get("c")
    user_order = order_of(user) if user is not None and user.is_scalar else None
    place = (-1, collection, document_id.type_code, document_id.data)
    key = SeenKey(
        (user_order or bracket_order(user), place),
        user_order,
        is_account=False,
        address=DocumentAddress(collection, document_id),
    )
    account = Account(identifier_from(user), identifier_from(currency))
    return SeenView(key, BalanceView(account, {collection: (copy_from(fields),)}))


class Head:
    """The first document of a stream that was not taken yet, taken apart."""

    __slots__ = ("fields", "order", "size_bytes", "user_order")

    def __init__(self, stream: RawStream) -> None:
        end = document_end(stream.buffer, stream.position)
        self.size_bytes = end - stream.position
        fields = elements(stream.buffer[stream.position : end])
        extra = fields.pop("x", None)
        if extra is not None:
            fields.update(elements(extra.data))
        self.fields = fields
        user, currency = fields.get("u"), fields.get("c")
        self.user_order: Order | None = None
        self.order: tuple[Order, Order] = (LOWEST, LOWEST)
        if user is not None and user.is_scalar:
            self.user_order = order_of(user)
            is_sound = currency is not None and currency.is_scalar
            # Without a currency it is taken alone, as soon as its user is the first one.
            self.order = (self.user_order, order_of(currency) if is_sound and currency else LOWEST)

    @property
    def is_odd(self) -> bool:
        """Whether it belongs to no account."""
        return self.order[1] == LOWEST


class Merge:
    """One merge of one range."""

    def __init__(self, streams: Sequence[RawStream]) -> None:
        self._streams = streams
        self._heads: dict[str, Head] = {}
        self._tally = _Tally()

    async def portions(self) -> AsyncGenerator[Portion, None]:
        """Give the range in portions of whole users, one per batch or for so many views."""
        rounds = 1
        while True:
            if any(stream.is_low for stream in self._streams):
                await asyncio.gather(*[stream.fill() for stream in self._streams])
            if rounds < (rounds := self._rounds()) and self._tally.has_news:
                yield self._tally.portion()
            if all(stream.is_done for stream in self._streams):
                break
            run = take_agreed(self._streams, self._tally.user)
            if run.accounts:
                self._heads.clear()
                self._tally.add_run(run)
            await self._take_smallest()
            if self._tally.is_full:
                yield self._tally.portion()
        yield self._tally.last_portion()

    def _rounds(self) -> int:
        """How many batches came of each stream, roughly."""
        return sum(stream.batches for stream in self._streams) // len(self._streams)

    async def _take_smallest(self) -> None:
        """Take all documents of the smallest key, or one document that belongs to no account."""
        heads = [(stream, self._head(stream)) for stream in self._streams if not stream.is_done]
        if not heads:
            return
        stream, smallest = min(heads, key=lambda pair: pair[1].order)
        if smallest.is_odd:
            self._drop(stream)
            self._tally.add_odd(stream.collection, smallest)
            return
        copies: dict[str, tuple[Copy, ...]] = {}
        for stream, head in heads:
            if head.order == smallest.order:
                copies[stream.collection] = await self._copies(stream, smallest.order)
        self._tally.add_view(smallest, copies)

    async def _copies(self, stream: RawStream, order: tuple[Order, Order]) -> tuple[Copy, ...]:
        """Take all documents of one key, and what belongs to no account between them.

        A document whose id is an array comes where its least element would stand, and so may come
        between two copies of that element's account.
        """
        found: list[Copy] = []
        while not stream.is_done:
            head = self._head(stream)
            if head.is_odd and head.user_order in {None, order[0]}:
                self._tally.add_odd(stream.collection, head)
            elif head.order != order:
                break
            elif len(found) < COPIES_MAX:
                found.append(copy_from(head.fields))
            self._drop(stream)
            if stream.is_low:
                await stream.fill()
        return tuple(found)

    def _head(self, stream: RawStream) -> Head:
        head = self._heads.get(stream.collection)
        if head is None:
            head = self._heads[stream.collection] = Head(stream)
        return head

    def _drop(self, stream: RawStream) -> None:
        stream.position += self._heads.pop(stream.collection).size_bytes


class _Tally:
    """Counts what was merged, and holds back what belongs to a user who may have more.

    Whoever reads the rest of a range in a new snapshot begins with that user, so that nothing is
    counted twice. Documents whose id is an array or the like come at a place that has nothing to do
    with where their type stands in a range; they are held back until the range has passed it.
    """

    def __init__(self) -> None:
        self.user: RawValue | None = None
        self._accounts = self._open_accounts = 0
        self._users = 0
        self._views: list[SeenView] = []
        self._open_views: list[SeenView] = []
        self._held: list[SeenView] = []
        self._currencies: set[Hashable] = set()
        self._new_currencies: set[Hashable] = set()
        self._raw_currencies: set[bytes] = set()

    @property
    def has_news(self) -> bool:
        """Whether there is anything to give."""
        return self.user is not None and bool(self._accounts or self._users or self._views)

    @property
    def is_full(self) -> bool:
        """Whether a portion must be given now."""
        return self.user is not None and len(self._views) >= VIEWS_MAX

    def add_run(self, run: Run) -> None:
        if run.changes:
            self._close_user(run.changes)
            self._accounts += run.accounts - run.tail_accounts
            self._open_accounts = run.tail_accounts
        else:
            self._open_accounts += run.accounts
        self.user = run.user
        for element in run.currencies - self._raw_currencies:
            self._raw_currencies.add(element)
            self._add_currency(value_of(element))

    def add_view(self, head: Head, copies: dict[str, tuple[Copy, ...]]) -> None:
        user, currency = head.fields["u"], head.fields["c"]
        self._see_user(user, head.order[0])
        self._open_accounts += 1
        self._add_currency(currency)
        account = Account(identifier_from(user), identifier_from(currency))
        self._open_views.append(
            SeenView(seen_account(user, currency), BalanceView(account, copies))
        )

    def add_odd(self, collection: str, head: Head) -> None:
        view = odd_document(collection, head.fields, head.fields["i"])
        if head.user_order is None:
            (self._held if len(self._held) < HELD_MAX else self._views).append(view)
            return
        self._see_user(head.fields["u"], head.user_order)
        self._open_views.append(view)

    def portion(self) -> Portion:
        """Give what belongs to whole users, and forget it. A first user must have been seen."""
        assert self.user is not None
        resume_at = bound_at(self.user)
        passed = [view for view in self._held if view.key.order[0] < resume_at.order]
        if passed:
            self._held = [view for view in self._held if view.key.order[0] >= resume_at.order]
            self._views += passed
        return self._give(resume_at)

    def last_portion(self) -> Portion:
        """Give all that is left, the range being at its end."""
        if self.user is not None:
            self._close_user(1)
        self._views += self._held
        return self._give(None)

    def _give(self, resume_at: Bound | None) -> Portion:
        portion = Portion(
            accounts=self._accounts,
            users=self._users,
            currencies=frozenset(self._new_currencies),
            views=tuple(self._views),
            resume_at=resume_at,
        )
        self._accounts = self._users = 0
        self._views = []
        self._new_currencies = set()
        return portion

    def _see_user(self, user: RawValue, order: Order) -> None:
        if self.user is None or order_of(self.user) != order:
            self._close_user(1)
            self.user = user

    def _close_user(self, changes: int) -> None:
        """Count the user so far as whole, and all but the last of `changes` new ones."""
        self._users += changes - (self.user is None)
        self._accounts += self._open_accounts
        self._open_accounts = 0
        self._views += self._open_views
        self._open_views = []

    def _add_currency(self, currency: RawValue) -> None:
        order = order_of(currency)
        if order not in self._currencies:
            self._currencies.add(order)
            self._new_currencies.add(order)
