"""What a posting or a replacement makes of the copies that it finds, and what it refuses."""

from collections.abc import Mapping
from decimal import Context, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.amounts import ZERO
from reconciler.model.change import (
    Rules,
    agreed_balance,
    decide_change,
    decide_replacement,
    stored_total,
)
from reconciler.model.comparison import DEFAULT_DOUBLE_TOLERANCE, MismatchKind, compare
from reconciler.model.copies import Balance, BalanceView, Copy, stored_number
from reconciler.model.faults import (
    AmountNotANumber,
    AmountTooFine,
    AmountTooLong,
    BalancesOutOfSync,
    BrokenBalance,
    FloatRefused,
    InsufficientFunds,
    PostingRefused,
    StaleBefore,
)
from reconciler.model.mapping import DEFAULT_MAPPINGS, TotalMeaning
from reconciler.model.posting import Delta
from tests.unit.model.views import ACCOUNT, view, views, views_in_sync

BTC = Rules(DEFAULT_MAPPINGS, 8, DEFAULT_DOUBLE_TOLERANCE)
ETH = Rules(DEFAULT_MAPPINGS, 18, DEFAULT_DOUBLE_TOLERANCE)
LONG = "1234567890123456.123456789012345678"  # 34 digits
CHANGES = [Delta(Decimal(a), Decimal(b)) for a, b in ((1, 0), (-1, 0), (-1, 1), (0, 2))]


def delta(available: str, locked: str = "0") -> Delta:
    return Delta(Decimal(available), Decimal(locked))


def balance(available: str, locked: str = "0") -> Balance:
    return Balance(Decimal(available), Decimal(locked))


@pytest.mark.parametrize(
    "texts, change, after",
    [
        ((None,) * 4, delta("1"), balance("1")),
        (("1",), delta("2", "3"), balance("3", "3")),
        (("5 1",), delta("-5", "5"), balance("0", "6")),
        (("1 2",), delta("0", "-2"), balance("1", "0")),
        ((None, "0", None, "0d"), delta("1"), balance("1")),
        (("0", None, None, None), delta("1"), balance("1")),
        (("1 - -",), delta("1"), balance("2")),
    ],
)
def test_a_change_is_the_same_for_all_copies(
    texts: tuple[str | None, ...], change: Delta, after: Balance
) -> None:
    """Every collection ends with the truth's balance plus the delta, one that had no copy too."""
    decided = decide_change(view(*texts), change, BTC)

    assert decided.after == dict.fromkeys(DEFAULT_MAPPINGS.names, after)
    assert (decided.drift, decided.account) == (None, ACCOUNT)


@pytest.mark.parametrize(
    "texts, change, field",
    [
        (("1",), delta("-1.00000001"), "available"),
        (("1 1",), delta("2", "-2"), "locked"),
        ((None,) * 4, delta("-1"), "available"),
        ((None,) * 4, delta("0", "-1"), "locked"),
    ],
)
def test_nothing_goes_below_zero(texts: tuple[str | None, ...], change: Delta, field: str) -> None:
    """A posting that would take more than there is says what there was, and of which amount."""
    with pytest.raises(InsufficientFunds) as refused:
        decide_change(view(*texts), change, BTC)

    standing = agreed_balance(view(*texts), BTC)
    assert refused.value.field == field
    assert (refused.value.available, refused.value.locked) == (standing.available, standing.locked)
    assert refused.value.needed == -getattr(change, field)


@pytest.mark.parametrize(
    "texts",
    [
        ("1", "2", "1", "1"),
        ("1", None, "1", "1"),
        (None, "1", "1", "1"),
        ("1 0 7",),
        ("-1",),
    ],
)
@pytest.mark.parametrize("change", [delta("-1"), delta("1", "-1"), delta("-1", "1")])
def test_spending_needs_copies_that_agree(texts: tuple[str | None, ...], change: Delta) -> None:
    """A debit, a lock and an unlock are refused while the copies disagree."""
    with pytest.raises(BalancesOutOfSync) as refused:
        decide_change(view(*texts), change, BTC)

    assert refused.value.mismatch == compare(view(*texts), DEFAULT_MAPPINGS)


def test_a_credit_on_a_drifted_account_keeps_its_drift() -> None:
    """A credit adds the same to copies that disagree, and says that they do."""
    decided = decide_change(view("1", "2", None, "1 1"), delta("1"), BTC)

    assert decided.after == {
        "wallets": balance("2"),
        "crypto_balances": balance("3"),
        "trader_balances": balance("1"),
        "internal_balances": balance("2", "1"),
    }
    assert decided.drift is not None
    assert decided.drift.kind is MismatchKind.MISSING


