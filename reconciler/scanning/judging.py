"""Judges one view by the rules of the model, and describes a drift so that it is known again."""

from decimal import Decimal

from reconciler.model.comparison import Mismatch, compare, drift_of, malformed_identity
from reconciler.model.mapping import Mappings
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
        """Describe a drift: the same text means that it is the same one."""
        drift = drift_of(mismatch.view, self._mappings)
        return "; ".join(f"{name} {distance}" for name, distance in drift.items())
