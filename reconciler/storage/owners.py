"""Says whose copy a document of a balance collection is, by its `_id`."""

from collections.abc import Hashable, Mapping, Sequence

from pymongo import ReadPreference

from reconciler.model.identity import Account
from reconciler.model.mapping import Mappings
from reconciler.scanning.ports import SeenKey
from reconciler.storage.calls import Calls, Database
from reconciler.storage.elements import RawValue
from reconciler.storage.finding_documents import TEXT_CHARACTERS_MAX, storable
from reconciler.storage.lookup import account_of
from reconciler.storage.merging import AccountAddress, odd_document, seen_account
from reconciler.storage.shape import full_projection, one_of
from reconciler.storage.wire import CODEC_OPTIONS, identifier_from

LOOKUP_SECONDS_MAX = 10.0
LOOKUP_DOCUMENTS_MAX = 200


class MongoOwners:
    """Looks documents up on the primary."""

    def __init__(self, database: Database, mappings: Mappings) -> None:
        self._database = database.with_options(
            codec_options=CODEC_OPTIONS, read_preference=ReadPreference.PRIMARY
        )
        self._mappings = mappings

    async def find(
        self, documents: Mapping[str, Sequence[Hashable]]
    ) -> Mapping[tuple[str, Hashable], SeenKey]:
        """Find documents, by collection; those that are gone are not in the answer."""
        found: dict[tuple[str, Hashable], SeenKey] = {}
        calls = Calls(deadline_seconds=LOOKUP_SECONDS_MAX)
        for collection, each in documents.items():
            wanted = list(dict.fromkeys(value for value in each if isinstance(value, RawValue)))
            for start in range(0, len(wanted), LOOKUP_DOCUMENTS_MAX):
                some = wanted[start : start + LOOKUP_DOCUMENTS_MAX]
                found |= await self._found(collection, some, calls)
        return found

    def account_of(self, key: SeenKey) -> Account | None:
        """Name the account; None for a document that belongs to none."""
        return account_of(key.address) if isinstance(key.address, AccountAddress) else None

    def text_of(self, document: Hashable) -> str:
        """Write a document's `_id` for people."""
        if not isinstance(document, RawValue):
            return ""
        return storable(identifier_from(document).text[:TEXT_CHARACTERS_MAX])

    async def _found(
        self, collection: str, wanted: Sequence[RawValue], calls: Calls
    ) -> dict[tuple[str, Hashable], SeenKey]:
        mapping = self._mappings[collection]
        pipeline = [{"$match": one_of("_id", wanted)}, full_projection(mapping)]
        keys: dict[tuple[str, Hashable], SeenKey] = {}
        async for fields in calls.rows(self._database, collection, pipeline):
            user, currency = fields.get("u"), fields.get("c")
            if user is None or currency is None or not (user.is_scalar and currency.is_scalar):
                key = odd_document(collection, fields, fields["i"]).key
            else:
                key = seen_account(user, currency)
            keys[collection, fields["i"]] = key
        return keys
