"""What digests prove: buckets of accounts that hold the same in every collection, and all others.

An account belongs to the bucket of its user id. A collection's digest of a bucket is how many
documents lie in it and the sum of a hash of each of them. Equal digests mean equal documents, but
for the probability that `docs/digest.md` derives; digests that differ only say where to look.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

# Hashes are reduced to fewer than 2^40 in amount, so that the sum of 2^23 of them is exact.
HASH_MODULUS = 1 << 40

# A bucket aims at so many accounts: more buckets cost the server time, fewer more accounts to read.
BUCKET_ACCOUNTS = 1_000
MODULUS_MIN, MODULUS_MAX = 32, 4_096


@dataclass(frozen=True, slots=True)
class Buckets:
    """Some of the buckets into which `modulus` divides all users, by their numbers.

    A number is the remainder of a signed hash, and so lies between `-modulus` and `modulus`.
    """

    modulus: int
    numbers: frozenset[int]


@dataclass(frozen=True, slots=True)
class Digest:
    """How many documents of one collection are in a bucket, and the sum of their hashes.

    `total` is None where it proves nothing: a document breaks a rule by itself, or holds what the
    hash does not tell apart.
    """

    documents: int
    total: int | None


CollectionDigest = Mapping[int, Digest]


@dataclass(frozen=True, slots=True)
class Covered:
    """The users and the currencies of a bucket, in the source of truth."""

    users: int
    currencies: frozenset[Hashable]


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests of all collections, by collection and bucket, as of one moment.

    `covered` is what each bucket holds, which is so in all collections where they agree. `doubled`
    are the buckets in which some account has two documents in one collection, as far as that had
    to be looked for.
    """

    modulus: int
    collections: Mapping[str, CollectionDigest]
    covered: Mapping[int, Covered]
    doubled: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Agreement:
    """What digests prove: what is in the buckets that agree, and which buckets do not.

    `accounts_left` is the most that any collection holds in the others.
    """

    buckets: int
    accounts: int
    users: int
    currencies: frozenset[Hashable]
    differing: Buckets
    accounts_left: int


@dataclass(frozen=True, slots=True)
class DrillLimit:
    """How much is looked at one by one after the digests: so many accounts, or so many percent."""

    accounts: int = 10_000
    percent: int = 25

    def is_passed_by(self, agreement: Agreement) -> bool:
        """Whether reading everything is quicker."""
        share = self.percent * (agreement.accounts + agreement.accounts_left) // 100
        return agreement.accounts_left > max(self.accounts, share)


@dataclass(frozen=True, slots=True)
class DigestUse:
    """How far digests went in one scan; `given_up` says why accounts were read one by one."""

    buckets: int = 0
    differing: int = 0
    given_up: str | None = field(default=None)


def modulus_for(accounts: int) -> int:
    """Choose into how many buckets so many accounts are divided, roughly."""
    # Remainders of signed numbers: there are nearly twice as many buckets as the modulus says.
    return min(max(accounts // (2 * BUCKET_ACCOUNTS), MODULUS_MIN), MODULUS_MAX)


def agreement_of(digests: Digests) -> Agreement:
    """Compare the digests of all collections, bucket by bucket."""
    each = list(digests.collections.values())
    numbers = frozenset[int]().union(*each)
    differing = {number for number in numbers if not _agree(each, number)} | digests.doubled
    first = each[0]
    agreeing = numbers - differing
    covered = [digests.covered[number] for number in agreeing]
    return Agreement(
        buckets=len(numbers),
        accounts=sum(first[number].documents for number in agreeing),
        users=sum(of_bucket.users for of_bucket in covered),
        currencies=frozenset[Hashable]().union(*[of_bucket.currencies for of_bucket in covered]),
        differing=Buckets(digests.modulus, frozenset(differing)),
        accounts_left=max(
            sum(digest.documents for number, digest in one.items() if number in differing)
            for one in each
        ),
    )


def _agree(each: list[CollectionDigest], number: int) -> bool:
    """Whether all collections have the bucket, none with what proves nothing, and all alike."""
    found = {collection.get(number) for collection in each}
    if len(found) != 1:
        return False
    (digest,) = found
    return digest is not None and digest.total is not None
