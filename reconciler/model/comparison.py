"""What is wrong with one view: the rules by which the copies of a balance agree."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import combinations

from reconciler.model.amounts import WIDE, ZERO, canonical, plain
from reconciler.model.copies import NOT_STORED, BalanceView, Copy, StoredNumber
from reconciler.model.identity import Account
from reconciler.model.mapping import CollectionMapping, Mappings, TotalMeaning

DEFAULT_DOUBLE_TOLERANCE = Decimal("0.00000001")


class MismatchKind(StrEnum):
    """What can be wrong with a view, in order of precedence: a view has the first that applies."""

    MALFORMED = "malformed"
    DUPLICATE = "duplicate"
    ORPHAN = "orphan"
    MISSING = "missing"
    AMOUNT = "amount"
    TOTAL = "total"
    NEGATIVE = "negative"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What a scan saw wrong in one view.

    `also` holds the further kinds that apply; `differs` names what is wrong as `collection` or
    `collection.available|locked|total`, the copies being compared with the source of truth's.
    """

    kind: MismatchKind
    also: tuple[MismatchKind, ...]
    differs: tuple[str, ...]
    view: BalanceView

    @property
    def account(self) -> Account:
        """The account that the view is of."""
        return self.view.account

    @property
    def kinds(self) -> frozenset[MismatchKind]:
        """Every kind that applies."""
        return frozenset((self.kind, *self.also))


def compare(
    view: BalanceView, mappings: Mappings, *, double_tolerance: Decimal = DEFAULT_DOUBLE_TOLERANCE
) -> Mismatch | None:
    """Say what is wrong with a view, if anything.

    Between two decimals the tolerance is zero; where one of two values is a double it is
    `double_tolerance`, in the currency's unit, also for being negative. An account without a copy
    in some collection, and with zeros in the others, is in sync.
    """
    rules = _Rules(view, mappings, double_tolerance)
    found = {kind: sorted(set(places)) for kind, places in rules.broken().items() if places}
    kinds = [kind for kind in MismatchKind if kind in found]
    if not kinds:
        return None
    differs = dict.fromkeys(place for kind in kinds for place in found[kind])
    return Mismatch(kinds[0], tuple(kinds[1:]), tuple(differs), view)


def malformed_identity(view: BalanceView) -> Mismatch:
    """Make the mismatch of a document whose id or currency is missing or not a scalar.

    Such a document belongs to no account, so that there is nothing to compare it with.
    """
    places = tuple(name for name, copies in view.copies.items() if copies)
    return Mismatch(MismatchKind.MALFORMED, (), places, view)


def drift_of(view: BalanceView, mappings: Mappings) -> Mapping[str, str]:
    """Describe how the copies differ from each other, independently of how large the balances are.

    Two views of a busy account that has the same drift give equal descriptions: per collection the
    distances of available and locked from the source of truth's copy and of the total from what it
    should be, as text, or what is there instead of one good copy.
    """
    truth = view.copy_in(mappings.source_of_truth)
    return {
        mapping.name: _distance(mapping, view.copies.get(mapping.name, ()), truth)
        for mapping in mappings
    }


def _distance(mapping: CollectionMapping, copies: tuple[Copy, ...], truth: Copy | None) -> str:
    if len(copies) != 1:
        return "missing" if not copies else f"{len(copies)} copies"
    (copy,) = copies
    if copy.is_malformed:
        return "malformed"
    available, locked = _amounts(copy)
    base = _amounts(truth) if truth is not None and not truth.is_malformed else (ZERO, ZERO)
    distances = [WIDE.subtract(available, base[0]), WIDE.subtract(locked, base[1])]
    # A total that is not stored is as good as a right one: the next posting adds it.
    expected = _expected_total(mapping, copy)
    total = expected if copy.total.value is None else copy.total.value
    distances.append(WIDE.subtract(total, expected))
    return " ".join(plain(canonical(distance)) for distance in distances)


def _amounts(copy: Copy) -> tuple[Decimal, Decimal]:
    return copy.available_amount or ZERO, copy.locked_amount or ZERO


def _expected_total(mapping: CollectionMapping, copy: Copy) -> Decimal:
    available, locked = _amounts(copy)
    if mapping.total_means is TotalMeaning.AVAILABLE:
        return available
    return WIDE.add(available, locked)


