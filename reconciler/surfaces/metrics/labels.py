"""Keeps the values of a label to a list, so that no caller can make series without end."""

from collections.abc import Iterable

OTHER = "other"
PREFIX = "reconciler"


class Bounded:
    """The values that a label may have: those given, and `other` for anything else."""

    def __init__(self, values: Iterable[str]) -> None:
        self._known = frozenset(values) - {OTHER}

    def of(self, value: str) -> str:
        """Give the value if it is one of them, else `other`."""
        return value if value in self._known else OTHER

    @property
    def all(self) -> tuple[str, ...]:
        """Every value there can be, `other` last."""
        return (*sorted(self._known), OTHER)
