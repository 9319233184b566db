"""The digest scan: no drift is hidden by another one, and what agrees is not read."""

from collections.abc import Callable

import pytest
from bson import Decimal128, ObjectId

from reconciler.model.mapping import (
    DEFAULT_MAPPINGS,
    CollectionMapping,
    Mappings,
    TotalMeaning,
)
from reconciler.model.report import ScanMethod
from tests.integration.scanning.drifts import DRIFTS, doubled_everywhere, sound, users_swapped
from tests.integration.scanning.field import Database, Exchange
from tests.integration.scanning.scanning import assert_found, scanner


@pytest.mark.parametrize("drift", DRIFTS)
async def test_no_drift_is_hidden(
    database: Database, drift: Callable[[Exchange], None], method: ScanMethod
) -> None:
    """Drifts that cancel out in sums, counts or texts are found, and nothing else is."""
    exchange = sound()
    drift(exchange)
    await exchange.write(database)

    report = await scanner(database).scan_all()

    assert_found(report, exchange)
    assert report.method is method


async def test_what_agrees_is_not_read(database: Database, method: ScanMethod) -> None:
    """Sound accounts are counted by their digests alone, without a bucket that differs."""
    exchange = sound()
    for user in (ObjectId(), "", "nul\0inside", "é"):
        exchange.everywhere(u=user, c="BTC", a=Decimal128("1.10"))
        exchange.everywhere(u=user, c="ETH", a=Decimal128("-0"), l=Decimal128("9E+33"))
    await exchange.write(database)

    report = await scanner(database).scan_all()

    assert_found(report, exchange)
    assert report.digest is None or (report.digest.differing, report.digest.given_up) == (0, None)
    assert (report.digest is None) == (method is ScanMethod.EXACT)


async def test_a_currency_in_a_bucket_that_differs(database: Database) -> None:
    """What belongs to no account in such a bucket gives no currency and no user."""
    exchange = sound(3)
    exchange.everywhere(u=["user-00"], c="XXX", a=Decimal128("1"))
    exchange.everywhere(u="user-99", c=["YYY"], a=Decimal128("1"))
    exchange.put(["wallets"], u="user-98", c="ZZZ", a=Decimal128("1"))
    await exchange.write(database)

    assert_found(await scanner(database).scan_all(), exchange)


async def test_a_double_for_what_is_available(database: Database) -> None:
    """A total that means available is a double of the same binary value, in the source of truth."""
    mappings = Mappings(
        (
            CollectionMapping("wallets", total_means=TotalMeaning.AVAILABLE),
            CollectionMapping("crypto_balances", total=None),
        )
    )
    exchange = Exchange(mappings=mappings)
    amounts = {"a": Decimal128(str(2**60)), "l": Decimal128("0")}
    exchange.put(["wallets"], u="user-0", c="BTC", **amounts, t=float(2**60))
    exchange.put(["crypto_balances"], u="user-0", c="BTC", **amounts)
    for number in range(1, 10):
        exchange.put(["wallets"], u=f"user-{number}", c="BTC", **amounts, t=amounts["a"])
        exchange.put(["crypto_balances"], u=f"user-{number}", c="BTC", **amounts)
    await exchange.write(database)

    report = await scanner(database, mappings).scan_all()

    assert_found(report, exchange)
    assert report.mismatch_count == 1


async def test_a_partial_index_proves_nothing(database: Database) -> None:
    """A unique index that holds other accounts alone keeps none of these from being doubled."""
    exchange = sound(20)
    users_swapped(exchange)
    doubled_everywhere(exchange)
    mapping = DEFAULT_MAPPINGS["wallets"]
    await database[mapping.name].create_index(
        [(mapping.account, 1), (mapping.currency, 1)],
        unique=True,
        partialFilterExpression={"other": True},
    )
    await exchange.write(database)

    report = await scanner(database).scan_all()

    assert_found(report, exchange)
