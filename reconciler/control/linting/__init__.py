"""The search for code that writes the balance collections outside of the sync library.

It reads syntax trees and runs nothing. Files are read in `reading` alone.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from reconciler.control.linting.allowances import judge
from reconciler.control.linting.analysis import find_writes
from reconciler.control.linting.reading import NothingToSearch, read_sources
from reconciler.control.linting.report import (
    Allowed,
    Finding,
    LintReport,
    Problem,
    Undecided,
)

__all__ = [
    "Allowed",
    "Finding",
    "LintReport",
    "NothingToSearch",
    "Problem",
    "Undecided",
    "lint",
]


def lint(
    paths: Sequence[Path], names: Collection[str], *, excluded: Sequence[str] = ()
) -> LintReport:
    """Search files and directories for code that writes the collections of these names.

    Raises:
        NothingToSearch: one of the paths is not there.
    """
    sources = read_sources(paths, excluded)
    by_file = sources.by_file
    writes = find_writes(
        {file: source.tree for file, source in by_file.items()},
        {file: source.path for file, source in by_file.items()},
        names,
    )
    judged = [
        judge(
            file,
            source.text,
            source.tree,
            [finding for finding in writes.findings if finding.file == file],
        )
        for file, source in by_file.items()
    ]
    deep = [Problem(file, 0, "is nested too deeply to be searched") for file in writes.too_deep]
    return LintReport(
        files_scanned=len(by_file) - len(deep),
        findings=tuple(sorted(each for one in judged for each in one.findings)),
        undecided=writes.undecided,
        allowed=tuple(each for one in judged for each in one.allowed),
        unsearched=tuple(sorted([*sources.unsearched, *deep])),
        faulty=tuple(sorted(each for one in judged for each in one.faulty)),
    )
