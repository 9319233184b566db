"""One account for a person: its copies side by side, what differs, and how it came to be so."""

from collections.abc import Iterator
from decimal import Decimal

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reconciler.model.amounts import plain
from reconciler.model.copies import Copy, StoredNumber
from reconciler.model.mapping import Mappings
from reconciler.surfaces.account_answers import deltas_of
from reconciler.surfaces.answers import timestamp
from reconciler.surfaces.cli import cells
from reconciler.surfaces.cli.check_view import nothing_found
from reconciler.surfaces.cli.hints import Invocation, can_be_named
from reconciler.surfaces.escape import escaped, shortened
from reconciler.surfaces.ports import Explanation, JournalLine

_FIELDS = ("available", "locked", "total")


def explain_view(
    explanation: Explanation, *, mappings: Mappings, invocation: Invocation
) -> Iterator[RenderableType]:
    """Give the parts of the result, in the order in which they are read."""
    account = explanation.view.account
    if not explanation.is_known:
        told = nothing_found(account.user_id.text, account.currency.text)
        yield Text.assemble(("NOTHING FOUND", "bold yellow"), f": {told}")
        return
    yield _verdict_line(explanation)
    yield Text()
    yield _copies_table(explanation, mappings)
    yield Text()
    yield from _journal(explanation)
    if can_be_named(account):
        yield Text(f"next: {invocation.check(account)}")


def _verdict_line(explanation: Explanation) -> Text:
    account = explanation.view.account
    name = f"{cells.identifier(account.user_id)} {cells.identifier(account.currency)}"
    mismatch = explanation.mismatch
    if mismatch is None:
        return Text.assemble(("IN SYNC", "bold green"), f": the copies of {name} agree")
    kinds = ", ".join((mismatch.kind.value, *(kind.value for kind in mismatch.also)))
    places = ", ".join(escaped(place) for place in mismatch.differs)
    return Text.assemble(
        ("OUT OF SYNC", "bold red"), f": the copies of {name} are wrong ({kinds}: {places})"
    )


def _copies_table(explanation: Explanation, mappings: Mappings) -> Table:
    truth = mappings.source_of_truth
    against = f"against {truth}"
    table = cells.new_table(
        "collection", *_FIELDS, against, "types", "updated", right=(*_FIELDS, against)
    )
    differs = explanation.mismatch.differs if explanation.mismatch else ()
    deltas = deltas_of(explanation.view, mappings)
    for name in mappings.names:
        copies = explanation.view.copies.get(name, ())
        shown = Text(escaped(name) + (" (truth)" if name == truth else ""))
        if not copies:
            missing = cells.marked("missing", is_wrong=name in differs)
            table.add_row(shown, missing, "", "", _delta_cell(deltas[name]), "", "")
        for copy in copies:
            table.add_row(
                shown,
                *(_field_cell(name, field, copy, differs) for field in _FIELDS),
                Text("") if name == truth else _delta_cell(deltas[name]),
                Text(_types(copy)),
                Text(escaped(copy.updated) if copy.updated else "-"),
            )
    return table


def _field_cell(name: str, field: str, copy: Copy, differs: tuple[str, ...]) -> Text:
    number: StoredNumber = getattr(copy, field)
    is_wrong = name in differs or f"{name}.{field}" in differs
    return cells.marked(cells.stored(number), is_wrong=is_wrong)


def _delta_cell(delta: dict[str, Decimal] | None) -> Text:
    if delta is None:
        return Text("not comparable")
    parts = [f"{field} {signed(value)}" for field, value in delta.items() if value]
    return cells.marked("\n".join(parts), is_wrong=True) if parts else Text("equal")


def _types(copy: Copy) -> str:
    """Name the types, once if all stored amounts have the same one."""
    types: dict[str, str] = {field: getattr(copy, field).bson_type for field in _FIELDS}
    stored = {kind for kind in types.values() if kind != "missing"}
    if len(stored) == 1:
        return stored.pop()
    return ", ".join(f"{field} {kind}" for field, kind in types.items() if kind != "missing")


def _journal(explanation: Explanation) -> Iterator[RenderableType]:
    if not explanation.journal:
        yield Text("No posting on this account is in the journal.")
        return
    yield Text("Last postings, newest first:", style="bold")
    numbers = ("available by", "locked by", "available", "locked")
    table = cells.new_table("time", "kind", *numbers, "reason", "op_id", right=numbers)
    for line in explanation.journal:
        table.add_row(*map(Text, _journal_row(line)))
    yield table
    yield Text()


def _journal_row(line: JournalLine) -> tuple[str, ...]:
    return (
        timestamp(line.time),
        escaped(line.kind),
        signed(line.delta.available),
        signed(line.delta.locked),
        plain(line.after.available),
        plain(line.after.locked),
        shortened(escaped(line.reason), cells.TEXT_CHARACTERS_MAX),
        shortened(escaped(line.op_id), cells.ID_CHARACTERS_MAX),
    )


def signed(value: Decimal) -> str:
    """Write a difference with its sign: `+0.5`, `-0.5`, `0`."""
    return f"+{plain(value)}" if value > 0 else plain(value)
