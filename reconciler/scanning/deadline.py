"""The time that a scan may take."""

from collections.abc import Callable


class Deadline:
    """A moment in the future after which nothing more is begun."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self.seconds = seconds
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    @property
    def remaining_seconds(self) -> float:
        """How much is left, never below zero."""
        return max(self._end - self._monotonic(), 0.0)

    @property
    def is_past(self) -> bool:
        """Whether nothing is left."""
        return self.remaining_seconds == 0.0

    def explain(self, error: Exception) -> str:
        """Say why something failed: because time was up, whatever the error of the moment says."""
        if self.is_past:
            return f"the deadline of {self.seconds:g} seconds passed"
        return str(error)
