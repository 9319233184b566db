"""When the copies of an account agree, and what is wrong where they do not."""

from decimal import Context, Decimal, Inexact, localcontext

import pytest
from hypothesis import given

from reconciler.model.comparison import (
    Mismatch,
    MismatchKind,
    compare,
    drift_of,
    malformed_identity,
)
from reconciler.model.copies import BalanceView
from reconciler.model.mapping import (
    DEFAULT_MAPPINGS,
    CollectionMapping,
    Mappings,
    TotalMeaning,
)
from tests.unit.model.views import ACCOUNT, copy, near_views, view, views

OTHER_TOTALS = Mappings(
    (
        CollectionMapping("wallets"),
        CollectionMapping("means_available", total_means=TotalMeaning.AVAILABLE),
        CollectionMapping("without_total", total=None),
    )
)


def seen(found: BalanceView, mappings: Mappings = DEFAULT_MAPPINGS) -> str:
    """Say in one line what `compare` says: `kind+also: places`."""
    mismatch = compare(found, mappings)
    if mismatch is None:
        return "in sync"
    return f"{'+'.join([mismatch.kind, *mismatch.also])}: {' '.join(mismatch.differs)}"


@pytest.mark.parametrize(
    "texts",
    [
        (None, None, None, None),
        ("0",),
        ("1 2",),
        ("1.0", "1.00", "1", "1i"),
        ("-0", "0", "0d", "-0d"),
        ("1 0 1", "1 - 1", "1 - -", "1"),
        ("1 0 -", "1", "1", "1"),
        (None, "0", None, "0 0 -"),
        ("0", None, None, None),
        ("0 - -", None, "-0d", "0i"),
        (None, "0.000000004d 0 -", None, "-0.000000004d 0 -"),
        ("0.1d", "0.1", "0.1", "0.1"),
        ("0.1", "0.10000001d", "0.1", "0.1"),
        ("0.1", "0.1", "0.09999999d", "0.1"),
        ("0.1d", "0.10000001", "0.10000001", "0.10000001"),
        ("0.3d 0 0.30000000000000004d",),
        ("0.30000001d 0 0.3",),
        ("-0.00000001d 0 0",),
        ("5E-324d", "0", "0", "0"),
        ("1E-6000",),
        ("9999999999999999999999999999999999",),
    ],
)
def test_what_is_in_sync(texts: tuple[str | None, ...]) -> None:
    """Equal values agree however they are written, and doubles within the tolerance."""
    assert seen(view(*texts)) == "in sync"


