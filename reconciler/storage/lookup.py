"""Finds again, in full, what a scan saw: accounts by their key, odd documents by their `_id`."""

from collections.abc import Iterator, Sequence

from reconciler.model.copies import BalanceView, Copy
from reconciler.model.identity import Account
from reconciler.model.mapping import CollectionMapping, Mappings
from reconciler.scanning.ports import Order, SeenKey, SeenView
from reconciler.storage.elements import RawValue
from reconciler.storage.merging import (
    COPIES_MAX,
    AccountAddress,
    DocumentAddress,
    odd_document,
    seen_account,
)
from reconciler.storage.shape import Stage, full_projection
from reconciler.storage.wire import copy_from, identifier_from

_NOTHING = BalanceView(Account(identifier_from(None), identifier_from(None)), {})


class Lookup:
    """A few keys, and what was found for them."""

    def __init__(self, mappings: Mappings, keys: Sequence[SeenKey]) -> None:
        self._mappings = mappings
        self._keys = keys
        self._copies: dict[Order, dict[str, list[Copy]]] = {
            key.order: {} for key in keys if isinstance(key.address, AccountAddress)
        }
        self._odd: dict[object, BalanceView] = {}

    def pipelines(self) -> Iterator[tuple[CollectionMapping, list[Stage]]]:
        """Give what must be asked of which collection."""
        for mapping in self._mappings:
            wanted = [match for key in self._keys if (match := _match(mapping, key.address))]
            if wanted:
                yield mapping, [{"$match": {"$or": wanted}}, full_projection(mapping)]

    def add(self, collection: str, fields: dict[str, RawValue]) -> None:
        """Take a document that was found; one that merely matched, as an array does, is left."""
        user, currency = fields.get("u"), fields.get("c")
        if user is None or currency is None or not (user.is_scalar and currency.is_scalar):
            view = odd_document(collection, fields, fields["i"])
            self._odd[view.key.address] = view.view
            return
        copies = self._copies.get(seen_account(user, currency).order)
        if copies is not None and len(found := copies.setdefault(collection, [])) < COPIES_MAX:
            found.append(copy_from(fields))

    def views(self) -> Iterator[SeenView]:
        """Give what was found for each key, in their order."""
        for key in self._keys:
            if isinstance(key.address, AccountAddress):
                found = self._copies[key.order]
                account = account_of(key.address)
                copies = {name: tuple(each) for name, each in found.items()}
                yield SeenView(key, BalanceView(account, copies))
            else:
                yield SeenView(key, self._odd.get(key.address, _NOTHING))


def in_portions(
    keys: Sequence[SeenKey], keys_max: int, bytes_max: int
) -> Iterator[Sequence[SeenKey]]:
    """Cut keys into runs of limited number and size; a single one may be larger than that."""
    run: list[SeenKey] = []
    size = 0
    for key in keys:
        size += _size_of(key.address)
        if run and (len(run) >= keys_max or size > bytes_max):
            yield run
            run, size = [], _size_of(key.address)
        run.append(key)
    if run:
        yield run


def _size_of(address: object) -> int:
    match address:
        case AccountAddress(user_id, currency):
            return len(user_id.data) + len(currency.data)
        case DocumentAddress(_, document_id):
            return len(document_id.data)
    return 0


def account_of(address: AccountAddress) -> Account:
    """Name the account at an address."""
    return Account(identifier_from(address.user_id), identifier_from(address.currency))


def _match(mapping: CollectionMapping, address: object) -> Stage | None:
    match address:
        case AccountAddress(user_id, currency):
            return {mapping.account: user_id.under("$eq"), mapping.currency: currency.under("$eq")}
        case DocumentAddress(collection, document_id) if collection == mapping.name:
            return {"_id": document_id.under("$eq")}
    return None
