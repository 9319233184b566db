"""A plain model of what every copy holds and of what is owed, sharing nothing with the code."""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from bson import Decimal128, Int64, ObjectId

from tests.integration.sync.stored import ACCOUNT_FIELDS, TOTAL_FIELDS, Stored

D = Decimal
UserId = str | ObjectId
Account = tuple[UserId, str]
Amounts = tuple[Decimal, Decimal]

TRUTH = "wallets"
COLLECTIONS = tuple(ACCOUNT_FIELDS)
USERS: tuple[UserId, ...] = ("alice", "bob", ObjectId("64b7f0c2a1b2c3d4e5f60718"))
SCALES = {"BTC": 8, "GBP": 2}
# One step of a test's amounts: in BTC ten times the tolerance of doubles.
UNITS = {"BTC": D("0.0000001"), "GBP": D("0.01")}
ACCOUNTS: tuple[Account, ...] = tuple((user, currency) for user in USERS for currency in SCALES)
# What float code leaves on a number, far below the tolerance of doubles.
DUST = D("0.000000002")


@dataclass(frozen=True)
class Drift:
    """What somebody writes into one copy past the library."""

    account: Account
    collection: str
    way: str
    units: int

    @property
    def value(self) -> Decimal:
        """The amount that is written, or off by which a total is."""
        return self.units * UNITS[self.account[1]]


@dataclass
class Books:
    """Each account's copies as they must be (None where there is none), and what is owed.

    `broken` are copies in which something stands that is no number.
    """

    copies: dict[Account, dict[str, Amounts | None]] = field(
        default_factory=lambda: {each: dict.fromkeys(COLLECTIONS) for each in ACCOUNTS}
    )
    broken: set[tuple[Account, str]] = field(default_factory=set)
    owed: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(SCALES, D(0)))

    def standing(self, account: Account, collection: str = TRUTH) -> Amounts:
        """A copy's amounts at the currency's scale; nothing without a copy."""
        scale = D(1).scaleb(-SCALES[account[1]])
        available, locked = self.copies[account][collection] or (D(0), D(0))
        return (
            available.quantize(scale, ROUND_HALF_EVEN) + 0,
            locked.quantize(scale, ROUND_HALF_EVEN) + 0,
        )

    def post(self, account: Account, change: Amounts) -> None:
        """Add to every copy what was posted."""
        for name in COLLECTIONS:
            assert (account, name) not in self.broken, "nothing is posted on a broken copy"
            available, locked = self.standing(account, name)
            self.copies[account][name] = (available + change[0], locked + change[1])
        self.owed[account[1]] += sum(change)

    def repair(self, account: Account, after: Amounts, declared: Decimal) -> None:
        """Set every copy; what is owed changes by what the plan declared."""
        self.copies[account] = dict.fromkeys(COLLECTIONS, after)
        self.owed[account[1]] += declared

    def drift(self, drift: Drift) -> None:
        """Change one copy; if it is the source of truth's, what is owed changes with it."""
        account, name = drift.account, drift.collection
        was, old = sum(self.standing(account)), self.copies[account][name]
        self.broken.discard((account, name))
        available, locked = old or (D(0), D(0))
        match drift.way:
            case "delete":
                self.copies[account][name] = None
            case "lock":
                self.copies[account][name] = (available, drift.value)
            case "total":
                self.copies[account][name] = old
            case "broken":
                self.copies[account][name] = (D(0), locked)
                self.broken.add((account, name))
            case "dust":
                self.copies[account][name] = (D(repr(float(drift.value + DUST))), locked)
            case "int" | "long":
                self.copies[account][name] = (D(int(drift.value)), locked)
            case _:
                self.copies[account][name] = (drift.value, locked)
        self.owed[account[1]] += sum(self.standing(account)) - was

    async def check(self, stored: Stored) -> None:
        """Hold what is really stored against this, copy by copy, and what is owed in all."""
        owed = dict.fromkeys(SCALES, D(0))
        for account, copies in self.copies.items():
            owed[account[1]] += sum(self.standing(account))
            found = await stored.documents(*account)
            for name, expected in copies.items():
                if (account, name) in self.broken:
                    continue
                held = [_amounts(document) for document in found[name]]
                assert held == ([] if expected is None else [expected]), (account, name)
        assert owed == self.owed


def stored_as(way: str, value: Decimal) -> Any:
    """Give the value as one of the types that are found in the field."""
    match way:
        case "double":
            return float(value)
        case "dust":
            return float(value + DUST)
        case "int":
            return int(value)
        case "long":
            return Int64(int(value))
        case "broken":
            return "twelve"
        case _:
            return Decimal128(value)


async def write_drift(stored: Stored, drift: Drift) -> None:
    """Do to a copy what the drift says."""
    collection = stored.database[drift.collection]
    user_id, currency = drift.account
    key = {ACCOUNT_FIELDS[drift.collection]: user_id, "currency": currency}
    if drift.way == "delete":
        await collection.delete_one(key)
        return
    value = stored_as(drift.way, drift.value)
    total = TOTAL_FIELDS[drift.collection]
    if drift.way == "total":
        await collection.update_one(key, {"$set": {total: value}})
        return
    written = "locked_balance" if drift.way == "lock" else "available_balance"
    document = await collection.find_one(key)
    fields = {"available_balance": Decimal128("0"), **(document or {}), written: value}
    fields.pop("_id", None)
    await collection.update_one(key, {"$set": fields}, upsert=True)


def raw_amounts(documents: dict[str, list[dict[str, Any]]]) -> dict[str, list[Any]]:
    """The amounts of an account's copies in value, type and presence."""
    return {
        name: [
            [
                (field in each, type(each.get(field)), _decimal(each.get(field)))
                for field in ("available_balance", "locked_balance", TOTAL_FIELDS[name])
            ]
            for each in found
        ]
        for name, found in documents.items()
    }


def _amounts(document: dict[str, Any]) -> Amounts:
    return (
        D(_decimal(document["available_balance"])),
        D(_decimal(document.get("locked_balance", 0))),
    )


def _decimal(value: Any) -> Any:
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, float):
        return D(repr(value))
    return D(value) if isinstance(value, int) else value
