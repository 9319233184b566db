"""The commands about the audit trail, each in a process of its own, on a real server."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.storage.auditing import AUDIT_TRAIL
from reconciler.sync import BalanceSync
from tests.e2e.conftest import CommandLine
from tests.e2e.test_against_a_server import Database, credited, environment
from tests.integration.auditing.writing import Book

ROLES = ("Writer", "Scanner", "Repairer", "Auditor", "Daemon")


def audit(
    command_line: CommandLine, given: Mapping[str, str], *words: str
) -> tuple[int, dict[str, Any]]:
    ended = command_line.run("audit", *words, "--json", environment=given)
    return ended.returncode, json.loads(ended.stdout)


async def test_a_verdict_is_on_the_trail_and_can_be_proven(
    command_line: CommandLine, database: Database, mongo_uri: str, tmp_path: Path
) -> None:
    """From `reconcile` to `audit show` and `audit verify`: exit 0, after an edit 3."""
    given = environment(mongo_uri, database.name)
    assert command_line.run("db", "init", environment=given).returncode == 0
    sync: BalanceSync = await credited(database)
    await sync.close()
    assert command_line.run("reconcile", environment=given).returncode == 0
    book = Book(database, tmp_path)
    await book.trail.checkpoint("test")
    files = (
        "--checkpoints",
        str(book.places.checkpoint_path),
        "--public-key",
        str(book.public_path),
    )

    shown, line = audit(command_line, given, "show", "--kind", "INTEGRITY_CHECK", "--user", "all")
    proven = audit(command_line, given, "verify", *files)
    await database[AUDIT_TRAIL].update_one({"_id": 1}, {"$set": {"body": "{}"}})
    broken, answer = audit(command_line, given, "verify", *files)

    assert (shown, line["sequence"], line["outcome"]) == (0, 1, "PASSED")
    assert line["details"]["counts"]["accounts"] == 2
    assert proven == (
        0,
        {"valid": True, "records": 1, "checkpoints": 1, "first_bad": None, "problem": None},
    )
    assert (broken, answer["valid"], answer["first_bad"]) == (3, False, 1)


def test_what_cannot_be_read_is_not_judged(command_line: CommandLine, tmp_path: Path) -> None:
    """Exit 4 without a server; 2 where a key is there already."""
    away = {
        "RECONCILER_MONGO__URI": "mongodb://127.0.0.1:9",
        "RECONCILER_MONGO__SERVER_SELECTION_TIMEOUT_SECONDS": "0.2",
    }
    keys = ("--signing-key", str(tmp_path / "a.pem"), "--public-key", str(tmp_path / "a.pub"))

    assert audit(command_line, away, "verify")[0] == 4
    assert audit(command_line, away, "keygen", *keys)[0] == 0
    assert audit(command_line, away, "keygen", *keys)[0] == 2


def test_the_roles_are_printed_as_the_shell_takes_them(
    command_line: CommandLine, database: Database, mongo_uri: str
) -> None:
    """A `createRole` for each; nothing is made without `--apply`, which goes with `--roles`."""
    given = environment(mongo_uri, database.name)

    ended = command_line.run("db", "init", "--roles", environment=given)

    assert ended.returncode == 0
    assert ended.stdout.count(f'db.getSiblingDB("{database.name}").createRole(') == len(ROLES)
    assert [role for role in ROLES if f"// reconciler{role}: " not in ended.stdout] == []
    assert command_line.run("db", "init", "--apply", environment=given).returncode == 2
