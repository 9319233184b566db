"""`reconciler token new` as a person runs it."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.model.access import Scope
from reconciler.settings import load_settings
from tests.e2e.conftest import CommandLine

NO_SERVER = {"RECONCILER_MONGO__URI": "mongodb://127.0.0.1:1/?directConnection=true"}


def test_what_it_prints_lets_the_token_in(command_line: CommandLine, tmp_path: Path) -> None:
    """The table goes into the settings as it is, holds the digest alone, and needs no database."""
    words = ("token", "new", "--name", 'on"call\\1', "--scope", "check", "--scope", "audit")
    shown = command_line.run(*words, "--scope", "check", "--days", "7", environment=NO_SERVER)

    assert shown.returncode == 0
    (text,) = set(re.findall(r"rcn_[A-Za-z0-9_-]{43}", shown.stdout))
    assert shown.stdout.count(text) == 1
    assert "rcn_" not in shown.stderr
    config = tmp_path / "config.toml"
    config.write_text(shown.stdout[shown.stdout.index("[[api.tokens]]") :])
    (token,) = load_settings(environment={}, config_file=config).api.tokens
    assert token.name == 'on"call\\1'
    assert token.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert token.scopes == (Scope.CHECK, Scope.AUDIT)
    assert abs(token.expires - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=5)


def test_as_json_it_is_one_document(command_line: CommandLine) -> None:
    """With the token, what the settings need of it, and the table."""
    shown = command_line.run("token", "new", "--name", "ci", "--scope", "test", "--json")
    document = json.loads(shown.stdout)

    assert set(document) == {"token", "name", "sha256", "scopes", "expires", "settings"}
    assert document["sha256"] == hashlib.sha256(document["token"].encode()).hexdigest()
    assert document["sha256"] in document["settings"]


def test_no_two_tokens_are_alike(command_line: CommandLine) -> None:
    """Each is made of 256 random bits."""
    words = ("token", "new", "--name", "ci", "--scope", "test", "--json")

    one, two = (json.loads(command_line.run(*words).stdout)["token"] for _ in range(2))
    assert one != two


@pytest.mark.parametrize(
    "words,why",
    [
        (("--scope", "check"), "--name"),
        (("--name", "ci"), "--scope"),
        (("--name", "ci", "--scope", "nope"), "repair:approve"),
        (("--name", "two words", "--scope", "check"), "--name must be 1 to 64 visible"),
        (("--name", "", "--scope", "check"), "--name must be 1 to 64 visible"),
        (("--name", "ci", "--scope", "check", "--days", "0"), "--days"),
        (("--name", "ci", "--scope", "check", "--days", "99999"), "--days"),
    ],
)
def test_wrong_usage_makes_no_token(
    command_line: CommandLine, words: tuple[str, ...], why: str
) -> None:
    """Exit code 2 and what to do; as JSON too."""
    human = command_line.run("token", "new", *words)
    machine = command_line.run("token", "new", *words, "--json")

    assert (human.returncode, machine.returncode) == (2, 2)
    assert why in human.stderr
    assert json.loads(machine.stdout)["error"]["kind"] == "usage"
    assert "rcn_" not in human.stdout + machine.stdout
