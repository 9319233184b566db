"""What an import pulls in, seen in an interpreter of its own."""

import ast
import subprocess
import sys

from tests.unit.test_house import PACKAGE, named

# The library's users have their own; the names are those of the modules.
FORBIDDEN_TO_THE_LIBRARY = {
    "aiohttp",
    "apscheduler",
    "click",
    "django",
    "fastapi",
    "flask",
    "prometheus_client",
    "pydantic",
    "pydantic_settings",
    "rich",
    "simplejson",
    "starlette",
    "structlog",
    "typer",
    "uvicorn",
}
OURS_FOR_THE_LIBRARY = ("reconciler.errors", "reconciler.model", "reconciler.sync")
# Pure computation alone: nothing here can reach a file, a socket, a clock or a log.
STANDARD_FOR_THE_MODEL = {
    "collections",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "hashlib",
    "hmac",
    "ipaddress",
    "itertools",
    "json",
    "re",
    "types",
    "typing",
    "unicodedata",
}


def modules_after(statement: str) -> set[str]:
    """The modules that an interpreter has once it ran a statement and that it had not before."""
    program = f"import sys; before = set(sys.modules); {statement}; "
    program += "print(*sorted(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.split())


def ours_within(modules: set[str], allowed: tuple[str, ...]) -> set[str]:
    return {
        module
        for module in modules
        if module.startswith("reconciler.")
        and not any(module == name or module.startswith(f"{name}.") for name in allowed)
    }


def test_the_library_brings_no_framework_along() -> None:
    """An application that imports `reconciler.sync` gets PyMongo and nothing else with it."""
    modules = modules_after("import reconciler.sync")

    assert {module.partition(".")[0] for module in modules} & FORBIDDEN_TO_THE_LIBRARY == set()
    assert ours_within(modules, OURS_FOR_THE_LIBRARY) == set()
    assert "pymongo" in modules


def test_the_model_stands_alone() -> None:
    """The model imports the standard library and itself."""
    names = [path.stem for path in (PACKAGE / "model").glob("*.py") if path.stem != "__init__"]
    modules = modules_after(f"from reconciler.model import {', '.join(names)}")
    others = {module.partition(".")[0] for module in modules} - set(sys.stdlib_module_names)

    assert others == {"reconciler"}
    assert ours_within(modules, ("reconciler.model",)) == set()
    assert "reconciler.model.change" in modules


def test_the_model_can_reach_nothing_outside() -> None:
    """Of the standard library too, the model imports only what computes."""
    foreign = set()
    for path in (PACKAGE / "model").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            roots = {name.partition(".")[0] for name in names} - {"reconciler"}
            foreign |= {f"{named(path)}: {root}" for root in roots - STANDARD_FOR_THE_MODEL}

    assert foreign == set()