@pytest.mark.parametrize(
    "texts",
    [
        ("?", "1", "1", "1"),
        ("1", "1&1", "1", "1"),
        ("- 0 -",),
        ("1 0 ?",),
        ("1E+34", "1", "1", "1"),
    ],
)
@pytest.mark.parametrize("change", [delta("1"), delta("-1")])
def test_nothing_is_posted_on_a_broken_balance(
    texts: tuple[str | None, ...], change: Delta
) -> None:
    """A malformed or doubled copy refuses every posting, a credit too."""
    with pytest.raises(BrokenBalance):
        decide_change(view(*texts), change, BTC)
    with pytest.raises(BrokenBalance):
        agreed_balance(view(*texts), BTC)


@pytest.mark.parametrize("texts", [("0.000000001",), ("1 0.000000001",), ("1", "1E-9", "1", "1")])
def test_nothing_is_posted_on_a_decimal_finer_than_its_currency(texts: tuple[str, ...]) -> None:
    """What would have to be rounded is refused, though it is no mismatch by itself."""
    with pytest.raises(AmountTooFine):
        decide_change(view(*texts), delta("1"), BTC)


@pytest.mark.parametrize(
    "texts, change",
    [
        (("9" * 34,), delta("1")),
        (("1E-18",), delta("1E+16")),
        (("9" * 34 + " 0",), delta("0", "1")),
    ],
)
def test_a_balance_of_more_than_34_digits_is_refused(texts: tuple[str], change: Delta) -> None:
    """Neither an amount nor the total may need a 35th digit."""
    with pytest.raises(AmountTooLong):
        decide_change(view(*texts), change, ETH)


def test_no_digit_of_a_change_is_lost() -> None:
    """34 digits are kept in an application with any decimal context."""
    with localcontext(Context(prec=3, traps=[])):
        decided = decide_change(view(f"{LONG} 0"), delta("-1E-18", "1E-18"), ETH)

    assert str(decided.after["wallets"].available) == LONG[:-1] + "7"
    assert str(decided.after["wallets"].total) == LONG


def test_copies_in_sync_are_set_to_the_truth_before_they_change() -> None:
    """Conversion is no drift: a double is rounded half-even, the others follow, all is recorded."""
    decided = decide_change(
        view("0.123456785d", "0.12345678", "0.123456784d", "0.12345678 0i"), delta("1"), BTC
    )

    assert decided.standing == balance("0.12345678")
    assert decided.after == dict.fromkeys(DEFAULT_MAPPINGS.names, balance("1.12345678"))
    assert [
        (each.collection, each.field, each.bson_type, each.text, str(each.value))
        for each in decided.conversions
    ] == [
        ("wallets", "available", "double", "0.123456785", "0.12345678"),
        ("trader_balances", "available", "double", "0.123456784", "0.12345678"),
        ("internal_balances", "locked", "int", "0", "0"),
    ]


def test_a_decimal_that_follows_a_double_truth_is_recorded() -> None:
    """A decimal within the tolerance of a double truth is set to it, and the record says so."""
    decided = decide_change(view("0.1d", "0.10000001", "0.10000001", "0.10000001"), delta("1"), BTC)

    assert {(each.bson_type, each.text) for each in decided.conversions} == {
        ("double", "0.1"),
        ("decimal", "0.10000001"),
    }
    assert set(decided.after.values()) == {balance("1.1")}


@pytest.mark.parametrize(
    "text", ["5 -1.1E-17d 5", "-1.1E-17d 5 5", "-0.00000001d 0 0", "0 -0.0d -5E-324d"]
)
def test_what_float_code_left_below_zero_is_zero(text: str) -> None:
    """An account in sync stays usable: a double below zero by the tolerance at most is a zero."""
    before = agreed_balance(view(text), ETH)
    decided = decide_change(view(text), delta("1", "1"), ETH)

    assert min(before.available, before.locked) == 0
    assert decided.standing == before
    assert decided.after["wallets"] == Balance(before.available + 1, before.locked + 1)


def test_a_double_below_zero_by_more_is_no_zero() -> None:
    """Beyond the tolerance a negative double is negative: taking from it is refused."""
    with pytest.raises(BalancesOutOfSync):
        decide_change(view("5 -0.00000002d"), delta("-1"), ETH)
    with pytest.raises(InsufficientFunds):
        decide_change(view("5 -0.00000002d"), delta("1"), ETH)


@given(
    views_in_sync(), st.sampled_from([delta("1"), delta("-1"), delta("-1", "1"), delta("0", "2")])
)
def test_a_posting_on_copies_in_sync_leaves_them_in_sync(found: BalanceView, change: Delta) -> None:
    """Whatever mixture of doubles and decimals was in sync, equal decimals stand there after."""
    assert compare(found, DEFAULT_MAPPINGS) is None
    try:
        decided = decide_change(found, change, ETH)
    except InsufficientFunds:
        assert change.is_spending
        return

    assert len(set(decided.after.values())) == 1
    assert decided.after["wallets"].available == decided.standing.available + change.available
    assert decided.standing == agreed_balance(found, ETH)
    after = written(decided.after)
    assert compare(after, DEFAULT_MAPPINGS, double_tolerance=ZERO) is None


