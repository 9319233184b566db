"""Who may do what: the scopes of a caller."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a token allows; the values are those of settings and of `reconciler token new`."""

    CHECK = "check"
    TEST = "test"
    ESCROW = "escrow"
    REPAIR_PROPOSE = "repair:propose"
    REPAIR_APPROVE = "repair:approve"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller that is known: its name in records, and what it may do."""

    name: str
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Whether the scope is among its own."""
        return scope in self.scopes


# Who calls on loopback where there are no tokens: a person on the machine. Approving takes a second
# person, and nobody can tell two of them apart there.
LOOPBACK = Principal("loopback", frozenset(Scope) - {Scope.REPAIR_APPROVE})