@pytest.mark.parametrize(
    "texts, expected",
    [
        # malformed
        (("1", "?", "1", "1"), "malformed: crypto_balances.available"),
        (("?", "1", "1", "1"), "malformed: wallets.available"),
        (("- 0 -", "1", "1", "1"), "malformed+amount"),
        (("- 0 0", "0", "0", "0"), "malformed: wallets.available"),
        (("1 ? 1", "1", "1", "1"), "malformed: wallets.locked"),
        (("1 0 ?", "1", "1", "1"), "malformed: wallets.total"),
        (("1E+6000", "1", "1", "1"), "malformed: wallets.available"),
        (("1E+34 0 -",), "malformed"),
        (("1", "1", "1", "NaN"), "malformed: internal_balances.available"),
        (("1", "1", "1", "nand"), "malformed: internal_balances.available"),
        (("1", "1", "1 Infinity", "1"), "malformed: trader_balances.locked"),
        (("1", "1", "1 0 -Infinity", "1"), "malformed: trader_balances.total"),
        (("1E+308d 0 -", "0", "0", "0"), "malformed: wallets.available"),
        # duplicate
        (("1", "1&1", "1", "1"), "duplicate: crypto_balances"),
        (("0&0", "0", "0", "0"), "duplicate: wallets"),
        (("1&2", "1", "1", "1"), "duplicate+amount: wallets"),
        (("1&1",), "duplicate: crypto_balances internal_balances trader_balances wallets"),
        # orphan
        ((None, "1", "1", "1"), "orphan: wallets"),
        ((None, "0 1", None, None), "orphan+missing: wallets internal_balances trader_balances"),
        ((None, "0", "0", "1"), "orphan+amount: wallets"),
        ((None, "?", None, None), "malformed+orphan+missing"),
        ((None, "1E-6000", None, None), "orphan+missing"),
        # missing
        (("1", None, "1", "1"), "missing: crypto_balances"),
        (("0", "0", None, "1"), "missing+amount: trader_balances internal_balances.available"),
        (("0 0.00000002d", "0 0.00000002", None, "0 0.00000002"), "missing: trader_balances"),
        # amount
        (("1", "0.5", "1", "1"), "amount: crypto_balances.available"),
        (("2", "1", "1", "1"), "amount: crypto_balances.available internal_balances.available"),
        (("1 1", "1 2", "1 1", "1 1"), "amount: crypto_balances.locked"),
        (("1 1 -", "1", "1 1", "1 1"), "amount: crypto_balances.locked"),
        (("1", "1 1 -", "1", "1"), "amount: crypto_balances.locked"),
        (("0.1", "0.10000002d", "0.1", "0.1"), "amount: crypto_balances.available"),
        (("0.1", "0.1000000100000001d", "0.1", "0.1"), "amount: crypto_balances.available"),
        (("1", "1.000000000000000001", "1", "1"), "amount: crypto_balances.available"),
        (("1", "1.000000001", "1", "1i"), "amount: crypto_balances.available"),
        (("1E-6000", "0", "0", "0"), "amount"),
        # two decimals near a double truth, which are not equal
        (("1d", "1", "1.000000001", "1"), "amount: crypto_balances.available trader_balances"),
        # total
        (("1 1 3", "1 1", "1 1", "1 1"), "total: wallets.total"),
        (("1 0 1.000000001", "1", "1", "1"), "total: wallets.total"),
        (("1d 0 1.00000002", "1", "1", "1"), "total: wallets.total"),
        (("1 1 1",), "total: crypto_balances.total internal_balances.total"),
        # negative
        (("-1",), "negative: crypto_balances.available crypto_balances.total"),
        (("2 -1", "2 -1", "2 -1", "2 -1"), "negative: crypto_balances.locked"),
        (("-1E-6000",), "negative"),
        (("-0.00000002d 0 -",), "negative"),
        (("-0.000000001 0 -",), "negative"),
        (("-1i",), "negative"),
        # precedence: the first kind counts, the others are beside it
        (("?", "-1&1 0 5", None, "1"), "malformed+duplicate+missing+amount+total+negative"),
        ((None, "-1&1 0 5", None, "1"), "duplicate+orphan+missing+amount+total+negative"),
        (("-1", "1", "1", "1 1 3"), "amount+total+negative"),
    ],
)
def test_what_is_a_mismatch(texts: tuple[str | None, ...], expected: str) -> None:
    """A view has the first kind that applies, the others in `also`, and the places by kind."""
    observed = seen(view(*texts))

    assert observed == expected or observed.startswith(
        (f"{expected}:", f"{expected} ", f"{expected}.")
    )


@pytest.mark.parametrize(
    "texts, expected",
    [
        (("1 2 3", "1 2 1", "1 2 -"), "in sync"),
        (("1 2 3", "1 2 3", "1 2 -"), "total: means_available.total"),
        (("1 2 2", "1 2 1", "1 2 -"), "total: wallets.total"),
        (("1 2 3", "1 2 -", "1 2 -"), "in sync"),
    ],
)
def test_a_total_is_held_to_its_own_meaning(texts: tuple[str, ...], expected: str) -> None:
    """A total may mean the available amount alone, and a collection need not have one."""
    assert seen(view(*texts, mappings=OTHER_TOTALS), OTHER_TOTALS) == expected


def test_the_source_of_truth_is_what_others_are_compared_with() -> None:
    """With another source of truth, the collections that differ from it are named."""
    mappings = Mappings(DEFAULT_MAPPINGS.collections, source_of_truth="trader_balances")

    assert seen(view("1", "1", "2", "2"), mappings) == (
        "amount: crypto_balances.available wallets.available"
    )
    assert seen(view("1", "1", None, "1"), mappings) == "orphan: trader_balances"


def test_the_tolerance_can_be_set() -> None:
    """Zero tolerance makes the smallest difference of a double a mismatch."""
    found = view("0.1", "0.1", "0.1", "0.1000000000000001d")

    assert compare(found, DEFAULT_MAPPINGS) is None
    assert compare(found, DEFAULT_MAPPINGS, double_tolerance=Decimal(0)) is not None


def test_comparing_does_not_depend_on_the_ambient_context() -> None:
    """A difference just past the tolerance is seen in an application with any decimal context."""
    past = view("0", "0", "0", "1.0001E-8d 0 -")
    with localcontext(Context(prec=3, traps=[])):
        assert seen(past) == "amount: internal_balances.available"
    with localcontext(Context(prec=3, traps=[Inexact])):
        assert seen(past) == "amount: internal_balances.available"
        assert seen(view("-1.0001E-8d 0 -")).startswith("negative")


