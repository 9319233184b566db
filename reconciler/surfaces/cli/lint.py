"""`reconciler lint PATH…`: find code that writes the balance collections outside of the library."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reconciler import __version__
from reconciler.control.linting import LintReport, lint
from reconciler.control.linting.baseline import (
    Compared,
    UnusableBaseline,
    compare,
    counts_of,
    decode,
    encode,
    lowered,
)
from reconciler.surfaces.cli.session import Running, Session
from reconciler.surfaces.escape import escaped
from reconciler.surfaces.exits import Exit
from reconciler.surfaces.lint_answers import github_lines, lint_answer, sarif_answer, sentence

UNDECIDED_SHOWN_MAX = 20
_NOT_WRITTEN = (
    "{file} was not written, because a file could not be searched: put that right, or leave the "
    "file out with --exclude"
)


class Format(StrEnum):
    """How the result is written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


@dataclass(frozen=True, slots=True)
class BaselineUse:
    """Which baseline there is, and whether it is written."""

    file: Path | None
    writes: bool = False
    forces: bool = False


def add_lint(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(name="lint")
    def lint_command(
        context: typer.Context,
        *,
        path: Annotated[list[Path], typer.Argument(help="Files and directories to search.")],
        form: Annotated[
            Format, typer.Option("--format", help="How to write the result.")
        ] = Format.TEXT,
        exclude: Annotated[
            list[str] | None, typer.Option(help="Glob of paths to leave out; can be repeated.")
        ] = None,
        baseline: Annotated[
            Path | None, typer.Option(help="File of the writes that are known already.")
        ] = None,
        write_baseline: Annotated[
            bool, typer.Option("--write-baseline", help="Write it; counts only go down.")
        ] = False,
        force: Annotated[
            bool, typer.Option("--force", help="With --write-baseline: counts may go up.")
        ] = False,
    ) -> int:
        """Find code that writes balances outside of the library: exit 0 none, 3 some, 4 not all.

        The collections are the configured ones. Nothing is run and no database is asked.
        """
        if (write_baseline and baseline is None) or (force and not write_baseline):
            raise typer.BadParameter("--write-baseline goes with --baseline, --force with it")
        session = context.obj
        assert isinstance(session, Session)
        use = BaselineUse(baseline, write_baseline, force)
        return session.run(
            lambda running: _run_lint(running, path, exclude or [], form, use),
            as_json=form in {Format.JSON, Format.SARIF},
        )


async def _run_lint(
    running: Running, paths: Sequence[Path], excluded: Sequence[str], form: Format, use: BaselineUse
) -> int:
    report = lint(paths, running.settings.mappings().names, excluded=excluded)
    compared = _against_baseline(report, use)
    terminal = running.terminal
    if use.writes and report.unsearched:
        terminal.say(_NOT_WRITTEN.format(file=escaped(str(use.file))))
    match form:
        case Format.JSON:
            terminal.show_json(lint_answer(report, compared))
        case Format.SARIF:
            terminal.show_json(sarif_answer(report, compared.new, __version__))
        case Format.GITHUB:
            for line in github_lines(report, compared.new):
                terminal.write(line)
        case Format.TEXT:
            for line in text_lines(report, compared):
                terminal.write(line)
    if compared.new or report.faulty:
        return Exit.NOT_MET
    return Exit.INCOMPLETE if report.unsearched else Exit.HEALTHY


def _against_baseline(report: LintReport, use: BaselineUse) -> Compared:
    """Hold the findings against the baseline; with --write-baseline write it first."""
    if use.file is None:
        return compare(report.findings, {})
    try:
        known = decode(use.file.read_text(encoding="utf-8"), str(use.file))
    except FileNotFoundError:
        if not use.writes:
            raise UnusableBaseline(
                f"{use.file} is not there: make it with --write-baseline"
            ) from None
        known = {} if report.unsearched else counts_of(report.findings)
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableBaseline(f"{use.file} cannot be read") from error
    # What could not be read is not gone: no count goes down for it.
    if use.writes and not report.unsearched:
        counts = counts_of(report.findings)
        known = counts if use.forces else lowered(known, counts)
        try:
            use.file.write_text(encode(known), encoding="utf-8")
        except OSError as error:
            raise UnusableBaseline(f"{use.file} cannot be written: {error.strerror}") from error
    return compare(report.findings, known)


def text_lines(report: LintReport, compared: Compared) -> list[str]:
    """Write the result for people."""
    lines = [
        f"{escaped(each.file)}:{each.line}: {escaped(sentence(each))}" for each in compared.new
    ]
    lines += [
        f"{escaped(each.file)}:{each.line}: {escaped(each.what)}"
        for each in (*report.faulty, *report.unsearched)
    ]
    for fewer in compared.fewer:
        file, function, collection, operation = map(escaped, fewer.place)
        lines.append(
            f"{file}: {function} has {fewer.now} of {fewer.before} known writes of {collection} by "
            f"{operation}: lower the baseline with --write-baseline"
        )
    shown = report.undecided[:UNDECIDED_SHOWN_MAX]
    lines += [
        f"{escaped(each.file)}:{each.line}: undecided: {escaped(each.function)} calls "
        f"{each.operation} on a collection that cannot be told"
        for each in shown
    ]
    return [*lines, _summary(report, compared)]


def _summary(report: LintReport, compared: Compared) -> str:
    parts = [
        f"{report.files_scanned} files searched",
        f"{len(compared.new)} bypassing writes",
        f"{compared.covered} known by the baseline",
        f"{len(report.allowed)} allowed",
        f"{len(report.faulty)} faulty allowances",
        f"{len(report.undecided)} undecided",
        f"{len(report.unsearched)} files not searched",
    ]
    always = (0, 1)
    counts = [part for n, part in enumerate(parts) if n in always or not part.startswith("0 ")]
    return ", ".join(counts)
