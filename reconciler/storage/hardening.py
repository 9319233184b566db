"""Sets the validators: moderate first, and strict once a count under it has found nothing."""

from pymongo.errors import OperationFailure

from reconciler.errors import CannotLook, ReadInterrupted
from reconciler.model.guarding import (
    ACTION_ERROR,
    GuardReport,
    HardeningReport,
    ValidationLevel,
    ValidatorPlan,
    ValidatorReport,
    plan_validator,
)
from reconciler.model.mapping import CollectionMapping, Mappings
from reconciler.storage.calls import Calls, Database
from reconciler.storage.roles import Roles
from reconciler.storage.validators import Validators, validator_of

# Counting reads every document; a large collection takes minutes.
COUNT_SECONDS_MAX = 3_600.0
CHANGE_SECONDS_MAX = 30.0
_UNAUTHORIZED = 13


class Hardening:
    """Makes the database itself the last guard of its balances. Safe to repeat."""

    def __init__(
        self,
        database: Database,
        mappings: Mappings,
        *,
        count_seconds_max: float = COUNT_SECONDS_MAX,
    ) -> None:
        self._database = database
        self._mappings = mappings
        self._validators = Validators(database, mappings)
        self._roles = Roles(database, mappings)
        self._count_seconds_max = count_seconds_max

    async def plan(self, *, replaces: bool) -> HardeningReport:
        """Say what `apply` would do, and change nothing.

        Raises:
            ReadInterrupted, CannotLook: the list of collections could not be read.
        """
        found = await self._validators.look(seconds_max=self._count_seconds_max)
        guards = [GuardReport(each, plan_validator(each, replaces=replaces)) for each in found]
        names = tuple(role.name for role in self._roles.wanted())
        return HardeningReport(applied=False, guards=tuple(guards), roles=names)

    async def apply(self, *, replaces: bool) -> HardeningReport:
        """Set the validators and make the roles; what cannot be done is reported, the rest done.

        Raises:
            ReadInterrupted, CannotLook: the list of collections could not be read.
        """
        guards = [await self._guard(mapping, replaces=replaces) for mapping in self._mappings]
        failure = ""
        try:
            await self._roles.apply()
        except (CannotLook, ReadInterrupted) as error:
            failure = str(error)
        names = tuple(role.name for role in self._roles.wanted())
        return HardeningReport(
            applied=True, guards=tuple(guards), roles=names, roles_failure=failure
        )

    async def _guard(self, mapping: CollectionMapping, *, replaces: bool) -> GuardReport:
        before = await self._look(mapping)
        plan = plan_validator(before, replaces=replaces)
        if plan.is_refused or not plan.is_change:
            return GuardReport(before, plan)
        try:
            if not before.is_guarded:
                await self._set(mapping, ValidationLevel.MODERATE)
                # Counted again now that the server takes nothing unsound any more: what was written
                # between a count and the validator would be in neither.
                plan = _again(plan_validator(await self._look(mapping), replaces=replaces), plan)
            if plan.level is ValidationLevel.STRICT:
                await self._set(mapping, ValidationLevel.STRICT)
        except (CannotLook, ReadInterrupted) as error:
            return GuardReport(before, plan, failure=str(error))
        return GuardReport(before, plan)

    async def _look(self, mapping: CollectionMapping) -> ValidatorReport:
        return await self._validators.look_at(mapping, seconds_max=self._count_seconds_max)

    async def _set(self, mapping: CollectionMapping, level: ValidationLevel) -> None:
        calls = Calls(deadline_seconds=CHANGE_SECONDS_MAX)
        command = {
            "collMod": mapping.name,
            "validator": validator_of(mapping),
            "validationLevel": level.value,
            "validationAction": ACTION_ERROR,
        }
        async with calls.bounded(f"the validator of {mapping.name}", is_write=True):
            try:
                await self._database.command(command)
            except OperationFailure as error:
                if error.code != _UNAUTHORIZED:
                    raise
                raise CannotLook(
                    f"the database user may not set the validator of {mapping.name}: run this as "
                    "an administrator, with the action collMod (role `dbAdmin` on the database)"
                ) from error


def _again(now: ValidatorPlan, before: ValidatorPlan) -> ValidatorPlan:
    """Give the plan after the second look; something was changed, whatever is left to do."""
    return ValidatorPlan(now.level or before.level, now.why, is_change=True)
