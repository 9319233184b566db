"""The commands of the repair as processes: what they show, ask, refuse, and end with."""

import json
import os
import pty
import select
import subprocess
import time
from typing import Any

import pytest

from reconciler.surfaces.cli.acting import operating_system_user
from tests.e2e.conftest import CommandLine
from tests.fakes.repairs import DIGEST

PLAN = ("repair", "plan", "--user", "abc123", "--reason", "an emergency")
APPLY = ("repair", "apply", "plan-0")
CONSENT = ("--digest", DIGEST, "--yes")
ASKED_SECONDS_MAX = 30.0


def document(output: str) -> Any:
    """Read exactly one strict JSON document."""
    return json.loads(output, parse_constant=pytest.fail)


def test_a_plan_is_shown_with_what_to_run_next(command_line: CommandLine) -> None:
    """Digest, who and why, before and after, what is owed, and the next command."""
    human = command_line.run(*PLAN, backend="fine")
    machine = command_line.run(*PLAN, "--json", backend="fine")
    answer = document(machine.stdout)

    assert (human.returncode, machine.returncode) == (0, 0)
    assert human.stdout.startswith("PLAN by the policy wallets, planned: accounts 1 planned")
    assert DIGEST in human.stdout
    assert f"made by {operating_system_user()}" in human.stdout
    assert "! 0.0005" in human.stdout
    assert "what the exchange owes changes by -0.5 BTC" in human.stdout
    assert f"repair apply plan-3 --digest {DIGEST} --yes" in human.stdout
    assert answer["steps"][0]["before"]["crypto_balances"] == 0.0005
    assert answer["planned_by"] == operating_system_user()


def test_no_environment_changes_who_acts(command_line: CommandLine) -> None:
    """What anybody can write into a variable names nobody."""
    faked = {"USER": "mallory", "LOGNAME": "mallory", "SUDO_USER": "mallory"}
    machine = command_line.run(*PLAN, "--json", backend="fine", environment=faked)

    assert document(machine.stdout)["planned_by"] == operating_system_user()


def test_no_id_can_forge_a_plan(command_line: CommandLine) -> None:
    """Line breaks and colours are printed escaped; what no machine can decide ends with 5."""
    human = command_line.run(*PLAN, backend="wrong")

    assert human.returncode == 5
    assert "two\\nlines" in human.stdout
    assert "\x1b" not in human.stdout
    assert "refused" in human.stdout
    assert "next:" not in human.stdout


@pytest.mark.parametrize(
    "words, told",
    [
        (["repair", "plan", "--reason", "r"], "give one of --user USER, --all and --revert PLAN"),
        (["repair", "plan", "--all", "--user", "a", "--reason", "r"], "give one of"),
        (["repair", "plan", "--all", "--currency", "BTC", "--reason", "r"], "goes with --user"),
        (["repair", "plan", "--all"], "--reason"),
        (["repair", "plan", "--all", "--reason", " "], "must say why"),
        (["repair", "plan", "--all", "--reason", "r", "--policy", "mine"], "--policy"),
        (["repair", "plan", "--all", "--reason", "r", "--as", "bob"], "--as"),
        (["repair", "approve", "plan-0"], "--digest"),
        (["repair", "enable"], "--reason"),
        (["repair", "show", "nope"], "no plan 'nope'"),
        (["reconcile", "--yes"], "go with --apply"),
        (["reconcile", "--apply"], "--reason"),
    ],
)
def test_wrong_usage_ends_with_2(command_line: CommandLine, words: list[str], told: str) -> None:
    """What is wrong is said on standard error, and nothing is done."""
    human = command_line.run(*words, backend="fine")

    assert human.returncode == 2
    assert told in human.stderr


def test_without_a_terminal_a_plan_needs_yes_and_its_digest(command_line: CommandLine) -> None:
    """The plan is printed first, with the command that applies exactly it."""
    shown = command_line.run(*APPLY, backend="fine")
    only_yes = command_line.run(*APPLY, "--yes", backend="fine")
    applied = command_line.run(*APPLY, *CONSENT, backend="fine")

    assert (shown.returncode, only_yes.returncode, applied.returncode) == (2, 2, 0)
    assert shown.stdout.startswith("PLAN by the policy")
    assert f"repair apply plan-0 --digest {DIGEST} --yes" in shown.stderr
    assert "REPAIRED: 1 accounts were put right" in applied.stdout


