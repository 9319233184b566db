"""The command line as processes: exit codes, one JSON document, safe output, signals, pipes."""

import json
import os
import pty
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import CommandLine

NOBODY_LISTENS = {
    "RECONCILER_MONGO__URI": "mongodb://app:hunter2@127.0.0.1:1/?directConnection=true",
    "RECONCILER_MONGO__SERVER_SELECTION_TIMEOUT_SECONDS": "0.2",
}


def document(output: str) -> Any:
    """Read exactly one strict JSON document."""
    return json.loads(output, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "backend,code,verdict,status",
    [
        ("fine", 0, "HEALTHY", "healthy"),
        ("wrong", 3, "INTEGRITY FAILURE", "INTEGRITY_FAILURE"),
        ("blind", 4, "INCOMPLETE", "incomplete"),
    ],
)
def test_a_check_ends_with_its_verdict(
    command_line: CommandLine, backend: str, code: int, verdict: str, status: str
) -> None:
    """In words first, as one JSON document with --json, and in the exit code."""
    human = command_line.run("check", backend=backend)
    machine = command_line.run("check", "--json", backend=backend)

    assert (human.returncode, machine.returncode) == (code, code)
    assert human.stdout.startswith(f"{verdict}: ")
    assert document(machine.stdout)["status"] == status


def test_no_id_can_forge_a_row(command_line: CommandLine) -> None:
    """Line breaks, colours, markup, directions and surrogates are printed escaped."""
    shown = command_line.run("check", backend="wrong").stdout

    assert "two\\nlines" in shown
    assert "\\x1b[31mred" in shown
    assert "[bold]markup[/bold]" in shown
    assert "\\u202eelbisivni" in shown
    assert "\\ud800lone" in shown
    assert "\x1b" not in shown
    assert "long-" * 40 not in shown
    assert "! 2 copies" in shown
    assert "missing" in shown


def test_json_carries_ids_unchanged(command_line: CommandLine) -> None:
    """Nothing is escaped but by JSON itself."""
    answer = document(command_line.run("check", "--json", backend="wrong").stdout)

    ids = [mismatch["user_id"] for mismatch in answer["mismatches"]]
    assert ids[1] == "two\nlines"
    assert ids[7] == "long-" * 40


def test_a_limit_cuts_the_list_and_not_the_count(command_line: CommandLine) -> None:
    """The table says how many there are, and how to see them."""
    human = command_line.run("check", "--limit", "2", backend="wrong")
    machine = command_line.run("check", "--limit", "2", "--json", backend="wrong")
    answer = document(machine.stdout)

    assert "2 of 9 shown; --limit 9 shows all." in human.stdout
    assert (answer["mismatch_count"], answer["truncated"]) == (9, True)
    assert len(answer["mismatches"]) == 2


def test_a_failure_says_what_to_run_next(command_line: CommandLine) -> None:
    """The command has the options of this one, and the id quoted for a shell."""
    shown = command_line.run("--database", "a-b", "check", backend="wrong").stdout

    assert shown.rstrip().endswith("--database a-b explain plain BTC")


def test_a_user_that_is_not_there_is_said_to_be(command_line: CommandLine) -> None:
    """A misspelt id is not taken for a healthy one."""
    human = command_line.run("check", "--user", "nobody", backend="fine")
    machine = command_line.run("check", "--user", "nobody", "--json", backend="fine")

    assert human.returncode == 0
    assert "NOTHING FOUND: there is no account of user nobody: check the spelling" in human.stdout
    assert document(machine.stdout)["note"].startswith("there is no account")


def test_explain_shows_the_copies_side_by_side(command_line: CommandLine) -> None:
    """Every copy has its row, what differs is marked, and the exit code is 3."""
    human = command_line.run("explain", "u1", "BTC", backend="wrong")
    answer = document(command_line.run("explain", "u1", "BTC", "--json", backend="wrong").stdout)

    assert human.returncode == 3
    assert human.stdout.startswith("OUT OF SYNC: ")
    assert "wallets (truth)" in human.stdout
    assert "! available -1.99999999" in human.stdout
    assert answer["deltas"]["crypto_balances"] == {"available": -1.99999999, "locked": 0}
    assert answer["deltas"]["internal_balances"] is None


