"""The whole command line against a real server: nothing in between is imitated."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128, ObjectId
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.storage.leasing import MongoLease
from reconciler.sync import BalanceSync
from tests.e2e.conftest import CommandLine
from tests.integration.sync.stored import Stored

Database = AsyncDatabase[dict[str, Any]]
Ask = Callable[..., tuple[int, Any]]

QUICK = {"RECONCILER_SCAN__SETTLE_SECONDS": "0.05"}


def environment(uri: str, database: str) -> dict[str, str]:
    """What an operator sets."""
    return QUICK | {"RECONCILER_MONGO__URI": uri, "RECONCILER_MONGO__DATABASE": database}


@pytest.fixture
def ask(command_line: CommandLine, mongo_uri: str, database: Database) -> Ask:
    """Runs a command with `--json` on the test's database; gives exit code and document."""

    def run(*words: str) -> tuple[int, Any]:
        ended = command_line.run(
            *words, "--json", environment=environment(mongo_uri, database.name)
        )
        return ended.returncode, json.loads(ended.stdout, parse_float=Decimal)

    return run


async def credited(database: Database) -> BalanceSync:
    """The specification's deposits."""
    sync = BalanceSync(database)
    await sync.credit("user", "BTC", "0.001", "deposit", op_id="first")
    await sync.credit("user", "ETH", "0.05", "deposit")
    return sync


async def test_the_specification_end_to_end(database: Database, ask: Ask) -> None:
    """After `db init` and two credits, the check is healthy and has the documented keys."""
    assert ask("db", "init")[0] == 0
    await credited(database)
    code, answer = ask("check")

    assert code == 0
    documented = {
        "status": "healthy",
        "details": "All balances in sync across all 4 collections",
        "checked_users": 1,
        "checked_currencies": 2,
    }
    assert {key: answer[key] for key in documented} == documented
    assert answer["checked_balances"] == 2
    assert answer["consistency"] == "snapshot"
    assert answer["checksum"].startswith("COINHUBX_2025_FINAL_LOCK_")
    assert len(answer["checksum"]) == len("COINHUBX_2025_FINAL_LOCK_") + 9


async def test_a_drift_is_named_and_explained(database: Database, ask: Ask) -> None:
    """A bypassing write is exit 3, with the four numbers exactly, and `explain` shows why."""
    ask("db", "init")
    await credited(database)
    await database["crypto_balances"].update_one(
        {"currency": "BTC"}, {"$set": {"available_balance": Decimal128("0.00000001")}}
    )
    code, answer = ask("check")

    assert (code, answer["status"]) == (3, "INTEGRITY_FAILURE")
    assert answer["message"] == "Balance mismatch detected across collections"
    assert answer["mismatch_count"] == 1
    (mismatch,) = answer["mismatches"]
    expected = {
        "user_id": "user",
        "currency": "BTC",
        "wallets": Decimal("0.001"),
        "crypto_balances": Decimal("0.00000001"),
        "trader_balances": Decimal("0.001"),
        "internal_balances": Decimal("0.001"),
        "in_sync": False,
        "kind": "amount",
        "also": ["total"],
    }
    assert {key: mismatch[key] for key in expected} == expected

    code, explained = ask("explain", "user", "BTC")
    assert code == 3
    text = json.dumps(explained, default=str)
    assert "crypto_balances.available" in text
    assert "first" in text, "the last postings are shown"
    assert ask("explain", "user", "ETH")[0] == 0


async def test_narrowed_checks(database: Database, ask: Ask) -> None:
    """A user or a currency that is sound is healthy, whatever is wrong elsewhere."""
    ask("db", "init")
    await credited(database)
    await database["wallets"].delete_one({"currency": "ETH"})
    oid = ObjectId()
    await BalanceSync(database).credit(oid, "GBP", "1", "deposit")

    assert ask("check", "--user", "user", "--currency", "BTC")[0] == 0
    assert ask("check", "--user", str(oid))[1]["checked_balances"] == 1
    assert ask("check", "--currency", "GBP")[0] == 0
    assert ask("check", "--user", "user")[1]["mismatches"][0]["kind"] == "orphan"
    assert ask("check", "--currency", "ETH")[0] == 3
    assert ask("check", "--user", "nobody")[1]["checked_balances"] == 0


