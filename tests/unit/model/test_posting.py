"""What a posting is: its legs, its limits and its fingerprint."""

from dataclasses import replace
from decimal import Context, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.amounts import ZERO, checked_amount, exact_sum
from reconciler.model.copies import Balance, BalanceView, Copy, StoredNumber, stored_number
from reconciler.model.faults import AmountNotPositive, AmountTooLong, InvalidPosting
from reconciler.model.identity import Account, Identifier
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.posting import (
    LEGS_MAX,
    CheckedLeg,
    Delta,
    EntryKind,
    Posting,
    credit_legs,
    debit_legs,
    lock_legs,
    release_legs,
    replacement_fingerprint,
    unlock_legs,
)

ALICE, BOB, FEES = (Account.of(name, "ETH") for name in ("alice", "bob", "PLATFORM_FEES"))
LONG = Decimal("1234567890123456.123456789012345678")  # 34 digits: the default context keeps 28
positive = st.decimals(min_value="1E-18", max_value="9E+15", places=18).filter(bool)


def a_posting(legs: tuple[CheckedLeg, ...], kind: EntryKind = EntryKind.CREDIT) -> Posting:
    return Posting("op-1", kind, legs, "a test")


@pytest.mark.parametrize("amount", [Decimal(1), LONG])
def test_each_operation_moves_its_amounts(amount: Decimal) -> None:
    """Credit and debit change available, lock and unlock move it, to the last digit."""
    minus = Decimal(f"-{amount}")

    assert credit_legs(ALICE, amount) == (CheckedLeg(ALICE, Delta(amount, ZERO)),)
    assert debit_legs(ALICE, amount) == (CheckedLeg(ALICE, Delta(minus, ZERO)),)
    assert lock_legs(ALICE, amount) == (CheckedLeg(ALICE, Delta(minus, amount)),)
    assert unlock_legs(ALICE, amount) == (CheckedLeg(ALICE, Delta(amount, minus)),)


@pytest.mark.parametrize(
    "legs, spends",
    [
        (credit_legs(ALICE, LONG), False),
        (debit_legs(ALICE, LONG), True),
        (lock_legs(ALICE, LONG), True),
        (unlock_legs(ALICE, LONG), True),
    ],
)
def test_what_takes_out_of_either_amount_spends(legs: tuple[CheckedLeg], spends: bool) -> None:
    """Any negative delta is spending, an unlock's too: its locked amount must be known."""
    assert legs[0].delta.is_spending is spends


@given(positive, st.data())
def test_a_release_conserves_the_amount(amount: Decimal, data: st.DataObject) -> None:
    """What leaves the locked amount arrives in full, in whatever decimal context it is computed."""
    share = data.draw(st.integers(min_value=0, max_value=10**18))
    fee = min(amount, checked_amount(Decimal(share).scaleb(-18, Context(prec=40)), scale=18))
    with localcontext(Context(prec=3, traps=[])):
        legs = release_legs(source=ALICE, target=BOB, amount=amount, fee=fee, fee_account=FEES)
        total = ZERO
        for leg in legs:
            total = exact_sum(total, exact_sum(leg.delta.available, leg.delta.locked))

    assert total == 0
    assert legs[0] == CheckedLeg(ALICE, Delta(ZERO, amount.copy_negate()))
    assert all(leg.delta.available > 0 for leg in legs[1:])


@pytest.mark.parametrize(
    "fee, receivers",
    [("0", [(BOB, "2")]), ("0.5", [(BOB, "1.5"), (FEES, "0.5")]), ("2", [(FEES, "2")])],
)
def test_a_release_has_no_leg_that_changes_nothing(
    fee: str, receivers: list[tuple[Account, str]]
) -> None:
    """Two or three legs: one that would get nothing is left out."""
    legs = release_legs(
        source=ALICE, target=BOB, amount=Decimal(2), fee=Decimal(fee), fee_account=FEES
    )

    assert [(leg.account, leg.delta.available) for leg in legs[1:]] == [
        (account, Decimal(gain)) for account, gain in receivers
    ]


@pytest.mark.parametrize("fee", ["-0.1", "2.1"])
def test_a_fee_is_a_part_of_the_amount(fee: str) -> None:
    """A fee below zero or above the amount is refused."""
    with pytest.raises(AmountNotPositive):
        release_legs(
            source=ALICE, target=BOB, amount=Decimal(2), fee=Decimal(fee), fee_account=FEES
        )


def test_a_fee_needs_an_account_and_digits() -> None:
    """A fee that nobody gets is refused, and one that leaves more than 34 digits is."""
    with pytest.raises(InvalidPosting):
        release_legs(source=ALICE, target=BOB, amount=Decimal(2), fee=Decimal(1), fee_account=None)
    with pytest.raises(AmountTooLong):
        release_legs(
            source=ALICE,
            target=BOB,
            amount=Decimal("1E+33"),
            fee=Decimal("1E-18"),
            fee_account=FEES,
        )