def test_explain_says_that_nothing_was_found(command_line: CommandLine) -> None:
    """An account without copies and postings may be a spelling mistake."""
    human = command_line.run("explain", "u1", "BTC", backend="fine")
    machine = command_line.run("explain", "u1", "BTC", "--json", backend="fine")

    assert human.returncode == 2
    assert "there is no account of user u1 and currency BTC" in human.stdout
    assert document(machine.stdout)["found"] is False


def test_db_init_lists_duplicates_and_is_not_met(command_line: CommandLine) -> None:
    """Duplicates are accounts to look at, not a stack trace: exit 3."""
    human = command_line.run("db", "init", backend="wrong")
    machine = command_line.run("db", "init", "--json", backend="wrong")
    index = document(machine.stdout)["indexes"][0]

    assert (human.returncode, machine.returncode) == (3, 3)
    assert human.stdout.startswith("NOT READY: ")
    assert "two\\nlines BTC: 2 documents" in human.stdout
    assert "and 2 more" in human.stdout
    assert (index["state"], index["duplicate_count"]) == ("blocked", 3)
    assert command_line.run("db", "status", backend="fine").returncode == 0


@pytest.mark.parametrize(
    "words,told",
    [
        (["check", "--limit", "0"], "--limit"),
        (["check", "--limit", "many"], "--limit"),
        (["check", "--nope"], "--nope"),
        (["check", "--user="], "--user is empty"),
        (["check", "--database", "a b"], "--database"),
        (["--database", "a b", "check"], "--database"),
        (["--log-level", "loud", "check"], "--log-level"),
        (["--config", "none.toml", "check"], "file none.toml: cannot be read"),
        (["explain", "u1"], "currency"),
        (["explain", "u1", ""], "CURRENCY is empty"),
        (["check", "--user", "\udcff"], "--user is not UTF-8 text"),
        (["frobnicate"], "frobnicate"),
        (["db"], "Missing command"),
        (["db", "init", "--nope"], "Try reconciler db init --help."),
    ],
)
def test_wrong_usage_is_short_and_ends_with_2(
    command_line: CommandLine, words: list[str], told: str
) -> None:
    """Nothing on standard output, and what is wrong in a few lines."""
    human = command_line.run(*words, backend="fine")

    assert human.returncode == 2
    assert human.stdout == ""
    assert told in human.stderr
    assert len(human.stderr.splitlines()) <= 4


@pytest.mark.parametrize(
    "words", [["check", "--limit", "0"], ["--database", "a b", "check"], ["frobnicate"]]
)
def test_wrong_usage_with_json_is_one_document(command_line: CommandLine, words: list[str]) -> None:
    """It is on standard output, as any result is."""
    machine = command_line.run(*words, "--json", backend="fine")
    answer = document(machine.stdout)

    assert machine.returncode == 2
    assert (answer["status"], answer["error"]["kind"]) == ("error", "usage")
    assert answer["exit_code"] == 2


def test_wrong_settings_end_with_2_and_show_no_secret(command_line: CommandLine) -> None:
    """The complaint names the variable and not its value."""
    ended = command_line.run(
        "check", "--json", environment={"RECONCILER_MONGO__URI": "postgres://u:hunter2@h"}
    )

    assert ended.returncode == 2
    assert "RECONCILER_MONGO__URI" in document(ended.stdout)["error"]["message"]
    assert "hunter2" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("words", [["check"], ["explain", "u1", "BTC"], ["db", "status"]])
def test_without_a_server_everything_is_incomplete(
    command_line: CommandLine, words: list[str]
) -> None:
    """Exit 4 with the reason, in words or as one document, and never the password."""
    human = command_line.run(*words, environment=NOBODY_LISTENS)
    machine = command_line.run(*words, "--json", environment=NOBODY_LISTENS)

    assert (human.returncode, machine.returncode) == (4, 4)
    assert "INCOMPLETE: " in human.stdout + human.stderr
    assert document(machine.stdout)["status"] == "incomplete"
    for stream in (human.stdout, human.stderr, machine.stdout, machine.stderr):
        assert "hunter2" not in stream
        assert "Traceback" not in stream


