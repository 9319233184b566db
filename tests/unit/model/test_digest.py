"""What digests prove is decided bucket by bucket, by plain values."""

import random
import uuid
from collections import Counter

import pytest

from reconciler.model.digest import (
    MODULUS_MAX,
    MODULUS_MIN,
    Agreement,
    Bucket,
    Buckets,
    ByHash,
    ByPiece,
    Covered,
    Digest,
    Digests,
    DrillLimit,
    agreement_of,
    bucketing_for,
    modulus_for,
)

COVERED: dict[Bucket, Covered] = {
    1: Covered(2, frozenset({"BTC"})),
    -7: Covered(1, frozenset({"BTC", "ETH"})),
}
SAME: dict[Bucket, Digest] = {1: Digest(2, 40), -7: Digest(1, -5)}


def digests(
    *collections: dict[Bucket, Digest], doubled: frozenset[Bucket] = frozenset()
) -> Digests:
    """Name some collections."""
    return Digests(
        ByHash(32), {f"c{i}": each for i, each in enumerate(collections)}, COVERED, doubled
    )


def test_all_agree() -> None:
    """Where all buckets agree the accounts are those of one collection, and nothing is left."""
    agreement = agreement_of(digests(SAME, SAME, SAME))

    both = frozenset({"BTC", "ETH"})
    assert agreement == Agreement(2, 3, 3, both, Buckets(ByHash(32), frozenset()), 0)


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
def test_a_bucket_that_differs(other: dict[Bucket, Digest]) -> None:
    """One collection that differs, cannot say or has nothing leaves the bucket to be read."""
    agreement = agreement_of(digests(SAME, SAME, other))

    assert agreement.differing.chosen == {1}
    assert (agreement.accounts, agreement.users) == (1, 1)
    assert agreement.accounts_left >= 2


def test_what_proves_nothing_everywhere_does_not_agree() -> None:
    """A bucket without a sum in any collection is read, though all of them are alike."""
    broken: dict[Bucket, Digest] = {1: Digest(2, None)}

    assert agreement_of(digests(broken, broken)).differing.chosen == {1}


def test_a_doubled_account_is_read() -> None:
    """Equal digests prove nothing where an account is doubled."""
    agreement = agreement_of(digests(SAME, SAME, doubled=frozenset({-7})))

    assert agreement.differing.chosen == {-7}


@pytest.mark.parametrize(
    "left, agreed, is_passed", [(10, 0, False), (11, 89, False), (25, 75, False), (26, 74, True)]
)
def test_how_much_is_read_after_digests(left: int, agreed: int, is_passed: bool) -> None:
    """So many accounts always, and above that a quarter of all."""
    agreement = Agreement(9, agreed, 1, frozenset(), Buckets(ByHash(32), frozenset({1})), left)

    assert DrillLimit(accounts=10, percent=25).is_passed_by(agreement) is is_passed


def test_more_accounts_have_more_buckets() -> None:
    """The number of buckets follows that of the accounts, within bounds."""
    chosen = [modulus_for(accounts) for accounts in (0, 125_000, 500_000, 10**9)]

    assert chosen == sorted(chosen)
    assert (chosen[0], chosen[-1]) == (MODULUS_MIN, MODULUS_MAX)
    assert chosen[2] > 3 * chosen[1]


RANDOM = random.Random(7)
UUIDS = [str(uuid.UUID(int=RANDOM.getrandbits(128), version=4)) for _ in range(200)]


def test_a_piece_of_ids_that_are_texts() -> None:
    """The shortest piece that divides them finely enough, longer where there are more accounts."""
    chosen = [bucketing_for(accounts, UUIDS) for accounts in (1_000, 500_000, 5_000_000)]

    assert [each.length for each in chosen if isinstance(each, ByPiece)] == [2, 2, 3]


def test_where_ids_differ() -> None:
    """What all ids begin with, as a prefix or leading zeros, spreads nobody and is passed over."""
    numbered = [f"user-{number:09}" for number in RANDOM.sample(range(400_000), 200)]

    by = bucketing_for(400_000, numbered)

    assert isinstance(by, ByPiece)
    buckets = Counter(text[by.start : by.start + by.length] for text in numbered)
    assert by.start >= 8
    assert max(buckets.values()) <= 12


@pytest.mark.parametrize(
    "ids",
    [
        [],
        UUIDS[:1],
        [*UUIDS, None],
        [*UUIDS, "ünïcode"],
        [f"{number:0100}" for number in range(200)],
        ["", *["x" * length for length in range(1, 200)]],
    ],
    ids=[
        "none",
        "one",
        "another type",
        "another script",
        "different too far behind",
        "all of one letter",
    ],
)
def test_ids_that_are_hashed(ids: list[str | None]) -> None:
    """Where ids are not all texts, or no piece of them spreads them, their hashes do."""
    assert bucketing_for(500_000, ids) == ByHash(modulus_for(500_000))


def test_a_user_drawn_twice_counts_once() -> None:
    """One user with many accounts is drawn often, and says nothing about how others spread."""
    assert isinstance(bucketing_for(500_000, [*UUIDS, *UUIDS[:5] * 40]), ByPiece)
