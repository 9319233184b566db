"""A baseline: how many writes an old code base has, so that there come to be fewer and no new ones.

What is counted is (file, function, collection, operation), so that lines may move.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.control.linting.report import Finding
from reconciler.errors import ReconcilerError

VERSION = 1
_FIELDS = ("file", "function", "collection", "operation")

Place = tuple[str, str, str, str]


class UnusableBaseline(ReconcilerError):
    """A baseline file is missing, or none that this version wrote."""


@dataclass(frozen=True, slots=True)
class Fewer:
    """A place that has fewer writes than its baseline says."""

    place: Place
    before: int
    now: int


@dataclass(frozen=True, slots=True)
class Compared:
    """Findings beyond the baseline, how many it covers, and where it can be lowered."""

    new: tuple[Finding, ...]
    covered: int
    fewer: tuple[Fewer, ...]


def place_of(finding: Finding) -> Place:
    """Give what a finding is counted under."""
    return (finding.file, finding.function, finding.collection, finding.operation)


def counts_of(findings: Iterable[Finding]) -> dict[Place, int]:
    """Count findings by place."""
    return dict(Counter(map(place_of, findings)))


def compare(findings: Iterable[Finding], baseline: Mapping[Place, int]) -> Compared:
    """Hold findings against a baseline; of too many in one place the last ones count as new."""
    seen: Counter[Place] = Counter()
    new: list[Finding] = []
    for finding in sorted(findings):
        place = place_of(finding)
        seen[place] += 1
        if seen[place] > baseline.get(place, 0):
            new.append(finding)
    fewer = tuple(
        Fewer(place, before, seen[place])
        for place, before in sorted(baseline.items())
        if seen[place] < before
    )
    return Compared(tuple(new), seen.total() - len(new), fewer)


def lowered(baseline: Mapping[Place, int], counts: Mapping[Place, int]) -> dict[Place, int]:
    """Give the baseline that takes what became fewer and nothing that is new."""
    both = {place: min(before, counts.get(place, 0)) for place, before in baseline.items()}
    return {place: count for place, count in both.items() if count}


def encode(baseline: Mapping[Place, int]) -> str:
    """Write a baseline as a file that shows well in a review: one place a line, sorted."""
    lines = [
        json.dumps({**dict(zip(_FIELDS, place, strict=True)), "count": count})
        for place, count in sorted(baseline.items())
    ]
    inner = ",\n".join(f"  {line}" for line in lines)
    return f'{{"version": {VERSION}, "findings": [\n{inner}\n]}}\n'


def decode(text: str, name: str) -> dict[Place, int]:
    """Read a baseline.

    Raises:
        UnusableBaseline: it is none.
    """
    try:
        document: Any = json.loads(text)
        if document["version"] != VERSION:
            raise ValueError("another version")
        baseline: dict[Place, int] = {}
        for entry in document["findings"]:
            file, function, collection, operation = (str(entry[field]) for field in _FIELDS)
            count = entry["count"]
            if not isinstance(count, int) or isinstance(count, bool) or count < 1:
                raise ValueError("a count below one")
            baseline[file, function, collection, operation] = count
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnusableBaseline(
            f"{name} is no baseline of this program: write it with --write-baseline"
        ) from error
    return baseline
