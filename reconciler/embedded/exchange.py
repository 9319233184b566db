"""A small exchange in the shapes of the field, and a writer that goes past the sync library.

For the demo. The balances are in sync, though years of old code wrote them: doubles beside
decimals and integers, documents without a locked amount or a total, ids of three shapes. All of it
is made from a fixed seed, so that the story is the same each time.
"""

import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bson import Decimal128, Int64, ObjectId
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

DATABASE = "demo_exchange"
SEED = 2025
POSTINGS = 320
USERS_WITH_UUIDS = 24
USERS_WITH_OBJECT_IDS = 6
SHORT_NAMES = ("alice", "bob", "carol", "dave")
FEE_ACCOUNT = "PLATFORM_FEES"
PLATFORM = ("admin_wallet", FEE_ACCOUNT)
# Smallest step of the amounts in the story: all fit a double, as the old code's did.
STEPS = {
    "BTC": Decimal("0.0001"),
    "ETH": Decimal("0.001"),
    "USDT": Decimal("0.01"),
    "GBP": Decimal("0.01"),
}

# Collection: account field, total field, field of the last change.
_FIELDS = {
    "wallets": ("user_id", "total_balance", "last_updated"),
    "crypto_balances": ("user_id", "balance", "last_updated"),
    "trader_balances": ("trader_id", "total_balance", "updated_at"),
    "internal_balances": ("user_id", "balance", "updated_at"),
}

DRIFTED = (("alice", "BTC"), ("bob", "GBP"))

UserId = str | ObjectId
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Posting:
    """One posting of the story; amounts are decimal text. `to_user` and `fee` are of a release."""

    kind: str
    user_id: UserId
    currency: str
    amount: str
    reason: str
    to_user: UserId = ""
    fee: str = "0"


@dataclass
class _Holding:
    available: Decimal
    locked: Decimal


@contextlib.asynccontextmanager
async def open_exchange(uri: str) -> AsyncIterator["Exchange"]:
    """Give the exchange on a server; its database is empty until `seed`."""
    async with AsyncMongoClient[Document](uri) as client:
        yield Exchange(client[DATABASE])


Holdings = dict[tuple[UserId, str], _Holding]


class Exchange:
    """The users, what they hold at first, and what then happens to it."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self.database = database
        self._chance = random.Random(SEED)
        self._users: list[UserId] = [*SHORT_NAMES, *self._made_up_ids()]
        self._holdings: Holdings = {}
        for user in (*self._users, *PLATFORM):
            for currency in self._currencies_of(user):
                step = STEPS[currency]
                self._holdings[user, currency] = _Holding(
                    step * self._chance.randint(1_000, 90_000),
                    step * self._chance.choice((0, 0, self._chance.randint(1, 900))),
                )

    async def seed(self) -> int:
        """Write the balances that the old code left; give the number of accounts."""
        for name, (account, total, updated) in _FIELDS.items():
            documents = [
                {account: user, "currency": currency}
                | self._amounts(holding, total)
                | {updated: datetime(2025, 1, 1, tzinfo=UTC)}
                for (user, currency), holding in self._holdings.items()
            ]
            # reconciler: allow-write the demo's own legacy data, before there is a library
            await self.database[name].insert_many(documents)
        return len(self._holdings)

    def postings(self) -> Iterator[Posting]:
        """Make up what happens on an ordinary day; every posting is covered by what is there."""
        kinds = ("credit", "debit", "lock", "release", "unlock")
        owned = [key for key in self._holdings if key[0] not in PLATFORM]
        for _ in range(POSTINGS):
            user, currency = self._chance.choice(owned)
            kind = self._chance.choice(kinds)
            holding = self._holdings[user, currency]
            if kind in {"release", "unlock"} and not holding.locked:
                kind = "lock"
            yield self._posting(kind, user, currency, holding)

    async def bypass(self) -> tuple[str, ...]:
        """Write as old call sites do, one collection at a time and no transaction."""
        spent = Decimal128("-0.0005")
        # reconciler: allow-write the demo shows what a bypassing write does
        await self.database["crypto_balances"].update_one(
            {"user_id": "alice", "currency": "BTC"},
            {"$inc": {"available_balance": spent, "balance": spent}},
        )
        # reconciler: allow-write the demo shows what a bypassing write does
        await self.database["wallets"].update_one(
            {"user_id": "bob", "currency": "GBP"},
            {"$inc": {"available_balance": 25.0, "total_balance": 25.0}},
        )
        return (
            "a withdrawal handler took 0.0005 BTC of alice from crypto_balances alone",
            "a bonus script gave bob 25.00 GBP in wallets alone",
        )

    def _made_up_ids(self) -> Iterator[UserId]:
        for _ in range(USERS_WITH_UUIDS):
            digits = f"{self._chance.getrandbits(128):032x}"
            yield "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        for _ in range(USERS_WITH_OBJECT_IDS):
            yield ObjectId(f"{self._chance.getrandbits(96):024x}")

    def _currencies_of(self, user: UserId) -> list[str]:
        if user in {*SHORT_NAMES, *PLATFORM}:
            return list(STEPS)
        return self._chance.sample(list(STEPS), self._chance.randint(1, len(STEPS)))

    def _amounts(self, holding: _Holding, total: str) -> Document:
        """Store one copy's amounts as one of many writers would have."""
        document: Document = {"available_balance": self._stored(holding.available)}
        if holding.locked or self._chance.random() < 0.7:
            document["locked_balance"] = self._stored(holding.locked)
        if self._chance.random() < 0.8:
            document[total] = self._stored(holding.available + holding.locked)
        return document

    def _stored(self, amount: Decimal) -> Decimal128 | Int64 | float | int:
        if amount == amount.to_integral_value():
            return self._chance.choice((int(amount), Int64(int(amount)), float(amount)))
        return self._chance.choice((Decimal128(amount), float(amount)))

    def _posting(self, kind: str, user: UserId, currency: str, holding: _Holding) -> Posting:
        step = STEPS[currency]
        source = holding.locked if kind in {"release", "unlock"} else holding.available
        steps_max = int(source / step) if kind != "credit" else 5_000
        if not steps_max:
            kind, steps_max = "credit", 5_000
        amount = step * self._chance.randint(1, min(steps_max, 5_000))
        match kind:
            case "credit":
                holding.available += amount
            case "debit":
                holding.available -= amount
            case "lock":
                self._move(holding, amount)
            case "unlock":
                self._move(holding, -amount)
            case _:
                return self._release(user, currency, holding, amount)
        reasons = {
            "credit": "deposit",
            "debit": "withdrawal",
            "lock": "order placed",
            "unlock": "order cancelled",
        }
        return Posting(kind, user, currency, str(amount), reasons[kind])

    def _release(self, user: UserId, currency: str, holding: _Holding, amount: Decimal) -> Posting:
        buyer = self._chance.choice([each for each in SHORT_NAMES if each != user])
        fee = min(STEPS[currency], amount)
        holding.locked -= amount
        self._holdings[buyer, currency].available += amount - fee
        self._holdings[FEE_ACCOUNT, currency].available += fee
        return Posting(
            "release", user, currency, str(amount), "trade settled", to_user=buyer, fee=str(fee)
        )

    @staticmethod
    def _move(holding: _Holding, amount: Decimal) -> None:
        holding.available -= amount
        holding.locked += amount
