"""The rules of the house that no other tool keeps."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "reconciler"
FILE_LINES_MAX = 350
FUNCTION_LINES_MAX = 50

# Spelled in pieces, so that this file keeps its own rule.
FORBIDDEN = {
    "the host of a package registry": re.compile(
        r"pypi" + r"\.(org|python)|files\.python" + r"hosted|proxy\.golang" + r"\.org"
        r"|registry\.npm" + r"js|^--(extra-)?index" + r"-url|^--find" + r"-links",
        re.MULTILINE,
    ),
    "a path of somebody's machine": re.compile(
        r"(?<![\w.}~])/(work" + r"|root" + r"|home/\w+" + r"|Users/\w+)/"
    ),
}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def committed_files() -> list[Path]:
    """The files that are or would be committed."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def definitions(path: Path) -> Iterator[Definition]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Definition):
            yield node


def public(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Definition]]:
    """Public classes and functions, and the public methods of public classes."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield f"{prefix}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{prefix}{node.name}.")


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_committed_file_names_what_it_must_not(what: str) -> None:
    """Neither a registry's host nor a path of one machine is in any committed file."""
    guilty = [
        f"{named(path)}: {match.group()}"
        for path in committed_files()
        if (match := FORBIDDEN[what].search(path.read_text(errors="replace")))
    ]

    assert guilty == []


def test_every_lock_file_has_hashes_for_every_package() -> None:
    """Each locked requirement has an exact version and at least one hash."""
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        requirements = re.findall(r"^[a-z].*?(?=^[a-z]|\Z)", text, re.MULTILINE | re.DOTALL)

        assert requirements
        assert [r for r in requirements if "==" not in r or "--hash=sha256:" not in r] == []


def test_no_file_is_too_long() -> None:
    """Past the limit there is a second idea in the file."""
    lengths = {named(path): len(path.read_text().splitlines()) for path in sources()}

    assert {name: n for name, n in lengths.items() if n > FILE_LINES_MAX} == {}


def test_no_function_is_too_long() -> None:
    """Past the limit there is a second idea in the function."""
    lengths = {
        f"{named(path)}:{node.lineno} {node.name}": 1
        - node.lineno
        + (node.end_lineno or node.lineno)
        - node.lineno
        + 1
        for path in sources()
        for node in definitions(path)
        if not isinstance(node, ast.ClassDef)
    }

    assert {name: n for name, n in lengths.items() if n > FUNCTION_LINES_MAX} == {}


def test_every_public_name_has_a_docstring() -> None:
    """Modules, and public classes, functions and methods say what they are for."""
    silent = []
    for path in sources():
        tree = ast.parse(path.read_text())
        if not ast.get_docstring(tree):
            silent.append(named(path))
        silent += [
            f"{named(path)}: {name}"
            for name, node in public(tree.body)
            if not ast.get_docstring(node)
        ]

    assert silent == []


def test_no_name_says_nothing() -> None:
    """No `utils`, `helpers`, `manager` or `common`: they name no idea."""
    vague = {"utils", "util", "helpers", "helper", "manager", "common"}

    assert [named(path) for path in sources() if path.stem in vague] == []
    assert [
        named(path) for path in PACKAGE.rglob("*") if path.is_dir() and path.name in vague
    ] == []


def test_every_test_says_what_holds() -> None:
    """The docstring of a test is a sentence: it begins with a capital and ends with a full stop."""
    silent = [
        f"{named(path)}: {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in definitions(path)
        if node.name.startswith("test_")
        and not re.fullmatch(r"[^a-z\s].*[.:](\n.*)?", ast.get_docstring(node) or "", re.DOTALL)
    ]

    assert silent == []


def test_no_float_takes_part_where_money_is_computed() -> None:
    """No `float()` and no float literal with an amount: seconds alone may be floats, in sync."""
    guilty = []
    for path in sources():
        if path.parent.name not in {"model", "sync"}:
            continue
        seconds = _seconds_lines(path)
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id="float")):
                    guilty.append(f"{named(path)}:{node.lineno}")
                case ast.Constant(value=float()) if node.lineno not in seconds:
                    guilty.append(f"{named(path)}:{node.lineno}")

    assert guilty == []


def _seconds_lines(path: Path) -> set[int]:
    """Lines that speak of time; none in the model, which knows no clock."""
    if path.parent.name == "model":
        return set()
    lines = path.read_text().splitlines()
    return {n for n, line in enumerate(lines, 1) if re.search(r"seconds|sleep", line, re.I)}


WRITES = re.compile(
    r"(insert|update|replace|delete)_(one|many)|bulk_write|find_one_and_\w+|drop\w*|rename"
    r"|create_\w*index\w*"
)
MAY_WRITE = {"transaction.py": {"bulk_write"}, "settlement.py": {"insert_one"}}


def test_only_the_session_and_the_fence_write() -> None:
    """No other file of the library calls a writing method: no session can be forgotten there."""
    writing = {
        (path.name, node.func.attr)
        for path in (PACKAGE / "sync").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and WRITES.fullmatch(node.func.attr)
    }

    assert writing == {(name, call) for name, calls in MAY_WRITE.items() for call in calls}


def test_only_known_files_send_commands() -> None:
    """Commands go round the collections: only asking for the server and killing a session do."""
    commanding = {
        path.name
        for path in (PACKAGE / "sync").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"command", "cursor_command"}
    }

    assert commanding == {"carrier.py", "readiness.py"}


def test_only_the_repair_replaces_balances() -> None:
    """`BalanceSync.replace` is for the guarded repair alone, which has one call of it."""
    calls = [
        f"{named(path)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "replace"
        and (len(node.args) > 3 or {"op_id", "before", "after"} & {k.arg for k in node.keywords})
    ]

    assert [call.partition(":")[0] for call in calls] == [
        "reconciler/repairing/applying.py",
        "reconciler/sync/service.py",
    ]
