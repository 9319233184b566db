"""The fast path of the merge: where all streams hold the same bytes, one of them is looked through.

An account is taken when its document is the same in every collection, the server found it sound,
and the next document has another key: then it has one copy in each, all equal. Nothing is decoded.
"""

from collections.abc import Sequence

from reconciler.storage.elements import (
    FIXED_SIZES,
    INT32,
    SCALAR_TYPES,
    SIZES_BEYOND_LENGTH,
    RawValue,
)
from reconciler.storage.ordering import BYTEWISE_TYPES, order_of
from reconciler.storage.streams import RawStream

_STEP_BYTES_MIN = 64
_STEP_BYTES_MAX = 1 << 16

# Offset of the user id's type in a document without `x`, and of its value: length, type, "u", NUL.
_USER = 4
_VALUE = 3

_FIXED = {code: size for code, size in FIXED_SIZES.items() if code in SCALAR_TYPES}
_BEYOND_LENGTH = {code: size for code, size in SIZES_BEYOND_LENGTH.items() if code in SCALAR_TYPES}

# A field as the walk sees it: the element's bytes, with type and name.
Element = bytes


class Run:
    """The accounts of a run of equal documents, counted.

    `tail_accounts` are those of the last user, who may have more of them; `changes` counts how
    often another user begins than the one before, the one before the run included.
    """

    __slots__ = ("accounts", "changes", "currencies", "tail_accounts", "user")

    def __init__(self, user: RawValue | None) -> None:
        self.accounts = 0
        self.changes = 0
        self.tail_accounts = 0
        self.currencies: set[Element] = set()
        self.user = user


def take_agreed(streams: Sequence[RawStream], last_user: RawValue | None) -> Run:
    """Take the accounts on which all streams agree from their positions on, save the last one.

    The last document of the agreeing bytes is left to be looked at again, because what follows it
    is not known to be the same in all streams.
    """
    run = Run(last_user)
    first = streams[0]
    end = first.position + _agreed_length(streams)
    taken = _walk(first.buffer, first.position, end, run) - first.position
    for stream in streams:
        stream.position += taken
    return run


def _agreed_length(streams: Sequence[RawStream]) -> int:
    """Give how many bytes are surely equal in all streams; a few more may be."""
    first, *others = streams
    limit = min(len(stream.buffer) - stream.position for stream in streams)
    agreed, step, is_growing = 0, 512, True
    while agreed < limit and step >= _STEP_BYTES_MIN:
        begin = first.position + agreed
        piece = first.buffer[begin : begin + min(step, limit - agreed)]
        if all(other.buffer.startswith(piece, other.position + agreed) for other in others):
            agreed += len(piece)
            step = min(step * 2, _STEP_BYTES_MAX) if is_growing else step
        else:
            is_growing = False
            step //= 2
    return agreed


def _walk(buffer: bytes, start: int, end: int, run: Run) -> int:
    """Count documents from `start` on; give the offset of the first that is not taken."""
    head = _parsed(buffer, start, end)
    if head is None:
        return start
    position = start
    behind, user, currency = head
    last_taken = user
    is_new_user = run.user is None or not _is_same(user, _element(run.user))
    add_currency = run.currencies.add
    while (following := _parsed(buffer, behind, end)) is not None:
        next_behind, next_user, next_currency = following
        is_next_new_user = next_user != user and not _is_same(user, next_user)
        if not is_next_new_user and (
            next_currency == currency or _is_same(currency, next_currency)
        ):
            break  # a second document with this key
        run.accounts += 1
        if is_new_user:
            run.changes += 1
            run.tail_accounts = 0
        run.tail_accounts += 1
        add_currency(currency)
        position, behind = behind, next_behind
        last_taken, user, currency = user, next_user, next_currency
        is_new_user = is_next_new_user
    if run.accounts:
        run.user = value_of(last_taken)
    return position


def _parsed(buffer: bytes, start: int, end: int) -> tuple[int, Element, Element] | None:
    """Find the end, user id and currency of a document; None if it is flagged or not all there."""
    if start + _USER + 1 > end:
        return None
    behind = start + INT32.unpack_from(buffer, start)[0]
    if behind > end:
        return None
    begin = start + _USER
    user_end = _scalar_end(buffer, begin)
    if user_end is None:
        return None
    currency_end = _scalar_end(buffer, user_end)
    if currency_end is None:
        return None
    return behind, buffer[begin:user_end], buffer[user_end:currency_end]


def _scalar_end(buffer: bytes, begin: int) -> int | None:
    """Give the end of an element with a name of one letter; None if it is no scalar.

    The `x` of a document that is not sound is an embedded document, and so no scalar.
    """
    type_code = buffer[begin]
    fixed = _FIXED.get(type_code)
    if fixed is not None:
        return begin + _VALUE + fixed
    beyond = _BEYOND_LENGTH.get(type_code)
    if beyond is None:
        return None
    length: int = INT32.unpack_from(buffer, begin + _VALUE)[0]
    return begin + _VALUE + beyond + length


def _is_same(left: Element, right: Element) -> bool:
    """Whether two scalars are one id: 1 and 1.0 are, though their bytes differ."""
    if left == right:
        return True
    if left[0] == right[0] and left[0] in BYTEWISE_TYPES:
        return False
    return order_of(value_of(left)) == order_of(value_of(right))


def value_of(element: Element) -> RawValue:
    """Take the value out of an element with a name of one letter."""
    return RawValue(element[0], element[_VALUE:])


def _element(value: RawValue) -> Element:
    return bytes([value.type_code]) + b"u\0" + value.data