@pytest.mark.parametrize(
    "backend, words, told",
    [
        ("stale", CONSENT, "STALE: 1 accounts changed"),
        ("unverified", CONSENT, "VERIFICATION FAILED: 1 accounts were written"),
        ("waiting", CONSENT, "by somebody else"),
        ("guarded", CONSENT, "The guard kill_switch says no: it is off: enable"),
        ("fine", ("--digest", "cd" * 32, "--yes"), "another one than --digest says"),
    ],
)
def test_what_did_not_help_ends_with_5(
    command_line: CommandLine, backend: str, words: tuple[str, ...], told: str
) -> None:
    """Stale, not verified, not approved, refused by a guard, another digest."""
    human = command_line.run(*APPLY, *words, backend=backend)
    machine = command_line.run(*APPLY, *words, "--json", backend=backend)

    assert (human.returncode, machine.returncode) == (5, 5)
    assert told in human.stdout + human.stderr
    assert document(machine.stdout)


def test_json_names_the_guard(command_line: CommandLine) -> None:
    """A program need not read the words."""
    machine = command_line.run(*APPLY, *CONSENT, "--json", backend="guarded")

    assert document(machine.stdout)["error"]["guard"] == "kill_switch"


def test_json_tells_what_was_done(command_line: CommandLine) -> None:
    """The plan as it is afterwards, and the check that followed."""
    answer = document(command_line.run(*APPLY, *CONSENT, "--json", backend="fine").stdout)

    assert (answer["applied"], answer["state"]) == (True, "applied")
    assert answer["check"]["status"] == "healthy"
    assert answer["steps"][0]["outcome"] == "applied"


def test_a_plan_of_ones_own_is_not_approved(command_line: CommandLine) -> None:
    """The operating system's user is who acts, and is who made it."""
    own = command_line.run("repair", "approve", "own", "--digest", DIGEST, backend="fine")
    other = command_line.run("repair", "approve", "plan-0", "--digest", DIGEST, backend="waiting")

    assert own.returncode == 5
    assert other.returncode == 0
    assert f"approved by {operating_system_user()}" in other.stdout


@pytest.mark.parametrize("word, told", [("enable", "ON"), ("disable", "OFF")])
def test_the_switch_says_how_it_stands(command_line: CommandLine, word: str, told: str) -> None:
    """And since when, by whom and why."""
    human = command_line.run("repair", word, "--reason", "incident 4711", backend="fine")
    machine = command_line.run("repair", word, "--reason", "r", "--json", backend="fine")

    assert human.returncode == 0
    assert f"Repairs are {told} on every daemon, by {operating_system_user()}" in human.stdout
    assert document(machine.stdout)["enabled"] is (word == "enable")


def test_a_plan_is_taken_back_by_a_plan(command_line: CommandLine) -> None:
    """It is shown, and without a terminal it is not applied at once."""
    planned = command_line.run(
        "repair", "plan", "--revert", "plan-0", "--reason", "wrong", backend="fine"
    )
    reverted = command_line.run("repair", "revert", "plan-0", "--reason", "wrong", backend="fine")

    assert planned.returncode == 0
    assert "takes back the plan plan-0" in planned.stdout
    assert reverted.returncode == 2
    assert "takes back the plan plan-0" in reverted.stdout


def test_reconcile_applies_what_was_seen(command_line: CommandLine) -> None:
    """Healthy is nothing to do; without a terminal a new plan is shown and not applied."""
    fine = command_line.run("reconcile", "--apply", "--reason", "r", "--json", backend="fine")
    refused = command_line.run("reconcile", "--apply", "--reason", "r", backend="wrong")
    named = ("--plan", "plan-0", *CONSENT)
    applied = command_line.run("reconcile", "--apply", "--reason", "r", *named, backend="wrong")

    assert (fine.returncode, document(fine.stdout)["repair"]) == (0, None)
    assert refused.returncode == 2
    assert "PLAN by the policy" in refused.stdout
    assert applied.returncode == 3
    assert "REPAIRED" in applied.stdout


@pytest.mark.parametrize("answer, code, told", [("yes", 0, "REPAIRED"), ("y", 5, "Nothing was")])
def test_at_a_terminal_it_asks(
    command_line: CommandLine, answer: str, code: int, told: str
) -> None:
    """The plan stands there when it does; anything but yes changes nothing."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            command_line.argv("fine", APPLY),
            env=command_line.environment({"TERM": "xterm", "COLUMNS": "160", "NO_COLOR": "1"}),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        shown = _read_until(ours, "Type yes: ")
        os.write(ours, f"{answer}\n".encode())
        shown += _read_until(ours, told)
        ended = process.wait(timeout=ASKED_SECONDS_MAX)
    finally:
        os.close(ours)
        os.close(theirs)

    assert ended == code
    assert shown.index(" by the policy wallets") < shown.index("Apply exactly this plan?")


def _read_until(descriptor: int, wanted: str) -> str:
    text, deadline = "", time.monotonic() + ASKED_SECONDS_MAX
    while wanted not in text:
        left = deadline - time.monotonic()
        ready, _, _ = select.select([descriptor], [], [], max(left, 0))
        assert ready, f"{wanted!r} did not come; what came: {text}"
        text += os.read(descriptor, 65_536).decode("utf-8", errors="replace")
    return text
