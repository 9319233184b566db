"""How accounts and amounts look in a table: escaped, short, and marked by more than colour."""

from collections.abc import Collection

from rich.table import Table
from rich.text import Text

from reconciler.model.amounts import plain
from reconciler.model.copies import Balance, BalanceView, Copy, StoredNumber
from reconciler.model.identity import Account, Identifier
from reconciler.surfaces.escape import escaped, shortened

ID_CHARACTERS_MAX = 36
NARROW_ID_CHARACTERS_MAX = 20
CURRENCY_CHARACTERS_MAX = 12
TEXT_CHARACTERS_MAX = 40
MARK = "!"
_WRONG = "bold red"


def new_table(*headers: str, right: Collection[str] = ()) -> Table:
    """Make an empty table; the headers in `right` are of numbers, and may have two lines."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(
            Text("\n".join(map(escaped, header.split("\n")))),
            justify="right" if header in right else "left",
            overflow="fold",
        )
    return table


def identifier(value: Identifier, *, characters_max: int = ID_CHARACTERS_MAX) -> str:
    """Write an id or a currency; with its type when that is neither a text nor an ObjectId."""
    if value.bson_type == "missing":
        return "(missing)"
    shown = shortened(escaped(value.text), characters_max)
    return shown if value.bson_type in {"string", "objectId"} else f"{value.bson_type} {shown}"


def account_cells(account: Account) -> tuple[Text, Text]:
    """Give the cells of an account: the user and the currency."""
    currency = identifier(account.currency, characters_max=CURRENCY_CHARACTERS_MAX)
    return Text(identifier(account.user_id)), Text(currency)


def after_cells(after: Balance | None) -> tuple[Text, Text]:
    """Give the cells of what an account would hold: available and locked; dashes for nothing."""
    if after is None:
        return Text("-"), Text("-")
    return Text(plain(after.available)), Text(plain(after.locked))


def stored(number: StoredNumber) -> str:
    """Write one amount field as it was found; what is no number shows its type.

    A number is never cut: two that differ in the middle must not look alike.
    """
    if number.is_missing:
        return "-"
    if number.value is not None:
        return number.text
    return f"{number.bson_type} {shortened(escaped(number.text), TEXT_CHARACTERS_MAX)}"


def marked(text: str, *, is_wrong: bool) -> Text:
    """Set a mark before what is wrong; the rest stays as it is."""
    return Text(f"{MARK} {text}", style=_WRONG) if is_wrong else Text(text)


def available_cell(view: BalanceView, collection: str, differs: Collection[str]) -> Text:
    """Show a collection's available amount, and locked and total where these are what is wrong."""
    copies = view.copies.get(collection, ())
    if len(copies) != 1:
        text = "missing" if not copies else f"{len(copies)} copies"
        return marked(text, is_wrong=collection in differs)
    (copy,) = copies
    lines = [marked(stored(copy.available), is_wrong=_is_wrong(collection, "available", differs))]
    lines += [
        marked(f"{field} {stored(_field(copy, field))}", is_wrong=True)
        for field in ("locked", "total")
        if f"{collection}.{field}" in differs
    ]
    return Text("\n").join(lines)


def _is_wrong(collection: str, field: str, differs: Collection[str]) -> bool:
    return collection in differs or f"{collection}.{field}" in differs


def _field(copy: Copy, field: str) -> StoredNumber:
    return {"available": copy.available, "locked": copy.locked, "total": copy.total}[field]
