"""The roles of the database: who may do what with which collection, and nothing else."""

from dataclasses import dataclass

from reconciler.model.mapping import Mappings
from reconciler.model.pause import PAUSES
from reconciler.model.schema import JOURNAL, TRADES

WRITER = "reconcilerWriter"
SCANNER = "reconcilerScanner"
REPAIRER = "reconcilerRepairer"
AUDITOR = "reconcilerAuditor"
DAEMON = "reconcilerDaemon"


@dataclass(frozen=True, slots=True)
class Privilege:
    """What a role may do with one collection; an empty name is the database itself."""

    collection: str
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the database: its name, whom it is for, and all that it may.

    It may what the roles that it `inherits` may, too.
    """

    name: str
    purpose: str
    privileges: tuple[Privilege, ...] = ()
    inherits: tuple[str, ...] = ()


_LOOK = ("find", "listIndexes")
_ADD = (*_LOOK, "insert")
_CHANGE = (*_ADD, "update")
_KEEP = (*_CHANGE, "createIndex")


def wanted_roles(mappings: Mappings) -> tuple[Role, ...]:
    """List the roles.

    None removes a balance or drops anything, none changes an entry of the journal or a record of
    the audit trail once it is there, and none may go past a validator.
    """
    balances = tuple(Privilege(name, _CHANGE) for name in mappings.names)
    return (
        Role(WRITER, "the sync library: postings, trades, credits", (*balances, *_WRITER)),
        Role(SCANNER, "scans, the watch, and what they record", (*_looks(mappings), *_SCANNER)),
        Role(REPAIRER, "planning, approving and applying repairs", (*balances, *_REPAIRER)),
        Role(AUDITOR, "whoever runs `reconciler audit verify|show`", _AUDITOR),
        Role(
            DAEMON,
            "a daemon that serves credits, trades and repairs beside its scans",
            inherits=(WRITER, SCANNER, REPAIRER),
        ),
    )


def _looks(mappings: Mappings) -> tuple[Privilege, ...]:
    return tuple(Privilege(name, _LOOK) for name in mappings.names)


_TRAIL = (
    Privilege("audit_trail", ("find", "insert")),
    Privilege("audit_head", ("find", "insert", "update")),
)
# A posting reads all copies at once by a `$documents` stage, for which the server asks for the right
# to read the whole database (SERVER-83610).
_WHOLE = ("find",)
_WRITER = (
    Privilege(JOURNAL, _ADD),
    Privilege(TRADES, _CHANGE),
    Privilege("idempotency_keys", _KEEP),
    # Where a repair asks postings to wait.
    Privilege(PAUSES, ("find",)),
    Privilege("", _WHOLE),
)
_SCANNER = (
    Privilege(JOURNAL, _LOOK),
    Privilege("integrity_scans", _KEEP),
    Privilege("integrity_findings", _KEEP),
    Privilege("bypassing_writes", (*_KEEP, "remove")),
    # Indexes alone, made with the others when the daemon starts.
    Privilege("repair_plans", (*_LOOK, "createIndex")),
    Privilege("idempotency_keys", (*_LOOK, "createIndex")),
    Privilege("leases", _CHANGE),
    *_TRAIL,
    # A stream of changes of the whole database takes the right to read all of it.
    Privilege("", ("listCollections", "find", "changeStream")),
)
_REPAIRER = (
    Privilege(JOURNAL, _ADD),
    Privilege(TRADES, _LOOK),
    Privilege("integrity_scans", _CHANGE),
    Privilege("integrity_findings", _CHANGE),
    Privilege("repair_plans", _CHANGE),
    # The switch of the repair, its rate, and pauses, which it removes.
    Privilege("leases", (*_CHANGE, "remove")),
    *_TRAIL,
    Privilege("", (*_WHOLE, "listCollections")),
)
_AUDITOR = (Privilege("audit_trail", ("find",)), Privilege("audit_head", ("find",)))