_Placed = tuple[CollectionMapping, Copy]


class _Rules:
    """The rules of one view, each giving the places where it is broken."""

    def __init__(self, view: BalanceView, mappings: Mappings, double_tolerance: Decimal) -> None:
        self._view = view
        self._mappings = mappings
        self._double_tolerance = double_tolerance
        self._each = [
            (mapping, copy) for mapping in mappings for copy in view.copies.get(mapping.name, ())
        ]
        self._absent = [name for name in mappings.names if not view.copies.get(name)]
        self._in_use = any(self._is_in_use(copy) for _, copy in self._each)

    def broken(self) -> dict[MismatchKind, list[str]]:
        truth = self._mappings.source_of_truth
        return {
            MismatchKind.MALFORMED: list(self._malformed()),
            MismatchKind.DUPLICATE: [
                name for name in self._mappings.names if len(self._view.copies.get(name, ())) > 1
            ],
            MismatchKind.ORPHAN: [truth] if truth in self._absent and self._in_use else [],
            MismatchKind.MISSING: [name for name in self._absent if name != truth and self._in_use],
            MismatchKind.AMOUNT: self._amounts_that_differ(),
            MismatchKind.TOTAL: [
                f"{mapping.name}.total"
                for mapping, copy in self._each
                if not self._total_holds(mapping, copy)
            ],
            MismatchKind.NEGATIVE: list(self._negative()),
        }

    def _is_in_use(self, copy: Copy) -> bool:
        """Whether the copy holds anything; what cannot be read is not known to be zero."""
        return copy.is_malformed or not (
            self._equal(copy.available, NOT_STORED) and self._equal(copy.locked, NOT_STORED)
        )

    def _malformed(self) -> Iterator[str]:
        for mapping, copy in self._each:
            if copy.available.value is None:
                yield f"{mapping.name}.available"
            if copy.locked_amount is None:
                yield f"{mapping.name}.locked"
            if copy.total.value is None and not copy.total.is_missing:
                yield f"{mapping.name}.total"

    def _amounts_that_differ(self) -> list[str]:
        """Name what differs from the truth; if nothing does, what differs among the other copies.

        The second look is needed: two decimals near a double truth may differ from each other.
        """
        truth = self._mappings.source_of_truth
        pairs = [
            (left, right) if left[0].name == truth else (right, left)
            for left, right in combinations(self._each, 2)
        ]
        with_truth = [pair for pair in pairs if pair[0][0].name == truth]
        among_others = [pair for pair in pairs if pair[0][0].name != truth]
        return list(self._unequal(with_truth)) or list(self._unequal(among_others))

    def _unequal(self, pairs: Iterable[tuple[_Placed, _Placed]]) -> Iterator[str]:
        for (_, expected), (mapping, observed) in pairs:
            if not self._equal(expected.available, observed.available):
                yield f"{mapping.name}.available"
            if not self._equal(expected.locked, observed.locked):
                yield f"{mapping.name}.locked"

    def _total_holds(self, mapping: CollectionMapping, copy: Copy) -> bool:
        if copy.total.value is None or copy.is_malformed:
            return True
        expected = _expected_total(mapping, copy)
        return self._near(copy.total.value, expected, has_double=copy.has_double)

    def _negative(self) -> Iterator[str]:
        for mapping, copy in self._each:
            for name in ("available", "locked", "total"):
                number: StoredNumber = getattr(copy, name)
                least = self._double_tolerance.copy_negate() if number.is_double else ZERO
                if number.value is not None and number.value < least:
                    yield f"{mapping.name}.{name}"

    def _equal(self, left: StoredNumber, right: StoredNumber) -> bool:
        """Compare two fields; a broken one is no difference of amounts, a missing one is zero."""
        if (left.value is None and not left.is_missing) or (
            right.value is None and not right.is_missing
        ):
            return True
        return self._near(
            left.value or ZERO,
            right.value or ZERO,
            has_double=left.is_double or right.is_double,
        )

    def _near(self, left: Decimal, right: Decimal, *, has_double: bool) -> bool:
        if left == right:
            return True
        return has_double and WIDE.subtract(left, right).copy_abs() <= self._double_tolerance
