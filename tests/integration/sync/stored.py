"""Reads what is really in the collections, sharing nothing with the library."""

from decimal import Decimal
from typing import Any

from bson import Decimal128
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.schema import required_indexes

ACCOUNT_FIELDS = {
    "wallets": "user_id",
    "crypto_balances": "user_id",
    "trader_balances": "trader_id",
    "internal_balances": "user_id",
}
TOTAL_FIELDS = {
    "wallets": "total_balance",
    "crypto_balances": "balance",
    "trader_balances": "total_balance",
    "internal_balances": "balance",
}


async def make_indexes(database: AsyncDatabase[dict[str, Any]]) -> None:
    """Make the unique indexes that the library insists on."""
    for index in required_indexes(DEFAULT_MAPPINGS):
        keys = [(name, 1) for name in index.fields]
        await database[index.collection].create_index(
            keys, name=index.name, unique=True, sparse=index.sparse
        )


class Stored:
    """The documents of a test's database, by plain reads."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self.database = database

    async def documents(self, user_id: object, currency: str) -> dict[str, list[dict[str, Any]]]:
        """All documents of an account, by collection."""
        return {
            name: await self.database[name].find({field: user_id, "currency": currency}).to_list()
            for name, field in ACCOUNT_FIELDS.items()
        }

    async def amounts(
        self, user_id: object, currency: str
    ) -> set[tuple[Decimal, Decimal, Decimal]]:
        """The distinct (available, locked, total) of an account's copies: one, when they agree.

        Fails if a collection has not exactly one document, or an amount that is no Decimal128.
        """
        found = set()
        for name, documents in (await self.documents(user_id, currency)).items():
            (document,) = documents
            fields = ("available_balance", "locked_balance", TOTAL_FIELDS[name])
            numbers = [document[field] for field in fields]
            assert all(isinstance(number, Decimal128) for number in numbers), document
            available, locked, total = (number.to_decimal() for number in numbers)
            found.add((available, locked, total))
        return found

    async def entries(self, user_id: object, currency: str) -> list[dict[str, Any]]:
        """The journal entries of an account, by its sequence numbers."""
        entries = (
            await self.database["balance_journal"]
            .find({"accounts": {"$elemMatch": {"user_id": user_id, "currency": currency}}})
            .to_list()
        )
        return sorted(entries, key=lambda entry: _of(entry, user_id, currency)["sequence"])

    async def replayed(self, user_id: object, currency: str) -> tuple[Decimal, Decimal]:
        """The balance that the journal's legs add up to, its sequence having no gap."""
        available = locked = Decimal(0)
        for number, entry in enumerate(await self.entries(user_id, currency), start=1):
            account = _of(entry, user_id, currency)
            assert account["sequence"] == number, "the sequence has a gap"
            for leg in entry["legs"]:
                if (leg["user_id"], leg["currency"]) == (user_id, currency):
                    available += leg["available_delta"].to_decimal()
                    locked += leg["locked_delta"].to_decimal()
            balance = account["balance"]
            assert balance["available"].to_decimal() == available
            assert balance["locked"].to_decimal() == locked
        return available, locked

    async def everything(self) -> dict[str, list[dict[str, Any]]]:
        """All documents of all collections, for showing that nothing was written."""
        names = (*ACCOUNT_FIELDS, "balance_journal")
        return {name: await self.database[name].find().sort("_id").to_list() for name in names}

    async def put(self, user_id: object, currency: str, **by_collection: dict[str, Any]) -> None:
        """Write documents behind the library's back: `wallets={"available_balance": 1.5}`."""
        for name, fields in by_collection.items():
            identity = {ACCOUNT_FIELDS[name]: user_id, "currency": currency}
            await self.database[name].insert_one(identity | fields)


def _of(entry: dict[str, Any], user_id: object, currency: str) -> dict[str, Any]:
    (account,) = [
        each
        for each in entry["accounts"]
        if (each["user_id"], each["currency"]) == (user_id, currency)
    ]
    return dict(account)
