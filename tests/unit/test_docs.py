"""What the documents name must be there, and what is there must be named."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

import reconciler.errors
from reconciler.model.repair import Guard
from reconciler.surfaces.cli.app import build_app
from tests.unit.test_house import ROOT

DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of a language; those of none are plain text and commands."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)
    return [text for named, text in blocks if named == language]


@pytest.mark.parametrize("error", reconciler.errors.__all__)
def test_every_error_is_documented(error: str) -> None:
    """Whoever meets an error finds out whether anything was written and what to do."""
    assert re.search(rf"^#+ `{error}`", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_link_leads_somewhere(path: Path) -> None:
    """A link to a file of this repository names one that is there."""
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    missing = [
        target for target in targets if "://" not in target and not (path.parent / target).exists()
    ]

    assert missing == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_make_target_named_is_one(path: Path) -> None:
    """`make something` in a document is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = path.read_text()
    named = set(re.findall(r"`make ([a-z]+)", text)) | set(
        re.findall(r"^make ([a-z]+)", text, re.MULTILINE)
    )

    assert named - targets == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_module_named_is_there(path: Path) -> None:
    """A path of the source in a document is one of a file or a folder."""
    named = set(re.findall(r"`((?:reconciler|tests|docs|scripts)/[\w/.]*)`", path.read_text()))

    assert [each for each in sorted(named) if not (ROOT / each).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_python_example_compiles(path: Path) -> None:
    """An example can be pasted: it is correct Python, and what it imports from us is there."""
    for block in code_blocks(path, "python"):
        compile(block, name(path), "exec")
        for module, names in re.findall(r"^from (reconciler[\w.]*) import (.+)$", block, re.M):
            exec(f"from {module} import {names}", {})


def test_decisions_are_numbered_without_gaps() -> None:
    """Each decision has a number, a title that repeats it, and says what was decided and why."""
    assert [path.name[:5] for path in ADRS] == [f"{n:04}-" for n in range(1, len(ADRS) + 1)]
    for path in ADRS:
        text = path.read_text()

        assert text.startswith(f"# {int(path.name[:4])}. ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Why", "Decision", "Price"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_the_commands_of_a_document_are_there(path: Path) -> None:
    """Each command line in a block names a command and options that there are."""
    root = typer.main.get_command(build_app())
    blocks = "\n".join(code_blocks(path, ""))
    lines = re.findall(r"^(?:\.venv/bin/)?reconciler (.+?)(?:\s+#.*)?$", blocks, re.MULTILINE)

    assert lines or path != ROOT / "README.md"
    for line in lines:
        command: Any = root
        for word in line.partition("|")[0].split():
            if word in getattr(command, "commands", {}):
                command = command.commands[word]
            elif word.startswith("-"):
                assert word in {option for each in command.params for option in each.opts}, line
            else:
                assert command is not root, f"no command {word}"


@pytest.mark.parametrize("guard", Guard)
def test_every_guard_says_what_to_do(guard: Guard) -> None:
    """The table of the repair has a row for each guard, in the order in which they are asked."""
    page = (ROOT / "docs/repair.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    (actions,) = [what.strip() for named, _, what in rows if named == guard.value]

    assert actions
    assert [row[0] for row in rows if row[0] in list(Guard)] == [each.value for each in Guard]


def test_every_decision_is_in_the_index() -> None:
    """Each is a line of the index, under its number and with its own title."""
    index = (ROOT / "docs/adr/README.md").read_text()
    titles = [path.read_text().partition("\n")[0].partition(". ")[2] for path in ADRS]

    assert re.findall(r"^(\d+)\. \[(.+?)\]\((.+?)\)$", index, re.MULTILINE) == [
        (str(n), title, path.name)
        for n, (title, path) in enumerate(zip(titles, ADRS, strict=True), start=1)
    ]