def test_a_posting_has_legs_and_each_changes_something() -> None:
    """No leg, a leg of zeros, and more legs than the limit are refused."""
    leg = CheckedLeg(ALICE, Delta(Decimal(1)))
    for legs in ((), (leg, CheckedLeg(BOB, Delta())), (leg,) * (LEGS_MAX + 1)):
        with pytest.raises(InvalidPosting):
            a_posting(legs)

    assert len(a_posting((leg,) * LEGS_MAX).legs) == LEGS_MAX


def test_legs_of_one_account_are_added_up() -> None:
    """An account changes once, by the exact sum of its legs, in the order of first mention."""
    posting = a_posting(
        (
            CheckedLeg(BOB, Delta(LONG)),
            CheckedLeg(ALICE, Delta(Decimal(-1))),
            CheckedLeg(BOB, Delta(Decimal("-1E-18"), Decimal(3))),
        )
    )

    assert list(posting.deltas) == [BOB, ALICE]
    assert str(posting.deltas[BOB].available) == "1234567890123456.123456789012345677"
    assert posting.deltas[BOB].locked == 3


def test_equal_content_has_one_fingerprint() -> None:
    """How an amount was written, and under which op_id, is no part of the content."""
    written = ["0.1", "0.10", "1E-1", Decimal("0.100")]
    prints = {
        replace(
            a_posting(credit_legs(ALICE, checked_amount(amount, scale=18))), op_id=f"op-{index}"
        ).fingerprint
        for index, amount in enumerate(written)
    }

    assert len(prints) == 1
    assert len(prints.pop()) == 64


def test_each_part_of_the_content_is_in_the_fingerprint() -> None:
    """Whatever differs, be it the border between two texts, the fingerprint differs."""
    one = Decimal(1)
    base = a_posting(credit_legs(ALICE, one))
    hex_id = "0" * 24
    others = [
        base,
        replace(base, reason="another"),
        replace(base, kind=EntryKind.POST),
        replace(base, legs=base.legs * 2),
        *(
            replace(base, legs=(CheckedLeg(account, delta),))
            for account, delta in [
                (BOB, Delta(one)),
                (Account.of("alice", "BTC"), Delta(one)),
                (Account.of("alic", "eETH"), Delta(one)),
                (Account.of("aliceE", "TH"), Delta(one)),
                (Account.of(hex_id, "ETH"), Delta(one)),
                (Account(Identifier(hex_id, "objectId"), Identifier("ETH")), Delta(one)),
                (ALICE, Delta(Decimal(2))),
                (ALICE, Delta(ZERO, one)),
                (ALICE, Delta(one, one)),
                (ALICE, Delta(-one)),
            ]
        ),
    ]

    assert len({posting.fingerprint for posting in others}) == len(others)


def test_the_order_of_legs_is_content() -> None:
    """Legs are a list: the same ones in another order are another request."""
    legs = (CheckedLeg(ALICE, Delta(Decimal(-1))), CheckedLeg(BOB, Delta(Decimal(1))))

    assert a_posting(legs).fingerprint != a_posting(legs[::-1]).fingerprint


def test_a_replacement_has_its_whole_image_in_its_fingerprint() -> None:
    """The before-image in value and type, the new balance, the account and the reason count."""
    one = Balance(Decimal(1))

    def view(available: StoredNumber, account: Account = ALICE, *, copies: int = 1) -> BalanceView:
        copy = Copy("1", available, stored_number("int", ZERO), stored_number("int", ZERO))
        return BalanceView(account, {"wallets": (copy,) * copies})

    def fingerprint(
        before: BalanceView,
        after: Balance = one,
        reason: str = "why",
    ) -> str:
        return replacement_fingerprint(before, after, DEFAULT_MAPPINGS, reason)

    base = view(stored_number("decimal", Decimal(1)))
    prints = [
        fingerprint(base),
        fingerprint(base, Balance(Decimal(2))),
        fingerprint(base, Balance(Decimal(1), Decimal(1))),
        fingerprint(base, reason="because"),
        fingerprint(view(stored_number("double", Decimal(1)))),
        fingerprint(view(stored_number("decimal", Decimal(2)))),
        fingerprint(view(stored_number("decimal", Decimal(1)), BOB)),
        fingerprint(view(stored_number("decimal", Decimal(1)), copies=2)),
        fingerprint(BalanceView(ALICE, {})),
    ]

    assert len(set(prints)) == len(prints)
    assert fingerprint(base) == fingerprint(view(stored_number("decimal", Decimal(1))))