async def test_schema_commands(database: Database, ask: Ask) -> None:
    """`db status` says what is missing, `db init` makes it, and doubles are named by account."""
    assert ask("db", "status")[0] == 3
    code, made = ask("db", "init")
    assert (code, ask("db", "status")[0]) == (0, 0)
    assert {index["state"] for index in made["indexes"]} == {"made"}
    assert {index["state"] for index in ask("db", "init")[1]["indexes"]} == {"present"}

    await database["wallets"].drop_index("reconciler_account")
    stored = Stored(database)
    for _ in range(3):
        await stored.put("twice", "BTC", wallets={"available_balance": 1})
    code, blocked = ask("db", "init")

    (wallets,) = [each for each in blocked["indexes"] if each["state"] == "blocked"]
    assert code == 3
    assert wallets["duplicate_count"] == 1
    assert "twice" in json.dumps(wallets)


async def test_a_missing_collection_is_incomplete(database: Database, ask: Ask) -> None:
    """A mapped collection that does not exist is exit 4 and named, never healthy."""
    ask("db", "init")
    await database.drop_collection("trader_balances")
    code, answer = ask("check")

    assert (code, answer["status"]) == (4, "incomplete")
    assert "trader_balances" in answer["reason"]


async def test_a_standalone_server(command_line: CommandLine, standalone_uri: str) -> None:
    """A server without snapshots is checked by repeated reads, and the answer says so."""
    async with AsyncMongoClient[dict[str, Any]](standalone_uri) as client:
        database = client["standalone_check"]
        stored = Stored(database)
        amounts = {"available_balance": Decimal128("2"), "locked_balance": Decimal128("0")}
        for name in ("wallets", "crypto_balances", "trader_balances", "internal_balances"):
            await stored.put("user", "BTC", **{name: amounts})
        settings = environment(standalone_uri, database.name)
        sound = command_line.run("check", "--json", environment=settings)
        await database["wallets"].update_one({}, {"$inc": {"available_balance": 1}})
        drifted = command_line.run("check", "--json", environment=settings)
        await client.drop_database(database.name)

    assert (sound.returncode, drifted.returncode) == (0, 3)
    assert json.loads(sound.stdout)["consistency"] == "confirmed_reads"
    assert json.loads(drifted.stdout)["mismatch_count"] == 1


async def test_no_server(command_line: CommandLine) -> None:
    """Without a server every command is exit 4 within seconds, and no password is shown."""
    settings = {
        "RECONCILER_MONGO__URI": "mongodb://operator:s3cret@127.0.0.1:1/",
        "RECONCILER_MONGO__SERVER_SELECTION_TIMEOUT_SECONDS": "0.3",
    }
    for words in (["check"], ["explain", "user", "BTC"], ["db", "status"], ["db", "init"]):
        ended = command_line.run(*words, "--json", environment=settings)
        assert ended.returncode == 4, words
        assert json.loads(ended.stdout)["status"] == "incomplete"
        assert "s3cret" not in ended.stdout + ended.stderr


async def test_reconcile_records_what_it_saw(database: Database, ask: Ask) -> None:
    """Like a daemon's scan it is in the records; the plan says what would put the account right."""
    ask("db", "init")
    await credited(database)
    code, sound = ask("reconcile")
    assert (code, sound["status"], sound["plan"], sound["recorded"]) == (0, "healthy", [], True)
    await database["crypto_balances"].update_one(
        {"currency": "BTC"}, {"$set": {"available_balance": Decimal128("0.0005")}}
    )
    code, answer = ask("reconcile")

    assert code == 3
    (step,) = answer["plan"]
    assert step["outcome"] == "planned"
    assert step["before"]["crypto_balances"] == Decimal("0.0005")
    assert set(step["after"].values()) == {Decimal("0.001")}
    scans = await database["integrity_scans"].find().sort("sequence", 1).to_list()
    assert [(scan["trigger"], scan["state"]) for scan in scans] == [("command", "finished")] * 2
    assert [scan["token"] for scan in scans] == [1, 2], "each under a lease of its own"
    finding = await database["integrity_findings"].find_one({})
    assert finding is not None
    assert (finding["state"], finding["scan_id"]) == ("confirmed", answer["scan_id"])
    untouched = await database["crypto_balances"].find_one({"currency": "BTC"})
    assert untouched is not None
    assert untouched["available_balance"] == Decimal128("0.0005"), "nothing was changed"


async def test_reconcile_beside_a_daemon(database: Database, ask: Ask) -> None:
    """While a daemon holds the lease it scans and records all the same, and says who holds it."""
    ask("db", "init")
    await credited(database)
    await MongoLease(database).take("the daemon", seconds=60)
    code, answer = ask("reconcile")

    assert code == 0
    assert "the daemon" in answer["notes"][0]
    scan = await database["integrity_scans"].find_one({})
    assert scan is not None
    assert scan["token"] is None
