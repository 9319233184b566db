"""The validators with which the database itself refuses unsound balances, found and planned."""

from dataclasses import dataclass
from enum import StrEnum


class ValidatorState(StrEnum):
    """Whose the validator of a collection is.

    `outdated` is ours, of another mapping or version; `altered` carries our name and was changed by
    somebody; `foreign` was never ours.
    """

    OURS = "ours"
    OUTDATED = "outdated"
    ALTERED = "altered"
    FOREIGN = "foreign"
    ABSENT = "absent"


class ValidationLevel(StrEnum):
    """Which writes the server holds against a validator.

    With `moderate` a document that does not conform already may be updated; with `strict` no write
    leaves one behind.
    """

    OFF = "off"
    MODERATE = "moderate"
    STRICT = "strict"


ACTION_ERROR = "error"


@dataclass(frozen=True, slots=True)
class ValidatorReport:
    """The validator of one collection, and how many documents do not conform to ours.

    `nonconforming` is exact, or None where it could not be counted, which `uncounted` explains:
    that is never zero. `found` shows a validator that is not ours.
    """

    collection: str
    exists: bool
    state: ValidatorState = ValidatorState.ABSENT
    level: ValidationLevel = ValidationLevel.OFF
    action: str = ACTION_ERROR
    nonconforming: int | None = None
    uncounted: str = ""
    found: str = ""

    @property
    def is_guarded(self) -> bool:
        """Whether the server refuses what is unsound, by our validator as it should be."""
        return self.state is ValidatorState.OURS and not self.is_switched_off

    @property
    def is_switched_off(self) -> bool:
        """Whether there is a validator of which the server takes no heed, or which only warns."""
        has_one = self.state is not ValidatorState.ABSENT
        return has_one and (self.level is ValidationLevel.OFF or self.action != ACTION_ERROR)

    @property
    def is_tampered(self) -> bool:
        """Whether somebody changed the guard after it had been set."""
        is_of_us = self.state in {ValidatorState.OURS, ValidatorState.OUTDATED}
        return self.state is ValidatorState.ALTERED or (is_of_us and self.is_switched_off)


@dataclass(frozen=True, slots=True)
class ValidatorPlan:
    """What hardening does to one collection: the level it gets and why, or why it is left alone."""

    level: ValidationLevel | None
    why: str
    is_change: bool

    @property
    def is_refused(self) -> bool:
        """Whether something keeps the collection from being guarded."""
        return self.level is None


def plan_validator(report: ValidatorReport, *, replaces: bool) -> ValidatorPlan:
    """Say what hardening should do with a collection as it was found."""
    if not report.exists:
        return _refused("it does not exist: run `reconciler db init` first")
    if not replaces and report.state is ValidatorState.FOREIGN:
        return _refused(
            "it has a validator that is not ours, which stays as it is: take it over into your "
            "own code, or have it replaced with --replace"
        )
    if not replaces and report.state is ValidatorState.ALTERED:
        return _refused(
            "somebody changed our validator: find out who and why, then have it set again with "
            "--replace"
        )
    level, why = _level(report)
    is_change = not report.is_guarded or report.level is not level
    return ValidatorPlan(level, why, is_change)


def _level(report: ValidatorReport) -> tuple[ValidationLevel, str]:
    count = report.nonconforming
    if count == 0:
        return ValidationLevel.STRICT, "every document conforms"
    found = (
        f"the documents could not be counted ({report.uncounted})"
        if count is None
        else f"{count:,} documents do not conform yet"
    )
    if report.is_guarded and report.level is ValidationLevel.STRICT:
        return ValidationLevel.STRICT, f"{found}; it is strict already, and is not weakened"
    return ValidationLevel.MODERATE, found


def _refused(why: str) -> ValidatorPlan:
    return ValidatorPlan(None, why, is_change=False)


@dataclass(frozen=True, slots=True)
class GuardReport:
    """What hardening found in one collection, what it plans, and what became of it.

    `failure` says why the server did not do it.
    """

    before: ValidatorReport
    plan: ValidatorPlan
    failure: str = ""


@dataclass(frozen=True, slots=True)
class HardeningReport:
    """What hardening would do, or did if it `applied`, with every collection and the roles."""

    applied: bool
    guards: tuple[GuardReport, ...]
    roles: tuple[str, ...]
    roles_failure: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left undone, or would be."""
        is_kept = any(each.plan.is_refused or each.failure for each in self.guards)
        return not is_kept and not self.roles_failure
