"""Legacy numbers: what a posting makes of doubles and integers, and what it does not touch."""

from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128, Int64

from reconciler.errors import AmountTooFine
from reconciler.model.copies import Balance
from reconciler.sync import BalanceSync
from tests.integration.sync.recorder import Recorder
from tests.integration.sync.stored import Stored

D = Decimal


def everywhere(**fields: Any) -> dict[str, dict[str, Any]]:
    """The same fields for all four collections."""
    names = ("wallets", "crypto_balances", "trader_balances", "internal_balances")
    return {name: dict(fields) for name in names}


async def test_doubles_become_the_truth(
    sync: BalanceSync, stored: Stored, recorder: Recorder
) -> None:
    """Copies in sync within tolerance are set to the truth, rounded half-even to the scale."""
    copies = everywhere(locked_balance=0)
    copies["wallets"]["available_balance"] = 0.1 + 0.2
    copies["crypto_balances"]["available_balance"] = 0.3
    copies["trader_balances"]["available_balance"] = Decimal128("0.300000001")
    copies["internal_balances"]["available_balance"] = 0.299999999
    await stored.put("old", "ETH", **copies)
    await sync.debit("old", "ETH", "0.1", "withdrawal")

    expected = D("0.30000000000000004") - D("0.1")
    assert await stored.amounts("old", "ETH") == {(expected, D(0), expected)}
    assert recorder.of("drift") == []
    _, entry = await stored.entries("old", "ETH")
    conversions = {
        (each["collection"], each["field"]): (each["bson_type"], each["value"].to_decimal())
        for each in entry["accounts"][0]["conversions"]
    }
    assert conversions["wallets", "available"] == ("double", D("0.30000000000000004"))
    assert conversions["trader_balances", "available"][0] == "decimal"
    assert conversions["wallets", "locked"] == ("int", D(0))
    before = entry["accounts"][0]["before"]["internal_balances"]["available"]
    assert before == 0.299999999, "the before-image keeps what was stored, in its type"


async def test_rounding_is_half_even_at_the_scale(sync: BalanceSync, stored: Stored) -> None:
    """A double with more places than the currency is rounded half-even when it is converted."""
    await stored.put("old", "GBP", **everywhere(available_balance=1.125))
    await sync.credit("old", "GBP", "1", "deposit")

    assert await stored.amounts("old", "GBP") == {(D("2.12"), D(0), D("2.12"))}
    assert await stored.replayed("old", "GBP") == (D("2.12"), D(0))


@pytest.mark.parametrize("whole", [7, Int64(7), Decimal128("7.00"), 7.0], ids=repr)
async def test_whole_numbers(sync: BalanceSync, stored: Stored, whole: object) -> None:
    """Integers of both sizes, doubles and decimals with needless zeros all end as one decimal."""
    await stored.put("old", "BTC", **everywhere(available_balance=whole, locked_balance=whole))
    await sync.lock("old", "BTC", "2", "order")

    assert await stored.amounts("old", "BTC") == {(D(5), D(9), D(14))}


async def test_a_missing_copy_of_an_empty_account(
    sync: BalanceSync, stored: Stored, recorder: Recorder
) -> None:
    """An account with zeros here and no copy there is in sync, and a credit completes it."""
    await stored.put("old", "BTC", wallets={"available_balance": 0, "locked_balance": 0.0})
    await sync.credit("old", "BTC", "3", "deposit")

    assert await stored.amounts("old", "BTC") == {(D(3), D(0), D(3))}
    assert recorder.of("drift") == []
    assert await stored.replayed("old", "BTC") == (D(3), D(0))


async def test_drifted_doubles_keep_their_drift(
    sync: BalanceSync, stored: Stored, recorder: Recorder
) -> None:
    """A credit on doubles that are apart converts each to its own decimal and adds to each."""
    copies = everywhere(available_balance=1.5)
    copies["wallets"]["available_balance"] = 2.5
    await stored.put("old", "BTC", **copies)
    await sync.credit("old", "BTC", "1", "deposit")

    documents = await stored.documents("old", "BTC")
    available = [found[0]["available_balance"].to_decimal() for found in documents.values()]
    assert available == [D("3.5"), D("2.5"), D("2.5"), D("2.5")]
    assert len(recorder.of("drift")) == 1


async def test_a_stored_decimal_finer_than_the_scale(sync: BalanceSync, stored: Stored) -> None:
    """A decimal that a posting would have to round refuses it, and can still be read."""
    fine = Decimal128("1.005")
    await stored.put("old", "GBP", **everywhere(available_balance=fine))
    before = await stored.everything()

    with pytest.raises(AmountTooFine, match=r"1\.005"):
        await sync.credit("old", "GBP", "1", "deposit")

    assert await stored.everything() == before
    assert await sync.balance("old", "GBP") == Balance(D("1.005"))


async def test_other_fields_stay(sync: BalanceSync, stored: Stored) -> None:
    """Fields that the mapping does not name are left as they are."""
    await stored.put("old", "BTC", **everywhere(available_balance=1, note="keep"))
    await sync.credit("old", "BTC", "1", "deposit")

    documents = await stored.documents("old", "BTC")
    assert {found[0]["note"] for found in documents.values()} == {"keep"}
