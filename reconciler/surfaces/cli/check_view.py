"""The result of a check for a tired person: the verdict, what was looked at, what to do next."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from reconciler.model.mapping import Mappings
from reconciler.model.report import Consistency, ScanReport, Verdict
from reconciler.surfaces.cli import cells
from reconciler.surfaces.cli.hints import Invocation, can_be_named
from reconciler.surfaces.escape import escaped, shortened

# Below it, names of collections take two lines and long ids lose more of their middle.
WIDE_COLUMNS = 120

_WORDS = {
    Verdict.HEALTHY: ("HEALTHY", "bold green"),
    Verdict.INTEGRITY_FAILURE: ("INTEGRITY FAILURE", "bold red"),
    Verdict.INCOMPLETE: ("INCOMPLETE", "bold yellow"),
}
_CONSISTENCY = {
    Consistency.SNAPSHOT: "each account as of one snapshot",
    Consistency.CONFIRMED_READS: "plain reads, repeated to confirm (no snapshots on this server)",
}


def check_view(
    report: ScanReport,
    *,
    mappings: Mappings,
    invocation: Invocation,
    user_id: str | None = None,
    currency: str | None = None,
    columns: int = WIDE_COLUMNS,
) -> Iterator[RenderableType]:
    """Give the parts of the result, in the order in which they are read."""
    if not report.coverage.accounts and not report.incomplete and (user_id or currency):
        yield Text.assemble(
            ("NOTHING FOUND", "bold yellow"), f": {nothing_found(user_id, currency)}"
        )
    else:
        yield _verdict_line(report, mappings)
    yield Text(
        f"Looked at {_counted(report.coverage.accounts, 'account')} of "
        f"{_counted(report.coverage.users, 'user')} in "
        f"{_counted(report.coverage.currencies, 'currency', 'currencies')}: "
        f"{_CONSISTENCY[report.consistency]}, {report.duration_seconds:.2f} s "
        f"(scan {escaped(report.scan_id)})."
    )
    if report.digest and report.digest.given_up:
        yield Text(f"Every account was read, because {escaped(report.digest.given_up)}.")
    if report.incomplete:
        yield Text("Could not look everywhere:", style="bold")
        yield from (Text(f"  - {escaped(reason)}") for reason in report.incomplete)
    if report.mismatch_count:
        yield from _mismatches(report, mappings, invocation, columns)


def nothing_found(user_id: str | None, currency: str | None) -> str:
    """Say plainly that there is no such account."""
    asked = []
    if user_id is not None:
        asked.append(f"user {shortened(escaped(user_id), cells.TEXT_CHARACTERS_MAX)}")
    if currency is not None:
        asked.append(f"currency {shortened(escaped(currency), cells.TEXT_CHARACTERS_MAX)}")
    return f"there is no account of {' and '.join(asked)}: check the spelling (BTC is not btc)."


def _verdict_line(report: ScanReport, mappings: Mappings) -> Text:
    word, style = _WORDS[report.verdict]
    return Text.assemble((word, style), f": {_in_words(report, len(mappings.names))}")


def _in_words(report: ScanReport, collections: int) -> str:
    accounts = _counted(report.coverage.accounts, "account")
    if report.verdict is Verdict.INCOMPLETE and not report.coverage.accounts:
        return "nothing was compared"
    if report.verdict is Verdict.INCOMPLETE:
        return f"nothing wrong in what was seen ({accounts}), but not everything was seen"
    if report.verdict is Verdict.INTEGRITY_FAILURE:
        wrong = _counted(report.mismatch_count, "account")
        users = _counted(report.mismatched_users, "user")
        verb = "is" if report.mismatch_count == 1 else "are"
        return f"{wrong} of {users} {verb} wrong in the {collections} collections"
    if not report.coverage.accounts:
        return "there was no account to look at"
    return f"the {collections} collections agree on all of {accounts}"


def _mismatches(
    report: ScanReport, mappings: Mappings, invocation: Invocation, columns: int
) -> Iterator[RenderableType]:
    is_narrow = columns < WIDE_COLUMNS
    headers = [name.replace("_", "_\n", 1) if is_narrow else name for name in mappings.names]
    table = cells.new_table("user", "currency", "kind", *headers, right=headers)
    for mismatch in report.mismatches:
        user_id, currency = mismatch.account.user_id, mismatch.account.currency
        id_max = cells.NARROW_ID_CHARACTERS_MAX if is_narrow else cells.ID_CHARACTERS_MAX
        kind = mismatch.kind.value + (f" +{len(mismatch.also)}" if mismatch.also else "")
        table.add_row(
            Text(cells.identifier(user_id, characters_max=id_max)),
            Text(cells.identifier(currency, characters_max=cells.CURRENCY_CHARACTERS_MAX)),
            Text(kind),
            *(
                cells.available_cell(mismatch.view, name, mismatch.differs)
                for name in mappings.names
            ),
        )
    yield Text()
    if report.mismatches:
        yield table
        yield Text()
    yield Text(
        f"Available amounts. {cells.MARK} marks what is wrong or differs from "
        f"{escaped(mappings.source_of_truth)}, the source of truth."
        + (" +1: one further kind; explain names it." if _has_further_kinds(report) else "")
    )
    if report.truncated:
        yield Text(
            f"{len(report.mismatches):,} of {report.mismatch_count:,} shown; "
            f"--limit {report.mismatch_count} shows all."
        )
    named = (each.account for each in report.mismatches if can_be_named(each.account))
    if account_to_explain := next(named, None):
        yield Text(f"next: {invocation.explain(account_to_explain)}")


def _has_further_kinds(report: ScanReport) -> bool:
    return any(mismatch.also for mismatch in report.mismatches)


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
