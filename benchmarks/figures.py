"""What a measurement yields: spreads over rounds, bars that must be met, tables to show."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Spread:
    """One figure over several rounds."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def shown(self, digits: int = 0) -> str:
        """Write the median, and the least and the most beside it."""
        low, high = min(self.values), max(self.values)
        return f"{self.median:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"

    def as_json(self) -> dict[str, Any]:
        return {"median": self.median, "rounds": list(self.values)}


def ratios(over: Sequence[float], under: Sequence[float]) -> Spread:
    """Divide figures of the same rounds: what slowed one of a round slowed the other."""
    return Spread(tuple(a / b for a, b in zip(over, under, strict=True)))


@dataclass(frozen=True)
class Bar:
    """Something that must hold, or the benchmark fails."""

    what: str
    wanted: str
    observed: str
    is_met: bool


@dataclass(frozen=True)
class Table:
    """A table as it is shown on the terminal and in the documentation."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_markdown(self) -> str:
        """Write it for a page, the first column left, the others right."""
        rules = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = [self.columns, rules, *self.rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"**{self.title}**\n\n{text}"


@dataclass(frozen=True)
class Section:
    """One measured subject."""

    name: str
    tables: tuple[Table, ...]
    data: dict[str, Any]
    bars: tuple[Bar, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        return self.data | {"bars": [asdict(bar) for bar in self.bars]}