@given(views)
def test_comparing_never_raises(found: BalanceView) -> None:
    """Whatever stands in a document is classified, and described."""
    mismatch = compare(found, DEFAULT_MAPPINGS)

    assert mismatch is None or mismatch.kinds
    assert set(drift_of(found, DEFAULT_MAPPINGS)) == set(DEFAULT_MAPPINGS.names)


@given(near_views)
def test_in_sync_means_that_all_decimals_are_equal(found: BalanceView) -> None:
    """No tolerance hides a difference between two decimals, whatever doubles stand beside them."""
    if compare(found, DEFAULT_MAPPINGS) is None:
        for field in ("available", "locked"):
            values = [
                getattr(each, field).value
                for copies in found.copies.values()
                for each in copies
                if getattr(each, field).bson_type == "decimal"
            ]
            assert len(set(values)) <= 1


@given(near_views)
def test_the_order_of_the_other_copies_does_not_matter(found: BalanceView) -> None:
    """Moving the copies among the other collections does not change what kind of mismatch it is."""
    names = DEFAULT_MAPPINGS.names
    moved = dict(
        zip(names, [found.copies[name] for name in (names[0], *names[:0:-1])], strict=True)
    )

    def kinds(mismatch: Mismatch | None) -> frozenset[MismatchKind]:
        return frozenset() if mismatch is None else mismatch.kinds

    assert kinds(compare(found, DEFAULT_MAPPINGS)) == kinds(
        compare(BalanceView(ACCOUNT, moved), DEFAULT_MAPPINGS)
    )


@pytest.mark.parametrize(
    "before, after",
    [
        (("5", "4", "5", "5"), ("7", "6", "7", "7")),
        (("5 1", "4 1", "5", "5 1"), ("7 4", "6 4", "7 3", "7 4")),
        (("5", "4 0 -", "5", "5"), ("7", "6 0 6", "7", "7")),
        (("5", None, "5", "5"), ("7", None, "7", "7")),
        (("5", "5&5", "5", "5"), ("7", "7&7", "7", "7")),
        (("5d", "4", "5i", "5.0"), ("5.5", "4.5", "5.5", "5.5")),
    ],
)
def test_a_drift_is_the_same_after_a_balanced_posting(
    before: tuple[str | None, ...], after: tuple[str | None, ...]
) -> None:
    """A busy account keeps its drift while postings change all its copies by the same amount."""
    assert drift_of(view(*before), DEFAULT_MAPPINGS) == drift_of(view(*after), DEFAULT_MAPPINGS)


def test_a_drift_knows_what_a_total_means() -> None:
    """A locked amount does not look like a wrong total where the total means available alone."""
    before = view("1 0 1", "2 0 2", "1 0 -", mappings=OTHER_TOTALS)
    after = view("2 3 5", "3 3 3", "2 3 -", mappings=OTHER_TOTALS)

    assert drift_of(before, OTHER_TOTALS) == drift_of(after, OTHER_TOTALS)


@pytest.mark.parametrize(
    "changed",
    [
        ("5", "4.5", "5", "5"),
        ("5", "4 1", "5", "5"),
        ("5", "4 0 5", "5", "5"),
        ("5", None, "5", "5"),
        ("5", "?", "5", "5"),
        ("5", "4&4", "5", "5"),
        ("4", "4", "5", "5"),
    ],
)
def test_another_difference_is_another_drift(changed: tuple[str | None, ...]) -> None:
    """Whatever changes in how the copies differ changes the drift's description."""
    assert drift_of(view("5", "4", "5", "5"), DEFAULT_MAPPINGS) != drift_of(
        view(*changed), DEFAULT_MAPPINGS
    )


def test_a_document_of_no_account_is_malformed_where_it_stands() -> None:
    """A document without a usable id is named by its collection."""
    mismatch = malformed_identity(BalanceView(ACCOUNT, {"wallets": (), "x": (copy("1"),)}))

    assert (mismatch.kind, mismatch.differs) == (MismatchKind.MALFORMED, ("x",))


def test_kinds_stand_in_their_order_of_precedence() -> None:
    """The order of the kinds is a promise, and so are their spellings."""
    assert list(MismatchKind) == [
        "malformed",
        "duplicate",
        "orphan",
        "missing",
        "amount",
        "total",
        "negative",
    ]
