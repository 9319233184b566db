"""Drifts that a sum, a count or a text could hide, in an exchange that is sound otherwise."""

from decimal import Decimal
from typing import Any

from bson import Code, Decimal128, MaxKey, MinKey, ObjectId

from reconciler.model.mapping import DEFAULT_MAPPINGS
from tests.integration.scanning.field import Exchange

Row = dict[str, Any]
NAMES = DEFAULT_MAPPINGS.names
# By the server's hash these are in one bucket of a small exchange: nothing but their digests can
# tell one's documents from the other's.
TOGETHER = ("user-08", "user-16")


def sound(users: int = 40) -> Exchange:
    """Users with two accounts each, alike in all collections."""
    exchange = Exchange()
    for number in range(users):
        for currency, available in (("BTC", number + 1), ("ETH", 2 * number + 1)):
            amounts = {"a": Decimal128(str(available)), "l": Decimal128("0.5")}
            total = Decimal128(Decimal(available) + Decimal("0.5"))
            exchange.everywhere(u=f"user-{number:02}", c=currency, **amounts, t=total)
    return exchange


def rows(exchange: Exchange, name: str, *users: str) -> list[Row]:
    """The rows of some users in one collection, BTC before ETH."""
    found = [row for row in exchange.rows[name] if row["u"] in users]
    return sorted(found, key=lambda row: (row["u"], row["c"]))


def changed(exchange: Exchange, name: str, row: Row, **fields: Any) -> None:
    """Put another row in the place of one; its total follows, if its amounts change."""
    now = row | fields
    now["t"] = Decimal128(now["a"].to_decimal() + now["l"].to_decimal())
    there = exchange.rows[name]
    there[next(i for i, each in enumerate(there) if each is row)] = now


def more_here_less_there(exchange: Exchange) -> None:
    """One user has more of a currency, another one as much less."""
    for user, by in zip(TOGETHER, (2, -2), strict=True):
        (row, _) = rows(exchange, "trader_balances", user)
        amount = Decimal128(row["a"].to_decimal() + by)
        changed(exchange, "trader_balances", row, a=amount)


def amounts_swapped(exchange: Exchange) -> None:
    """One user's amounts of two currencies are exchanged."""
    btc, eth = rows(exchange, "internal_balances", "user-07")
    changed(exchange, "internal_balances", btc, a=eth["a"])
    changed(exchange, "internal_balances", eth, a=btc["a"])


def users_swapped(exchange: Exchange) -> None:
    """Two users have each other's amounts."""
    (one, _) = rows(exchange, "wallets", TOGETHER[0])
    (other, _) = rows(exchange, "wallets", TOGETHER[1])
    changed(exchange, "wallets", one, a=other["a"])
    changed(exchange, "wallets", other, a=one["a"])


def available_for_locked(exchange: Exchange) -> None:
    """What is available is said to be locked, and the other way round; the total stays."""
    (row, _) = rows(exchange, "crypto_balances", "user-11")
    changed(exchange, "crypto_balances", row, a=row["l"], l=row["a"])


def one_missing_and_one_doubled(exchange: Exchange) -> None:
    """A collection has as many documents as it should, but not of the same accounts."""
    (gone, twice) = rows(exchange, "trader_balances", "user-12")
    exchange.rows["trader_balances"].remove(gone)
    exchange.put(["trader_balances"], **twice)


def doubled_everywhere(exchange: Exchange) -> None:
    """An account has the same two documents in every collection."""
    exchange.everywhere(**rows(exchange, "wallets", "user-13")[0])


def separators(exchange: Exchange) -> None:
    """Ids and currencies that would be the same text once put together."""
    row = {"a": Decimal128("1"), "l": Decimal128("0")}
    for name, first, second in (("wallets", "a|B", "C"), ("crypto_balances", "a", "B|C")):
        exchange.put([name], u=first, c=second, **row)
        exchange.put([name], u=f"{first}\0", c=second, **row)
    # The same with the currency first, of two users with the same four letters, and in all.
    for name in NAMES:
        first, second = ("user|user", "C") if name == "wallets" else ("user", "C|user")
        exchange.put([name], u=first, c=second, **row)


def without_an_id(exchange: Exchange) -> None:
    """A document has no user id or no currency, in one collection or in all, and sound amounts."""
    row = {"a": Decimal128("1"), "l": Decimal128("0"), "t": Decimal128("1")}
    exchange.put(["trader_balances"], u="user-a", **row)
    exchange.put(["internal_balances"], c="BTC", **row)
    exchange.everywhere(u="user-b", **row)


def types_as_texts(exchange: Exchange) -> None:
    """One collection has a double whose text is a decimal's, with the total that it asks for."""
    for name in NAMES:
        is_double = name == "crypto_balances"
        amount = 123456.75 if is_double else Decimal128("123457")
        total = Decimal128("123457.25" if is_double else "123457.5")
        half = Decimal128("0.5")
        exchange.put([name], u="user-q", c="BTC", a=amount, l=half, t=total)
        exchange.put([name], u="user-p", c="BTC", a=half, l=amount, t=total)


