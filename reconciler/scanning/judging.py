"""Judges one view by the rules of the model, and describes a drift so that it is known again."""

from dataclasses import replace
from decimal import Decimal

from reconciler.model.amounts import WIDE, ZERO
from reconciler.model.comparison import Mismatch, compare, drift_of, malformed_identity
from reconciler.model.copies import NOT_STORED, BalanceView, Copy
from reconciler.model.mapping import CollectionMapping, Mappings, TotalMeaning
from reconciler.scanning.ports import SeenView


class Judge:
    """Says what is wrong with what was seen."""

    def __init__(self, mappings: Mappings, *, double_tolerance: Decimal) -> None:
        self._mappings = mappings
        self._double_tolerance = double_tolerance

    def judge(self, seen: SeenView) -> Mismatch | None:
        """Compare the copies of an account; a document without a sound identity is always wrong."""
        if seen.key.is_account:
            return compare(seen.view, self._mappings, double_tolerance=self._double_tolerance)
        return malformed_identity(seen.view) if any(seen.view.copies.values()) else None

    def description_of(self, mismatch: Mismatch) -> str:
        """Describe a drift: the same text means that it is the same one.

        A total that holds says nothing and is left out, because a first look does not read it.
        """
        view = mismatch.view
        copies = {
            mapping.name: tuple(
                _without_true_total(mapping, copy) for copy in view.copies.get(mapping.name, ())
            )
            for mapping in self._mappings
        }
        drift = drift_of(BalanceView(view.account, copies), self._mappings)
        return "; ".join(f"{name} {distance}" for name, distance in drift.items())


def _without_true_total(mapping: CollectionMapping, copy: Copy) -> Copy:
    expected = copy.available_amount
    if expected is None or copy.locked_amount is None:
        return copy
    if mapping.total_means is TotalMeaning.AVAILABLE_PLUS_LOCKED:
        expected = WIDE.add(expected, copy.locked_amount or ZERO)
    return replace(copy, total=NOT_STORED) if copy.total.value == expected else copy
