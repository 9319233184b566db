"""Says whether the running code is what was frozen and approved."""

from functools import cache

from reconciler.control.frozen import installed_place
from reconciler.control.verifying import FreezeBroken, FreezeReport, verify
from reconciler.model.freeze_trail import FreezeStanding
from reconciler.settings import Settings

PROBLEMS_MAX = 5


@cache
def freeze_report(trusted_keys: tuple[str, ...]) -> FreezeReport:
    """Hold the running package against its freeze; looked at once in a process."""
    return verify(installed_place(), trusted_keys=trusted_keys)


def freeze_problem(settings: Settings) -> str | None:
    """Say in a sentence why the running code is not what was frozen; None if it is."""
    problems = freeze_report(settings.freeze.trusted_keys).problems
    if not problems:
        return None
    more = f" and {len(problems) - PROBLEMS_MAX} more" if len(problems) > PROBLEMS_MAX else ""
    return "; ".join(problems[:PROBLEMS_MAX]) + more


def freeze_standing(settings: Settings) -> FreezeStanding:
    """Give the freeze that this program runs under, as the audit trail has it."""
    report = freeze_report(settings.freeze.trusted_keys)
    last = report.record.last
    return FreezeStanding(
        number=last.number if last else 0,
        frozen_digest=last.digest if last else None,
        approved_by=last.approved_by if last else None,
        digest=report.current.digest if report.current else None,
        problems=tuple(report.problems),
    )


def repair_problem(settings: Settings) -> str | None:
    """Say why nothing may be repaired by this code; None if it may."""
    return None if settings.freeze.unfrozen_repair_allowed else freeze_problem(settings)


def hold_to_freeze(settings: Settings) -> None:
    """Refuse to go on with other code than what was frozen, where the settings want it.

    Raises:
        FreezeBroken: they do, and it is other code.
    """
    problem = freeze_problem(settings) if settings.freeze.enforce else None
    if problem is not None:
        raise FreezeBroken(
            f"freeze.enforce is set, and this program is not what was frozen: {problem}. "
            f"{freeze_report(settings.freeze.trusted_keys).what_to_do}"
        )