@given(views, st.sampled_from([delta("1"), delta("-1"), delta("1", "-1")]))
def test_a_decision_is_a_change_or_a_refusal(found: BalanceView, change: Delta) -> None:
    """Whatever stands in the documents, no other exception than a refusal comes out."""
    try:
        decided = decide_change(found, change, BTC)
    except PostingRefused:
        return

    for after in decided.after.values():
        assert after.available >= 0
        assert after.locked >= 0


def written(after: Mapping[str, Balance]) -> BalanceView:
    """The view of what a change writes."""
    copies = {}
    for mapping in DEFAULT_MAPPINGS:
        held = after[mapping.name]
        fields = (held.available, held.locked, stored_total(held, mapping.total_means))
        available, locked, total = (stored_number("decimal", each) for each in fields)
        copies[mapping.name] = (Copy("1", available, locked, total),)
    return BalanceView(ACCOUNT, copies)


@pytest.mark.parametrize(
    "texts, expected",
    [
        ((None,) * 4, balance("0")),
        (("1.50 2",), balance("1.5", "2")),
        (("0.123456785d", "0.12345678", "0.12345678", "0.12345678"), balance("0.12345678")),
        ((None, "0", None, None), balance("0")),
        (("1 - -",), balance("1")),
        (("5i",), balance("5")),
    ],
)
def test_the_agreed_balance(texts: tuple[str | None, ...], expected: Balance) -> None:
    """It is the truth's, a double of it rounded; zeros without any copy."""
    assert agreed_balance(view(*texts), BTC) == expected


@pytest.mark.parametrize("texts", [("1", "2", "1", "1"), (None, "1", "1", "1"), ("-1",)])
def test_there_is_no_agreed_balance_where_copies_disagree(texts: tuple[str | None, ...]) -> None:
    """Reading says that the copies disagree rather than pick one of them."""
    with pytest.raises(BalancesOutOfSync):
        agreed_balance(view(*texts), BTC)


def test_a_replacement_sets_every_copy() -> None:
    """All collections get the planned balance; what stood in the truth is kept for the record."""
    found = view("1", "2d", None, "1 1")
    decided = decide_replacement(found, view("1", "2d", None, "1 1"), balance("3.0", "1"), BTC)

    assert decided.after == dict.fromkeys(DEFAULT_MAPPINGS.names, balance("3", "1"))
    assert decided.standing == balance("1")
    assert decided.conversions == ()
    assert decided.drift is not None


@pytest.mark.parametrize(
    "texts",
    [
        ("1.1", "2", "1", "1"),
        ("1d", "2", "1", "1"),
        ("1", "2", None, "1"),
        ("1", "2", "1&1", "1"),
        ("1", "2 - 2", "1", "1"),
        ("1", "2 0 -", "1", "1"),
        ("?", "2", "1", "1"),
    ],
)
def test_a_replacement_needs_the_very_before_image(texts: tuple[str | None, ...]) -> None:
    """A copy that differs in value, type or presence makes the plan stale."""
    with pytest.raises(StaleBefore):
        decide_replacement(view(*texts), view("1", "2", "1", "1"), balance("1"), BTC)


@pytest.mark.parametrize("texts", [("?", "1", "1", "1"), ("1", "1&1", "1", "1")])
def test_a_broken_balance_is_not_replaced(texts: tuple[str, ...]) -> None:
    """A malformed or doubled copy is for a person, not for the compare-and-set."""
    with pytest.raises(BrokenBalance):
        decide_replacement(view(*texts), view(*texts), balance("1"), BTC)


@pytest.mark.parametrize(
    "after, refusal",
    [
        (balance("-1"), InsufficientFunds),
        (balance("1", "-1"), InsufficientFunds),
        (balance("0.000000001"), AmountTooFine),
        (balance("1", "1E-9"), AmountTooFine),
        (balance("1E+34"), AmountTooLong),
        (balance("9" * 34, "1"), AmountTooLong),
        (balance("NaN"), AmountNotANumber),
        (balance("0", "Infinity"), AmountNotANumber),
        (Balance(0.5), FloatRefused),  # type: ignore[arg-type]
    ],
)
def test_a_replacement_writes_only_what_can_be_kept(
    after: Balance, refusal: type[PostingRefused]
) -> None:
    """The planned balance is held to the same rules as every other one."""
    found = view("1", "2", "1", "1")
    with pytest.raises(refusal):
        decide_replacement(found, found, after, BTC)


def test_a_total_is_what_its_collection_means_by_it() -> None:
    """The total field holds the sum, or the available amount where that is its meaning."""
    held = balance("1", "2")

    assert stored_total(held, TotalMeaning.AVAILABLE_PLUS_LOCKED) == 3
    assert stored_total(held, TotalMeaning.AVAILABLE) == 1
