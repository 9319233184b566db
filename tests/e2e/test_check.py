"""`reconciler check` on a real server: drift is found, and what cannot be seen is not healthy."""

import json
from typing import Any

from bson import Decimal128, ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.embedded.exchange import Exchange
from tests.e2e.conftest import CommandLine

Database = AsyncDatabase[dict[str, Any]]


def settings(database: Database, mongo_uri: str) -> dict[str, str]:
    return {
        "RECONCILER_MONGO__URI": mongo_uri,
        "RECONCILER_MONGO__DATABASE": database.name,
        "RECONCILER_SCAN__SETTLE_SECONDS": "0.05",
    }


async def test_a_drift_is_found_and_named(
    command_line: CommandLine, database: Database, mongo_uri: str
) -> None:
    """Healthy with 0; then, once two accounts were written past the library, 3 with their names."""
    exchange = Exchange(database)
    accounts = await exchange.seed()
    environment = settings(database, mongo_uri)

    before = command_line.run("check", "--json", environment=environment)
    await exchange.bypass()
    after = command_line.run("check", "--json", environment=environment)
    healthy, failed = json.loads(before.stdout), json.loads(after.stdout)

    assert (before.returncode, after.returncode) == (0, 3), before.stderr + after.stderr
    assert (healthy["status"], healthy["checked_balances"]) == ("healthy", accounts)
    assert {(each["user_id"], each["currency"]) for each in failed["mismatches"]} == {
        ("alice", "BTC"),
        ("bob", "GBP"),
    }
    assert failed["consistency"] == "snapshot"


async def test_a_check_of_one_user_looks_at_nobody_else(
    command_line: CommandLine, database: Database, mongo_uri: str
) -> None:
    """--user and --currency select; an ObjectId is given by its digits."""
    exchange = Exchange(database)
    await exchange.seed()
    await exchange.bypass()
    user_id = ObjectId()
    for name in ("wallets", "crypto_balances", "internal_balances"):
        document = {"user_id": user_id, "currency": "BTC", "available_balance": Decimal128("1")}
        await database[name].insert_one(document)
    environment = settings(database, mongo_uri)

    carol = command_line.run("check", "--user", "carol", environment=environment)
    gbp = command_line.run("check", "--currency", "GBP", "--json", environment=environment)
    odd = command_line.run("check", "--user", str(user_id), "--json", environment=environment)
    (missing,) = json.loads(odd.stdout)["mismatches"]

    assert carol.returncode == 0, carol.stdout
    assert [each["user_id"] for each in json.loads(gbp.stdout)["mismatches"]] == ["bob"]
    assert (missing["kind"], missing["user_id_type"]) == ("missing", "objectId")
    assert missing["trader_balances"] is None


async def test_a_collection_that_is_not_there_is_incomplete(
    command_line: CommandLine, database: Database, mongo_uri: str
) -> None:
    """An empty or misspelt database is never healthy."""
    ended = command_line.run("check", environment=settings(database, mongo_uri))

    assert ended.returncode == 4
    assert ended.stdout.startswith("INCOMPLETE: ")
    assert "wallets" in ended.stdout


async def test_a_standalone_server_is_checked_by_repeated_reads(
    command_line: CommandLine, standalone_uri: str
) -> None:
    """The answer says that it is the weaker check."""
    environment = {
        "RECONCILER_MONGO__URI": standalone_uri,
        "RECONCILER_MONGO__DATABASE": "nothing_here",
        "RECONCILER_SCAN__SETTLE_SECONDS": "0.05",
    }

    ended = command_line.run("check", "--json", environment=environment)

    assert ended.returncode == 4
    assert json.loads(ended.stdout)["consistency"] == "confirmed_reads"