def test_a_bug_ends_with_1_and_its_traceback_is_in_the_log_alone(
    command_line: CommandLine,
) -> None:
    """One document on standard output; the log on standard error has no local variable."""
    ended = command_line.run("check", "--json", backend="buggy")
    logged = [json.loads(line) for line in ended.stderr.splitlines()]

    assert ended.returncode == 1
    assert document(ended.stdout)["error"]["kind"] == "unexpected"
    assert [line["event"] for line in logged] == ["unexpected_error"]
    assert logged[0]["exception"][0]["exc_type"] == "RuntimeError"
    assert "hunter2" not in ended.stderr


@pytest.mark.parametrize("number,code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("as_json", [False, True])
def test_a_signal_ends_it_in_good_order(
    command_line: CommandLine, number: signal.Signals, code: int, as_json: bool
) -> None:
    """The exit code says which; the last line, or the one document, does too."""
    words = ["check", "--json"] if as_json else ["check"]
    with command_line.start(*words, backend="slow") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "started\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=20)

    assert process.returncode == code
    assert "Traceback" not in err
    if as_json:
        assert number.name in document(out)["reason"]
    else:
        assert number.name in err.splitlines()[-1]


@pytest.mark.parametrize("words", ["check", "check --json"])
def test_a_reader_may_leave_early(command_line: CommandLine, words: str) -> None:
    """A closed pipe is no error: nothing is complained about, and the verdict stays."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            command_line.argv("wrong", words.split()),
            env=command_line.environment(),
            stdout=writer,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=30,
            check=False,
        )
    finally:
        os.close(writer)

    assert ended.stderr == ""
    assert ended.returncode == 3


def test_a_full_disk_is_told(command_line: CommandLine) -> None:
    """A result that nobody can read is no success, and no traceback either."""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            command_line.argv("fine", ["check", "--json"]),
            env=command_line.environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=30,
            check=False,
        )

    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("no_colour", [False, True])
def test_colours_and_progress_are_for_terminals(command_line: CommandLine, no_colour: bool) -> None:
    """On a terminal the verdict is coloured unless NO_COLOR is set; logs do not drown it."""
    ours, theirs = pty.openpty()
    changes = {"TERM": "xterm", "COLUMNS": "100"} | ({"NO_COLOR": "1"} if no_colour else {})
    try:
        process = subprocess.Popen(
            command_line.argv("wrong", ["check"]),
            env=command_line.environment(changes),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:
                break
            if not chunk:
                break
            shown += chunk
        process.wait(timeout=30)
    finally:
        os.close(ours)

    assert process.returncode == 3
    assert b"INTEGRITY FAILURE" in shown
    assert (b"\x1b[1;31m" in shown) is not no_colour
    assert b"scan_started" not in shown


def test_a_narrow_terminal_loses_nothing(command_line: CommandLine) -> None:
    """What does not fit is folded, not cut."""
    shown = command_line.run("check", backend="wrong", environment={"COLUMNS": "70"}).stdout

    assert max(map(len, shown.splitlines()[4:12])) <= 70
    assert "2 copies" in shown.replace("\n", " ") or "copies" in shown


def test_an_ascii_terminal_is_no_error(command_line: CommandLine) -> None:
    """What cannot be shown is escaped."""
    ended = command_line.run(
        "check",
        "--user",
        "Zoë",
        "--currency",
        "漢",
        backend="fine",
        environment={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )

    assert ended.returncode == 0
    assert ended.stdout.isascii()


def test_the_version_is_printed(command_line: CommandLine) -> None:
    """`--version` needs neither settings nor a server."""
    ended = command_line.run("--version", environment={"RECONCILER_NOPE": "1"})

    assert (ended.returncode, ended.stdout[:11]) == (0, "reconciler ")


def test_the_settings_file_is_read(command_line: CommandLine, tmp_path: Path) -> None:
    """By --config, and the next command names it again."""
    path = tmp_path / "config.toml"
    path.write_text('[freeze]\nchecksum_prefix = "MINE_"')

    machine = command_line.run("--config", str(path), "check", "--json", backend="fine")
    human = command_line.run("--config", str(path), "check", backend="wrong")

    assert document(machine.stdout)["checksum"].startswith("MINE_")
    assert f"--config {path} explain plain BTC" in human.stdout
