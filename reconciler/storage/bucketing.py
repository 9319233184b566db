"""The bucket of a user id as the server computes it, and which way to do that fits a database.

A piece of a text costs the server less than a hash. Both are the same wherever the id is: the hash
is one for all that is one id (1, 1.0 and Decimal128 1), and a piece counts bytes. It is cut out by
`$substrBytes`, which refuses where it would cut a character. (`$substrCP`, which counts characters,
was seen to take down a 6.0.5 whole when a string ends within one.)
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bson import Int64

from reconciler.errors import CannotLook
from reconciler.model.digest import Bucket, Bucketing, Buckets, ByPiece
from reconciler.storage.elements import STRING, RawValue
from reconciler.storage.ordering import number_of

Expression = Mapping[str, Any]
Choose = Callable[[int, Sequence[str | None]], Bucketing]
DrawIds = Callable[[], Awaitable[Sequence[RawValue]]]


class KnownIds:
    """What the scans of one process found out about the ids of a database.

    `are_texts` until the server said of a piece that some document has none.
    """

    def __init__(self) -> None:
        self.are_texts = True


class ChosenBucketing:
    """How one scan divides users into buckets: by what a sample of their ids looks like.

    Args:
        choose: decides by the number of accounts and the ids as texts, None for another type.
        draw_ids: gives ids of users at random.
        known: what was found out before, and is told what is found out now.
    """

    def __init__(self, choose: Choose, draw_ids: DrawIds, known: KnownIds) -> None:
        self._choose = choose
        self._draw_ids = draw_ids
        self._known = known
        self._ids: Sequence[str | None] | None = None

    async def of(self, accounts: int) -> Bucketing:
        """Choose for so many accounts; ids are drawn once.

        Raises:
            ReadInterrupted: the ids could not be read, in a way that may pass.
        """
        if not self._known.are_texts:
            return self.without_pieces(accounts)
        if self._ids is None:
            try:
                self._ids = [_text(each) for each in await self._draw_ids()]
            except CannotLook:
                self._ids = ()  # any choice is right
        return self._choose(accounts, self._ids)

    def without_pieces(self, accounts: int) -> Bucketing:
        """Choose for ids of any type."""
        return self._choose(accounts, ())

    def have_no_pieces(self) -> None:
        """Note that some document has no piece, or is otherwise not as those of texts are."""
        self._known.are_texts = False


def bucket_of(user: str, by: Bucketing) -> Expression:
    """Make the expression of the bucket of a user id.

    By a piece it fails for some types, of which an ObjectId is one, and where a character would be
    cut.
    """
    if isinstance(by, ByPiece):
        return {"$substrBytes": [user, by.start, by.length]}
    return {"$mod": [{"$toHashedIndexKey": user}, Int64(by.modulus)]}


def in_buckets(user: str, buckets: Buckets) -> Expression:
    """Make the condition that a user id is in one of some buckets, as quick for many as for one.

    Where buckets are pieces, what is no text is in all of them: those with such an id never agree.
    """
    if isinstance(buckets.by, ByPiece):
        is_chosen = _has_piece(user, buckets.by, sorted(map(str, buckets.chosen)), buckets)
        return {"$cond": [{"$eq": [{"$type": user}, "string"]}, is_chosen, True]}
    modulus = buckets.by.modulus
    are_chosen = [number in buckets.chosen for number in range(-modulus, modulus)]
    place = {"$add": [bucket_of(user, buckets.by), Int64(modulus)]}
    return {"$arrayElemAt": [{"$literal": are_chosen}, place]}


def _has_piece(user: str, by: ByPiece, pieces: Sequence[str], buckets: Buckets) -> Expression:
    """Make the condition that a text has one of some pieces where buckets are cut out."""
    if not buckets.is_careful:
        # `$in` compares with one after the other; a constant set is looked up in.
        return {"$setIsSubset": [[bucket_of(user, by)], {"$literal": pieces}]}
    return {"$or": [_has_bytes(user, by, piece) for piece in pieces]}


def _has_bytes(user: str, by: ByPiece, piece: str) -> Expression:
    """Make the condition for one piece; it is shorter than others where the text ends with it."""
    end = by.start + len(piece.encode())
    length = {"$strLenBytes": user}
    if not piece:
        return {"$lte": [length, by.start]}
    found = {"$indexOfBytes": [user, {"$literal": piece}, by.start, end]}
    is_there = {"$eq": [found, by.start]}
    is_whole = end == by.start + by.length
    return is_there if is_whole else {"$and": [{"$eq": [length, end]}, is_there]}


def bucket_from(value: RawValue) -> Bucket:
    """Read a bucket that the server computed.

    Raises:
        CannotLook: the piece is not UTF-8, so that it could not be asked for again.
    """
    if value.type_code != STRING:
        return int(number_of(value))
    text = _text(value)
    if text is None:
        raise CannotLook("a user id is a string that is not UTF-8")
    return text


def _text(value: RawValue) -> str | None:
    """Give a string's characters; None for another type, and for what is no UTF-8."""
    if value.type_code != STRING:
        return None
    try:
        return value.data[4:-1].decode()
    except UnicodeDecodeError:
        return None
