"""What the commands ask of the guard of the database: its validators and its roles."""

from collections.abc import Sequence
from typing import Protocol

from reconciler.model.guarding import HardeningReport
from reconciler.model.roles import Role


class Guarding(Protocol):
    """Part of the running system, as the commands see it."""

    async def harden(self, *, applies: bool, replaces: bool) -> HardeningReport:
        """Say how the database would guard its balances, or have it do so if it `applies`.

        Raises:
            DatabaseUnavailable, ReadInterrupted, CannotLook: it could not be asked.
        """

    def roles(self) -> Sequence[Role]:
        """Give the roles that the database should have."""

    async def apply_roles(self) -> None:
        """Make them, or make them as they should be.

        Raises:
            ReadInterrupted, CannotLook: it could not be done.
        """
