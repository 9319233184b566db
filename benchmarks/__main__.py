"""`python -m benchmarks`: measure scans, postings, a daemon under load and the audit trail.

Exit code 1 if a bar is missed: the scan's ratio and its memory are bars, and so are how long the
daemon's clients wait, how much slower they make its scan, and how long proving the trail takes;
other times are not.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as TerminalTable

from benchmarks import audit, digests, load, machine, page, pictures, postings, scans, watch
from benchmarks.figures import Section
from reconciler.embedded import EmbeddedMongo

RESULTS = Path(__file__).parent / "results" / "latest.json"
SUBJECTS = ("digest", "scan", "postings", "load", "audit", "watch")


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    accounts: int = 200_000
    digest_accounts: int = 500_000
    rounds: int = 3
    sample: int = 3_000
    seconds: float = 2.0
    callers: tuple[int, ...] = (1, 16, 64)
    clients: int = 200
    records: int = 100_000
    drifts: int = 60
    traffic: int = 500
    pairs: int = 7


QUICK = Sizes(
    accounts=4_000,
    digest_accounts=4_000,
    rounds=1,
    sample=200,
    seconds=0.2,
    callers=(1, 4),
    clients=20,
    records=2_000,
    drifts=2,
    traffic=50,
    pairs=1,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, show and store; give the exit code."""
    options = _parser().parse_args(arguments)
    sizes = _sizes(options)
    subjects = [options.only] if options.only else list(SUBJECTS)
    sections, described = asyncio.run(_measure(subjects, sizes, options))
    _show(sections)
    _store(options.json, sections, described, sizes, options.seed)
    if options.write_docs:
        page.write(page.PAGE, sections, described, _command(arguments))
        pictures.draw(pictures.FOLDER, sections)
    missed = [bar for section in sections for bar in section.bars if not bar.is_met]
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--accounts",
        type=int,
        help=f"default {Sizes.accounts}, and {Sizes.digest_accounts} for digest",
    )
    parser.add_argument("--rounds", type=int, help=f"default {Sizes.rounds}")
    parser.add_argument("--only", choices=SUBJECTS)
    parser.add_argument("--seed", type=int, default=20251222)
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the figures go")
    parser.add_argument("--quick", action="store_true", help="small sizes, and no bars")
    parser.add_argument("--write-docs", action="store_true", help="update docs/performance.md")
    return parser


def _sizes(options: argparse.Namespace) -> Sizes:
    base = QUICK if options.quick else Sizes()
    return Sizes(
        accounts=options.accounts or base.accounts,
        digest_accounts=options.accounts or base.digest_accounts,
        rounds=options.rounds or base.rounds,
        sample=base.sample,
        seconds=base.seconds,
        callers=base.callers,
        clients=base.clients,
        records=base.records,
        drifts=base.drifts,
        traffic=base.traffic,
        pairs=base.pairs,
    )


async def _measure(
    subjects: Sequence[str], sizes: Sizes, options: argparse.Namespace
) -> tuple[list[Section], dict[str, Any]]:
    async with EmbeddedMongo() as server:
        described = await machine.description(server.uri)
    sections = []
    for subject in subjects:
        print(f"measuring: {subject}", file=sys.stderr, flush=True)
        sections.append(await _section(subject, sizes, seed=options.seed, bars=not options.quick))
    return sections, described


async def _section(subject: str, sizes: Sizes, *, seed: int, bars: bool) -> Section:
    if subject == "audit":
        return await audit.measure(records=sizes.records, rounds=sizes.rounds, bars=bars)
    if subject == "digest":
        return await digests.measure(
            accounts=sizes.digest_accounts,
            rounds=sizes.rounds,
            sample=sizes.sample,
            seed=seed,
            bars=bars,
        )
    if subject == "watch":
        wanted = watch.WatchSizes(
            drifts=sizes.drifts,
            postings_per_second=sizes.traffic,
            callers=max(sizes.callers),
            pairs=sizes.pairs,
            seconds=sizes.seconds,
        )
        return await watch.measure(wanted, seed=seed, bars=bars)
    if subject == "scan":
        return await scans.measure(
            accounts=sizes.accounts,
            rounds=sizes.rounds,
            sample=sizes.sample,
            seed=seed,
            bars=bars,
        )
    if subject == "load":
        return await load.measure(
            accounts=sizes.accounts,
            rounds=sizes.rounds,
            clients=sizes.clients,
            seed=seed,
            bars=bars,
        )
    return await postings.measure(callers=sizes.callers, rounds=sizes.rounds, seconds=sizes.seconds)


def _show(sections: Sequence[Section]) -> None:
    # A pipe has no width; without one, tables are cut to 80 columns.
    console = Console(width=None if sys.stdout.isatty() else 140)
    for section in sections:
        for table in section.tables:
            shown = TerminalTable(title=table.title, title_justify="left")
            for number, column in enumerate(table.columns):
                shown.add_column(column, justify="right" if number else "left")
            for row in table.rows:
                shown.add_row(*row)
            console.print(shown)
        for bar in section.bars:
            verdict = "met   " if bar.is_met else "MISSED"
            console.print(f"{verdict} {bar.what}: wanted {bar.wanted}, observed {bar.observed}")


def _store(
    path: Path, sections: Sequence[Section], described: dict[str, Any], sizes: Sizes, seed: int
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": described,
        "sizes": vars(sizes),
        "seed": seed,
        **{section.name: section.as_json() for section in sections},
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


def _command(arguments: Sequence[str] | None) -> str:
    given = list(sys.argv[1:] if arguments is None else arguments)
    return " ".join(["python -m benchmarks", *given])


if __name__ == "__main__":
    sys.exit(main())
