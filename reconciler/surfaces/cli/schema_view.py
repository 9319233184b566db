"""What the database has of what is needed, for a person."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from reconciler.surfaces.cli import cells
from reconciler.surfaces.cli.harden_view import guards_table
from reconciler.surfaces.cli.hints import Invocation
from reconciler.surfaces.escape import escaped
from reconciler.surfaces.ports import IndexReport, IndexState, SchemaReport

_MARKS = {
    IndexState.MADE: "made",
    IndexState.PRESENT: "there",
    IndexState.MISSING: f"{cells.MARK} missing",
    IndexState.BLOCKED: f"{cells.MARK} cannot be made",
}


def schema_view(report: SchemaReport, *, invocation: Invocation) -> Iterator[RenderableType]:
    """Give the parts of the result, in the order in which they are read."""
    word, style = ("READY", "bold green") if report.is_ready else ("NOT READY", "bold red")
    rest = "every index is there" if report.is_ready else "postings are refused until it is"
    yield Text.assemble((word, style), f": {rest} ({escaped(report.server)})")
    if report.collections_missing:
        names = ", ".join(map(escaped, report.collections_missing))
        yield Text(f"{cells.MARK} Not there: {names}. A check is incomplete without them.")
    yield from (Text(f"{cells.MARK} {escaped(warning)}") for warning in report.warnings)
    table = cells.new_table("collection", "unique index on", "state")
    for each in report.indexes:
        table.add_row(
            Text(escaped(each.index.collection)),
            Text(escaped(", ".join(each.index.fields))),
            Text(_MARKS[each.state] + (f": {escaped(each.detail)}" if each.detail else "")),
        )
    yield Text()
    yield table
    for each in report.indexes:
        if each.duplicate_count:
            yield from _duplicates(each)
    if report.validators:
        yield Text()
        yield guards_table(report.validators)
        if not all(each.is_guarded for each in report.validators):
            yield Text(f"the guard of the database: {invocation.command('db', 'harden')}")
    if any(each.state is IndexState.MISSING for each in report.indexes):
        yield Text(f"next: {invocation.command('db', 'init')}")


def _duplicates(report: IndexReport) -> Iterator[RenderableType]:
    yield Text()
    yield Text(
        f"{report.duplicate_count:,} accounts have several documents in "
        f"{escaped(report.index.collection)}; a person must decide which one is right:"
    )
    for each in report.duplicates:
        account = each.account
        name = f"{cells.identifier(account.user_id)} {cells.identifier(account.currency)}"
        yield Text(f"  {name}: {each.documents} documents")
    if len(report.duplicates) < report.duplicate_count:
        yield Text(f"  … and {report.duplicate_count - len(report.duplicates):,} more")
