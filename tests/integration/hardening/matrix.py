"""Every operation that is tried on every collection by every role, and what is expected."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

Database = AsyncDatabase[dict[str, Any]]
Operation = Callable[[Database, str], Awaitable[Any]]

_UNAUTHORIZED = 13
BALANCES = ("wallets", "crypto_balances", "trader_balances", "internal_balances")
OWN = (
    "balance_journal",
    "p2p_trades",
    "idempotency_keys",
    "leases",
    "integrity_scans",
    "integrity_findings",
    "bypassing_writes",
    "repair_plans",
    "audit_trail",
    "audit_head",
)
FOREIGN = "somebody_elses"
ELSEWHERE = "elsewhere"
PLACES = (*BALANCES, *OWN, FOREIGN, ELSEWHERE)


async def _bypass(database: Database, name: str) -> None:
    await database[name].insert_one({"tried": 1}, bypass_document_validation=True)


async def _aggregate(database: Database, name: str, stage: dict[str, Any]) -> None:
    cursor = await database[name].aggregate([{"$match": {"_id": "nobody"}}, stage])
    await cursor.to_list()


async def _rename(database: Database, name: str) -> None:
    source = f"{database.name}.{name}"
    command = {"renameCollection": source, "to": f"{source}_renamed"}
    await database.client.admin.command(command)


# What could destroy something stands last.
OPERATIONS: Mapping[str, Operation] = {
    "find": lambda database, name: database[name].find_one({"_id": "nobody"}),
    "listIndexes": lambda database, name: database[name].index_information(),
    "insert": lambda database, name: database[name].insert_one({"tried": 1}),
    "update": lambda database, name: database[name].update_one({"_id": "no"}, {"$set": {"a": 1}}),
    "replace": lambda database, name: database[name].replace_one({"_id": "no"}, {"a": 1}),
    "remove": lambda database, name: database[name].delete_one({"_id": "no"}),
    "merge": lambda database, name: _aggregate(database, name, {"$merge": {"into": name}}),
    "bypass": _bypass,
    "createIndex": lambda database, name: database[name].create_index("tried"),
    "dropIndexes": lambda database, name: database[name].drop_index("no_such_index"),
    "collMod": lambda database, name: database.command("collMod", name, validationLevel="off"),
    "out": lambda database, name: _aggregate(database, name, {"$out": name}),
    "rename": _rename,
    "drop": lambda database, name: database.command("drop", name),
}

_LOOK = "find listIndexes"
_ADD = f"{_LOOK} insert"
_CHANGE = f"{_ADD} update replace merge"
_TRAIL = {"audit_trail": "find insert", "audit_head": "find insert update replace merge"}

# What reads the whole database reads what is not ours, too: a posting's `$documents` stage asks for
# that right, and so does the stream of changes.
_READS = dict.fromkeys(PLACES[:-1], "find")

# By role and place. What is not here is allowed nowhere.
EXPECTED: Mapping[str, Mapping[str, str]] = {
    "reconcilerWriter": {
        **_READS,
        **dict.fromkeys(BALANCES, _CHANGE),
        "balance_journal": _ADD,
        "p2p_trades": _CHANGE,
        "idempotency_keys": f"{_CHANGE} createIndex",
        "leases": "find",
    },
    "reconcilerScanner": {
        **_READS,
        **dict.fromkeys(BALANCES, _LOOK),
        "balance_journal": _LOOK,
        "integrity_scans": f"{_CHANGE} createIndex",
        "integrity_findings": f"{_CHANGE} createIndex",
        "bypassing_writes": f"{_CHANGE} createIndex remove out",
        "repair_plans": f"{_LOOK} createIndex",
        "idempotency_keys": f"{_LOOK} createIndex",
        "leases": _CHANGE,
        **_TRAIL,
    },
    "reconcilerRepairer": {
        **_READS,
        **dict.fromkeys(BALANCES, _CHANGE),
        "balance_journal": _ADD,
        "p2p_trades": _LOOK,
        "integrity_scans": _CHANGE,
        "integrity_findings": _CHANGE,
        "repair_plans": _CHANGE,
        "leases": f"{_CHANGE} remove out",
        **_TRAIL,
    },
    "reconcilerAuditor": {"audit_trail": "find", "audit_head": "find"},
    "reconcilerDaemon": {
        **_READS,
        **dict.fromkeys(BALANCES, _CHANGE),
        "balance_journal": _ADD,
        "p2p_trades": _CHANGE,
        "idempotency_keys": f"{_CHANGE} createIndex",
        "integrity_scans": f"{_CHANGE} createIndex",
        "integrity_findings": f"{_CHANGE} createIndex",
        "bypassing_writes": f"{_CHANGE} createIndex remove out",
        "repair_plans": f"{_CHANGE} createIndex",
        "leases": f"{_CHANGE} remove out",
        **_TRAIL,
    },
}


async def is_allowed(operation: str, database: Database, place: str) -> bool:
    """Try an operation: whatever but a lack of rights becomes of it, it was allowed."""
    if place == ELSEWHERE:
        database, place = database.client[f"{database.name}_elsewhere"], "wallets"
    try:
        await OPERATIONS[operation](database, place)
    except OperationFailure as error:
        return error.code != _UNAUTHORIZED
    return True


async def observed(database: Database) -> dict[str, set[str]]:
    """What a user may do, by place."""
    return {
        place: {each for each in OPERATIONS if await is_allowed(each, database, place)}
        for place in PLACES
    }
