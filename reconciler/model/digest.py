"""What digests prove: buckets of accounts that hold the same in every collection, and all others.

An account belongs to the bucket of its user id, which is a remainder of the id's hash or a piece of
its text. A collection's digest of a bucket is how many documents lie in it and the sum of a hash of
each of them. Equal digests mean equal documents, but
for the probability that `docs/digest.md` derives; digests that differ only say where to look.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

# Hashes are reduced to fewer than 2^40 in amount, so that the sum of 2^23 of them is exact.
HASH_MODULUS = 1 << 40

# A bucket aims at so many accounts: more buckets cost the server time, fewer more accounts to read.
BUCKET_ACCOUNTS = 1_000
MODULUS_MIN, MODULUS_MAX = 32, 4_096

# A piece of the id serves if an account shares its bucket with so few others, and with so few of
# all. One more character makes many times the buckets, so that it is more than hashes aim at.
PIECE_ACCOUNTS_MAX = 4_000
PIECE_BUCKETS_MIN = 64
PIECE_LENGTH_MAX = 4
# A piece is looked for in so much of an id, and among so many users.
PIECE_END_MAX = 64
SAMPLE_USERS = 200


@dataclass(frozen=True, slots=True)
class ByHash:
    """Buckets by the remainder of the user id's hash, for ids of all types.

    The hash is signed, so that a bucket is a number between `-modulus` and `modulus`.
    """

    modulus: int


@dataclass(frozen=True, slots=True)
class ByPiece:
    """Buckets by `length` bytes of the user id from the one at `start` on, for texts."""

    start: int
    length: int


Bucketing = ByHash | ByPiece
Bucket = int | str


@dataclass(frozen=True, slots=True)
class Buckets:
    """Some of the buckets into which all users are divided.

    With `is_careful` they are told apart in a way that takes longer and that no id can break.
    """

    by: Bucketing
    chosen: frozenset[Bucket]
    is_careful: bool = False


@dataclass(frozen=True, slots=True)
class Digest:
    """How many documents of one collection are in a bucket, and the sum of their hashes.

    `total` is None where it proves nothing: a document breaks a rule by itself, or holds what the
    hash does not tell apart.
    """

    documents: int
    total: int | None


CollectionDigest = Mapping[Bucket, Digest]


@dataclass(frozen=True, slots=True)
class Covered:
    """The users and the currencies of a bucket, as some collection has them."""

    users: int
    currencies: frozenset[Hashable]


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests of all collections, by collection and bucket, as of one moment.

    `covered` is what each bucket holds, which is so in all collections where they agree. `doubled`
    are the buckets in which some account has two documents in one collection, as far as that had
    to be looked for.
    """

    by: Bucketing
    collections: Mapping[str, CollectionDigest]
    covered: Mapping[Bucket, Covered]
    doubled: frozenset[Bucket] = frozenset()


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


def bucketing_for(accounts: int, ids: Sequence[str | None]) -> Bucketing:
    """Choose how so many accounts are divided into buckets, by the ids of users drawn at random.

    None is an id that is no text. A piece takes the server less time than a hash, but only texts
    have one, in all of which a character must be a byte, and it must spread the users; any choice
    is right. Of the shortest pieces that will do it is the last one: what ids begin with they may
    have in common with all others of a range.
    """
    texts = [each for each in set(ids) if each is not None and each.isascii()]
    if len(texts) < max(2, len(set(ids))):
        return ByHash(modulus_for(accounts))
    end = min(max(map(len, texts)), PIECE_END_MAX)
    pairs = len(texts) * (len(texts) - 1)
    buckets_min = max(-(-accounts // PIECE_ACCOUNTS_MAX), PIECE_BUCKETS_MIN)
    for length in range(1, min(end, PIECE_LENGTH_MAX) + 1):
        for start in reversed(range(end - length + 1)):
            piece = ByPiece(start, length)
            if _pairs_sharing(texts, piece) * buckets_min <= pairs:
                return piece
    return ByHash(modulus_for(accounts))


def _pairs_sharing(texts: Sequence[str], piece: ByPiece) -> int:
    """Count the ordered pairs of ids that lie in one bucket."""
    ends = piece.start + piece.length
    counts = Counter(text[piece.start : ends] for text in texts)
    return sum(count * (count - 1) for count in counts.values())


def agreement_of(digests: Digests) -> Agreement:
    """Compare the digests of all collections, bucket by bucket."""
    each = list(digests.collections.values())
    buckets = frozenset[Bucket]().union(*each)
    differing = {bucket for bucket in buckets if not _agree(each, bucket)} | digests.doubled
    first = each[0]
    agreeing = buckets - differing
    covered = [digests.covered[bucket] for bucket in agreeing]
    return Agreement(
        buckets=len(buckets),
        accounts=sum(first[bucket].documents for bucket in agreeing),
        users=sum(of_bucket.users for of_bucket in covered),
        currencies=frozenset[Hashable]().union(*[of_bucket.currencies for of_bucket in covered]),
        differing=Buckets(digests.by, frozenset(differing)),
        accounts_left=max(
            sum(digest.documents for bucket, digest in one.items() if bucket in differing)
            for one in each
        ),
    )


def _agree(each: list[CollectionDigest], bucket: Bucket) -> bool:
    """Whether all collections have the bucket, none with what proves nothing, and all alike."""
    found = {collection.get(bucket) for collection in each}
    if len(found) != 1:
        return False
    (digest,) = found
    return digest is not None and digest.total is not None
