"""`reconciler lint` as a person and a pipeline run it."""

import json
from pathlib import Path

from tests.e2e.conftest import CommandLine

NO_SERVER = {"RECONCILER_MONGO__URI": "mongodb://127.0.0.1:1/?directConnection=true"}
WRITE = "async def credit(db):\n    await db.wallets.update_one({}, {})\n"


def test_findings_end_with_exit_3(command_line: CommandLine, tmp_path: Path) -> None:
    """As text they say where and what to do; as JSON they are one document; no server is asked."""
    (tmp_path / "a.py").write_text(WRITE)
    shown = command_line.run("lint", "a.py", environment=NO_SERVER)
    machine = command_line.run("lint", "--format", "json", ".", environment=NO_SERVER)

    assert shown.returncode == machine.returncode == 3
    assert shown.stdout.startswith("a.py:2: credit writes wallets by update_one: post it through")
    assert json.loads(machine.stdout)["findings"] == [
        {
            "file": "a.py",
            "line": 2,
            "function": "credit",
            "collection": "wallets",
            "operation": "update_one",
        }
    ]


def test_clean_code_is_0_and_unreadable_code_is_4(
    command_line: CommandLine, tmp_path: Path
) -> None:
    """Not having looked everywhere is not clean; a path that is not there is wrong usage."""
    (tmp_path / "a.py").write_text("async def f(db):\n    return await db.wallets.find_one({})\n")
    clean = command_line.run("lint", ".")
    (tmp_path / "b.py").write_text("def f(:\n")
    broken = command_line.run("lint", ".")
    missing = command_line.run("lint", "--format", "json", "nowhere")

    assert (clean.returncode, broken.returncode, missing.returncode) == (0, 4, 2)
    assert "b.py:1: is not Python that can be parsed" in broken.stdout
    assert json.loads(missing.stdout)["error"]["kind"] == "usage"


def test_a_baseline_only_goes_down(command_line: CommandLine, tmp_path: Path) -> None:
    """Known writes pass, a new one fails and is not taken in unless it is forced."""
    source, words = tmp_path / "a.py", ("lint", "a.py", "--baseline", "known.json")
    source.write_text(WRITE)
    without = command_line.run(*words)
    made = command_line.run(*words, "--write-baseline")
    source.write_text("# moved\n\n" + WRITE)
    moved = command_line.run(*words)
    source.write_text(WRITE + WRITE.replace("credit", "debit"))
    more = command_line.run(*words, "--write-baseline")
    forced = command_line.run(*words, "--write-baseline", "--force")

    codes = [each.returncode for each in (without, made, moved, more, forced)]
    assert codes == [2, 0, 0, 3, 0]
    assert "1 known by the baseline" in moved.stdout
    assert more.stdout.startswith("a.py:4: debit writes")
    source.write_text("")
    fewer = command_line.run(*words)
    assert fewer.returncode == 0
    assert "has 0 of 1 known writes" in fewer.stdout


def test_no_baseline_is_written_of_half_a_search(command_line: CommandLine, tmp_path: Path) -> None:
    """Nothing is called known that no file holds, and the reason and the way out are said."""
    (tmp_path / "a.py").write_text(WRITE)
    (tmp_path / "b.py").write_text("def f(:\n")
    words = ("lint", ".", "--baseline", "known.json", "--write-baseline")
    half = command_line.run(*words)
    whole = command_line.run(*words, "--exclude", "b.py")

    assert (half.returncode, whole.returncode) == (3, 0)
    assert half.stdout.startswith("a.py:2: credit writes wallets")
    assert "known by the baseline" not in half.stdout
    assert "known.json was not written" in half.stderr
    assert "--exclude" in half.stderr
    assert "1 known by the baseline" in whole.stdout


def test_configured_collections_and_formats(command_line: CommandLine, tmp_path: Path) -> None:
    """The mapping of the settings says what is searched for; an allowance lets a write pass."""
    (tmp_path / "a.py").write_text(
        "def f(db):\n    db.purses.drop()\n    db.wallets.drop()\n"
        "    # reconciler: allow-write tests only\n    db.books.drop()\n"
    )
    tables = '[{"name": "purses"}, {"name": "books"}]'
    settings = {"RECONCILER_COLLECTIONS": tables, "RECONCILER_SOURCE_OF_TRUTH": "purses"}
    github = command_line.run("lint", "a.py", "--format", "github", environment=settings)
    sarif = command_line.run("lint", "a.py", "--format", "sarif", environment=settings)

    assert github.stdout.splitlines()[0].startswith("::error file=a.py,line=2,")
    assert len(github.stdout.splitlines()) == 1
    assert len(json.loads(sarif.stdout)["runs"][0]["results"]) == 1
