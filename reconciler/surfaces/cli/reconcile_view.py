"""The result of `reconcile`: what a check shows, what would put it right, and what to run next."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from reconciler.model.mapping import Mappings
from reconciler.model.proposal import Proposal
from reconciler.surfaces.cli import cells
from reconciler.surfaces.cli.check_view import check_view
from reconciler.surfaces.cli.hints import Invocation
from reconciler.surfaces.escape import escaped
from reconciler.surfaces.ports import Reconciliation


def reconcile_view(
    done: Reconciliation,
    proposals: Sequence[Proposal],
    *,
    mappings: Mappings,
    invocation: Invocation,
    columns: int,
) -> Iterator[RenderableType]:
    """Give the parts of the result, in the order in which they are read."""
    yield from check_view(done.report, mappings=mappings, invocation=invocation, columns=columns)
    if proposals:
        yield Text()
        yield from _plan(proposals, mappings)
    yield from (Text(f"note: {escaped(note)}") for note in notes(done))


def notes(done: Reconciliation) -> list[str]:
    """Say what whoever reads the result must know of its record."""
    told = []
    if done.leader is not None:
        told.append(
            f"the daemon {done.leader} holds the lease and scans too: it will say the same of the "
            "same accounts"
        )
    if done.unrecorded is not None:
        told.append(
            "this scan could not be written down, so that pages and metrics do not know of it: "
            + done.unrecorded
        )
    return told


def _plan(proposals: Sequence[Proposal], mappings: Mappings) -> Iterator[RenderableType]:
    yield Text(
        f"What would put them in sync: all copies as {escaped(mappings.source_of_truth)} has them. "
        "Nothing was changed, and neither journal nor guards were asked: `reconciler repair plan` "
        "asks them.",
        style="bold",
    )
    table = cells.new_table(
        "user", "currency", "available after", "locked after", "or why not", right=_NUMBERS
    )
    for proposal in proposals:
        after = proposal.after
        table.add_row(
            *cells.account_cells(proposal.account),
            *cells.after_cells(after),
            Text(proposal.refusal or ""),
        )
    yield table


_NUMBERS = ("available after", "locked after")