def totals_as_doubles(exchange: Exchange) -> None:
    """A total is a double of which the binary value is right, and the shortest text is not."""
    for user, text in (("user-d", str(2**60)), ("user-e", "1099511627776.000244140625")):
        amount = Decimal128(text)
        assert Decimal(float(text)) == amount.to_decimal()
        for name in NAMES:
            total = float(text) if name == "internal_balances" else amount
            exchange.put([name], u=user, c="BTC", a=amount, l=Decimal128("0"), t=total)


def numbers_as_ids(exchange: Exchange) -> None:
    """Two numeric ids that are one once cut to integers have each other's amounts."""
    for name in NAMES:
        first, second = ("1", "2") if name == "wallets" else ("2", "1")
        exchange.put([name], u=2.1, c="BTC", a=Decimal128(first))
        exchange.put([name], u=2.9, c="BTC", a=Decimal128(second))


def an_id_and_its_text(exchange: Exchange) -> None:
    """An ObjectId and the string of its digits have each other's amounts."""
    user = ObjectId("0123456789abcdef01234567")
    for name in NAMES:
        first, second = ("1", "2") if name == "wallets" else ("2", "1")
        exchange.put([name], u=user, c="BTC", a=Decimal128(first))
        exchange.put([name], u=str(user), c="BTC", a=Decimal128(second))


def nothing_locked(exchange: Exchange) -> None:
    """Without a locked amount the available one still counts."""
    for name, amount in zip(NAMES, ("1", "999", "1", "1"), strict=True):
        exchange.put([name], u="user-x", c="BTC", a=Decimal128(amount))


def the_sixteenth_digit(exchange: Exchange) -> None:
    """Large doubles that differ in their last digit, beside a decimal of the shorter text."""
    for name, amount in zip(NAMES, (123456.7, 123456.9, 123456.7, 123456.7), strict=True):
        exchange.put([name], u="user-y", c="BTC", a=amount, l=Decimal128("0"))
    for name in NAMES:
        near = Decimal128("123457") if name == "wallets" else 123456.7
        exchange.put([name], u="user-z", c="BTC", a=near, l=Decimal128("0"))
    large = 1234567890123456.0
    for name in NAMES:
        exchange.put([name], u="user-w", c="BTC", a=large + 1 if name == "wallets" else large)


def ids_that_are_none(exchange: Exchange) -> None:
    """Code and the ends of all keys as ids, one of them with users who are sound beside it."""
    for user in (Code("f()"), MinKey(), MaxKey()):
        exchange.everywhere(u=user, c="BTC", a=Decimal128("1"))
    for number in range(60):
        exchange.everywhere(u=f"sound-{number}", c="BTC", a=Decimal128("1"))


def a_fraction(exchange: Exchange) -> None:
    """Two amounts are the same once cut to integers."""
    for name in NAMES:
        amount = "5.2" if name == "crypto_balances" else "5.1"
        exchange.put([name], u="user-f", c="BTC", a=Decimal128(amount))


def only_the_total(exchange: Exchange) -> None:
    """One collection's total is wrong, with the amounts right."""
    row = rows(exchange, "internal_balances", "user-20")[0]
    row_now = row | {"t": Decimal128("77")}
    there = exchange.rows["internal_balances"]
    there[there.index(row)] = row_now


def totals_rounded(exchange: Exchange) -> None:
    """A total that is right only if it is rounded, in collections other than the truth, too."""
    exchange.everywhere(
        u="user-r", c="BTC", a=Decimal128("1E+33"), l=Decimal128("1E-33"), t=Decimal128("1E+33")
    )
    row = {"a": Decimal128("1E-33"), "l": Decimal128("1E+33")}
    exchange.put(["wallets"], u="user-s", c="BTC", **row)
    exchange.put(NAMES[1:], u="user-s", c="BTC", **row, t=Decimal128("1E+33"))


def totals_that_do_not_fit(exchange: Exchange) -> None:
    """The sum of the amounts, which is stored nowhere, has more digits than a number can."""
    exchange.everywhere(u="user-t", c="BTC", a=Decimal128("1E+33"), l=Decimal128("1E-33"))


DRIFTS = [
    more_here_less_there,
    amounts_swapped,
    users_swapped,
    available_for_locked,
    one_missing_and_one_doubled,
    doubled_everywhere,
    separators,
    without_an_id,
    types_as_texts,
    totals_as_doubles,
    numbers_as_ids,
    an_id_and_its_text,
    nothing_locked,
    the_sixteenth_digit,
    ids_that_are_none,
    a_fraction,
    only_the_total,
    totals_rounded,
    totals_that_do_not_fit,
]
