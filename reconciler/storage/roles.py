"""The roles of the database: made once by its administrator, given to the users of each part."""

from collections.abc import Sequence
from typing import Any

import pymongo
from pymongo.errors import OperationFailure

from reconciler.errors import CannotLook
from reconciler.model.mapping import Mappings
from reconciler.model.roles import Role, wanted_roles
from reconciler.storage.server import translating
from reconciler.storage.transactions import Database

APPLY_SECONDS_MAX = 30.0
_ROLE_EXISTS = 51002
_UNAUTHORIZED = 13


class Roles:
    """The roles that a database should have, for its mapped collections."""

    def __init__(self, database: Database, mappings: Mappings) -> None:
        self._database = database
        self._mappings = mappings

    def wanted(self) -> Sequence[Role]:
        """Give them."""
        return wanted_roles(self._mappings)

    async def apply(self) -> None:
        """Make them, or make them what they should be; users that have them keep them.

        Raises:
            ReadInterrupted, CannotLook: it could not be done; the user must be an administrator.
        """
        with translating("the roles", is_write=True), pymongo.timeout(APPLY_SECONDS_MAX):
            for role in self.wanted():
                await self._made(role)

    async def _made(self, role: Role) -> None:
        try:
            await self._make(role)
        except OperationFailure as error:
            if error.code != _UNAUTHORIZED:
                raise
            raise CannotLook(
                f"the database user may not make the role {role.name}: run this as an "
                "administrator (role `userAdmin` on the database)"
            ) from error

    async def _make(self, role: Role) -> None:
        given = {"privileges": self._privileges(role), "roles": list(role.inherits)}
        try:
            await self._database.command({"createRole": role.name, **given})
        except OperationFailure as error:
            if error.code != _ROLE_EXISTS:
                raise
            await self._database.command({"updateRole": role.name, **given})

    def _privileges(self, role: Role) -> list[dict[str, Any]]:
        return [
            {
                "resource": {"db": self._database.name, "collection": each.collection},
                "actions": list(each.actions),
            }
            for each in role.privileges
        ]
