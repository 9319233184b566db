"""What a search for bypassing writers found, and where it could not look."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A place that writes a balance collection; `line` is where the method's name stands."""

    file: str
    line: int
    function: str
    collection: str
    operation: str


@dataclass(frozen=True, slots=True, order=True)
class Undecided:
    """A place that writes some collection of MongoDB; which one cannot be told."""

    file: str
    line: int
    function: str
    operation: str


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A file that could not be searched, in whole or in part, or an allowance that is none."""

    file: str
    line: int
    what: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """A finding that somebody allowed in the code, with the reason."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class LintReport:
    """What was found in all files together.

    `unsearched` are files that could not be searched; `faulty` are allowances without a reason or
    without a write.
    """

    files_scanned: int
    findings: tuple[Finding, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    allowed: tuple[Allowed, ...] = ()
    unsearched: tuple[Problem, ...] = ()
    faulty: tuple[Problem, ...] = ()
