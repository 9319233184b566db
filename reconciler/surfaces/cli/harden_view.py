"""How the database guards its balances by itself, for a person."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reconciler.model.guarding import GuardReport, HardeningReport, ValidatorReport
from reconciler.surfaces.cli import cells
from reconciler.surfaces.cli.hints import Invocation
from reconciler.surfaces.escape import escaped


def guards_table(reports: Sequence[ValidatorReport]) -> Table:
    """Give the validators as they are."""
    table = cells.new_table("collection", "validator", "level", "action", "do not conform")
    for each in reports:
        mark = "" if each.is_guarded else f"{cells.MARK} "
        state = f"{mark}{each.state}" + (" (tampered with)" if each.is_tampered else "")
        count = f"could not be counted: {each.uncounted}"
        if each.nonconforming is not None:
            count = f"{each.nonconforming:,}"
        words = (each.collection, state, each.level, each.action, count if each.exists else "-")
        table.add_row(*(Text(escaped(str(word))) for word in words))
    return table


def harden_view(
    report: HardeningReport, *, invocation: Invocation, replaces: bool
) -> Iterator[RenderableType]:
    """Give the parts of the result, in the order in which they are read."""
    yield guards_table([each.before for each in report.guards])
    yield Text()
    for each in report.guards:
        yield Text(_sentence(each, applied=report.applied))
        if each.before.found:
            yield Text(f"  found: {escaped(each.before.found)}")
    names = ", ".join(report.roles)
    if report.roles_failure:
        yield Text(f"{cells.MARK} roles: {escaped(report.roles_failure)}")
    else:
        yield Text(f"roles: {names} {'made' if report.applied else 'would be made'}")
    if not report.applied:
        words = ("db", "harden", "--apply", *(("--replace",) if replaces else ()))
        yield Text(f"nothing was changed; next: {invocation.command(*words)}")


def _sentence(report: GuardReport, *, applied: bool) -> str:
    place, plan = escaped(report.before.collection), report.plan
    if report.failure:
        return f"{cells.MARK} {place}: {escaped(report.failure)}"
    if plan.level is None:
        return f"{cells.MARK} {place}: left alone: {plan.why}"
    if not plan.is_change:
        return f"{place}: stays {plan.level}: {escaped(plan.why)}"
    verb = "is" if applied else "would be"
    return f"{place}: {verb} {plan.level}: {escaped(plan.why)}"
