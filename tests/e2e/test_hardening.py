"""`db harden` and what `db status` says after it, as an operator runs them."""

from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.storage.hardening import Hardening
from reconciler.storage.schema import Schema
from reconciler.sync import BalanceSync
from tests.e2e.conftest import CommandLine
from tests.e2e.test_against_a_server import Ask, ask, environment

__all__ = ["ask"]

Database = AsyncDatabase[dict[str, Any]]


async def test_from_nothing_to_strict(database: Database, ask: Ask) -> None:
    """A dry run changes nothing; once applied, the status shows strict guards."""
    assert ask("db", "init")[0] == 0
    await BalanceSync(database).credit("user", "BTC", "1", "deposit")
    planned = ask("db", "harden")
    done = ask("db", "harden", "--apply")
    after = ask("db", "status")
    await database.command("dropAllRolesFromDatabase")

    assert [planned[0], done[0], after[0]] == [0, 0, 0]
    assert [each["level"] for each in planned[1]["collections"]] == ["strict"] * 4
    assert all(each["guarded"] for each in after[1]["validators"])
    assert not any(each["before"]["guarded"] for each in done[1]["collections"])
    assert "reconcilerWriter" in done[1]["roles"]


async def test_a_person_reads_what_was_tampered_with(
    database: Database, command_line: CommandLine, mongo_uri: str
) -> None:
    """The status ends with 3 and shows which; hardening shows a foreign one and leaves it."""
    await Schema(database, DEFAULT_MAPPINGS).init()
    await Hardening(database, DEFAULT_MAPPINGS).apply(replaces=False)
    await database.command("dropAllRolesFromDatabase")
    await database.command("collMod", "wallets", validationLevel="off")
    await database.command("collMod", "crypto_balances", validator={"note": {"$ne": 1}})
    told = environment(mongo_uri, database.name)

    status = command_line.run("db", "status", environment=told)
    harden = command_line.run("db", "harden", environment=told)
    replacing = command_line.run("db", "harden", "--replace", environment=told)

    assert (status.returncode, harden.returncode) == (3, 3)
    assert "tampered with" in status.stdout
    assert "left alone" in harden.stdout
    assert '"note"' in harden.stdout
    assert harden.stdout.endswith("db harden --apply\n")
    assert replacing.stdout.endswith("db harden --apply --replace\n")
