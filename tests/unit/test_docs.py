"""What the documents name must be there, and what is there must be named."""

import re
from pathlib import Path

import pytest

import reconciler.errors
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
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)


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
