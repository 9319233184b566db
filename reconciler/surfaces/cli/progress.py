"""A progress bar on standard error, on a terminal only."""

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from reconciler.surfaces import ports
from reconciler.surfaces.cli.terminal import Terminal


@contextlib.contextmanager
def shown_progress(terminal: Terminal, what: str) -> Iterator[ports.Progress]:
    """Give a callback for accounts so far and the estimated total; it shows them if it can."""
    if not terminal.is_watched or terminal.err is None:
        yield lambda _done, _total: None
        return
    console = Console(file=terminal.err, no_color=not terminal.has_colour, markup=False)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("accounts", markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=max(done, total) or None)
