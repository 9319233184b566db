"""`db harden` and what `db status` says after it, as an operator runs them."""

from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from reconciler.sync import BalanceSync
from tests.e2e.conftest import CommandLine
from tests.e2e.test_against_a_server import Ask, ask, environment

__all__ = ["ask"]

Database = AsyncDatabase[dict[str, Any]]


async def test_from_nothing_to_strict(database: Database, ask: Ask) -> None:
    """A dry run changes nothing; applied, the status shows strict guards; repeated, no change."""
    assert ask("db", "harden")[0] == 3
    assert ask("db", "init")[0] == 0
    await BalanceSync(database).credit("user", "BTC", "1", "deposit")
    planned = ask("db", "harden")
    before = ask("db", "status")
    done = ask("db", "harden", "--apply")
    after = ask("db", "status")
    again = ask("db", "harden", "--apply")
    await database.command("dropAllRolesFromDatabase")

    assert [planned[0], before[0], done[0], after[0], again[0]] == [0, 0, 0, 0, 0]
    assert [each["level"] for each in planned[1]["collections"]] == ["strict"] * 4
    assert not any(each["guarded"] for each in before[1]["validators"])
    assert all(each["guarded"] for each in after[1]["validators"])
    assert not any(each["change"] for each in again[1]["collections"])
    assert "reconcilerWriter" in done[1]["roles"]


async def test_a_person_reads_what_was_tampered_with(
    database: Database, ask: Ask, command_line: CommandLine, mongo_uri: str
) -> None:
    """The status ends with 3 and shows which; hardening shows a foreign validator and leaves it."""
    ask("db", "init")
    ask("db", "harden", "--apply")
    await database.command("dropAllRolesFromDatabase")
    await database.command("collMod", "wallets", validationLevel="off")
    await database.command("collMod", "crypto_balances", validator={"note": {"$ne": 1}})
    told = environment(mongo_uri, database.name)

    status = command_line.run("db", "status", environment=told)
    harden = command_line.run("db", "harden", environment=told)

    assert (status.returncode, harden.returncode) == (3, 3)
    assert "tampered with" in status.stdout
    assert "left alone" in harden.stdout
    assert '"note"' in harden.stdout
