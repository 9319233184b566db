"""What digests prove is decided bucket by bucket, by plain values."""

import pytest

from reconciler.model.digest import (
    MODULUS_MAX,
    MODULUS_MIN,
    Agreement,
    Buckets,
    Covered,
    Digest,
    Digests,
    DrillLimit,
    agreement_of,
    modulus_for,
)

COVERED = {1: Covered(2, frozenset({"BTC"})), -7: Covered(1, frozenset({"BTC", "ETH"}))}
SAME = {1: Digest(2, 40), -7: Digest(1, -5)}


def digests(*collections: dict[int, Digest], doubled: frozenset[int] = frozenset()) -> Digests:
    """Name some collections."""
    return Digests(32, {f"c{i}": each for i, each in enumerate(collections)}, COVERED, doubled)


def test_all_agree() -> None:
    """Where all buckets agree the accounts are those of one collection, and nothing is left."""
    agreement = agreement_of(digests(SAME, SAME, SAME))

    both = frozenset({"BTC", "ETH"})
    assert agreement == Agreement(2, 3, 3, both, Buckets(32, frozenset()), 0)


@pytest.mark.parametrize(
    "other",
    [
        SAME | {1: Digest(2, 41)},
        SAME | {1: Digest(3, 40)},
        SAME | {1: Digest(2, None)},
        {-7: SAME[-7]},
    ],
    ids=["another sum", "another count", "no sum", "not there"],
)
def test_a_bucket_that_differs(other: dict[int, Digest]) -> None:
    """One collection that differs, cannot say or has nothing leaves the bucket to be read."""
    agreement = agreement_of(digests(SAME, SAME, other))

    assert agreement.differing.numbers == {1}
    assert (agreement.accounts, agreement.users) == (1, 1)
    assert agreement.accounts_left >= 2


def test_what_proves_nothing_everywhere_does_not_agree() -> None:
    """A bucket without a sum in any collection is read, though all of them are alike."""
    broken = {1: Digest(2, None)}

    assert agreement_of(digests(broken, broken)).differing.numbers == {1}


def test_a_doubled_account_is_read() -> None:
    """Equal digests prove nothing where an account is doubled."""
    agreement = agreement_of(digests(SAME, SAME, doubled=frozenset({-7})))

    assert agreement.differing.numbers == {-7}


@pytest.mark.parametrize(
    "left, agreed, is_passed", [(10, 0, False), (11, 89, False), (25, 75, False), (26, 74, True)]
)
def test_how_much_is_read_after_digests(left: int, agreed: int, is_passed: bool) -> None:
    """So many accounts always, and above that a quarter of all."""
    agreement = Agreement(9, agreed, 1, frozenset(), Buckets(32, frozenset({1})), left)

    assert DrillLimit(accounts=10, percent=25).is_passed_by(agreement) is is_passed


def test_more_accounts_have_more_buckets() -> None:
    """The number of buckets follows that of the accounts, within bounds."""
    chosen = [modulus_for(accounts) for accounts in (0, 125_000, 500_000, 10**9)]

    assert chosen == sorted(chosen)
    assert (chosen[0], chosen[-1]) == (MODULUS_MIN, MODULUS_MAX)
    assert chosen[2] > 3 * chosen[1]
