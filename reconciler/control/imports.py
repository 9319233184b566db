"""Everything of ours that a package imports, directly or not, as its source says.

An import counts wherever it stands: at the top, in a function, under TYPE_CHECKING, as a call of
`import_module` with a literal name. What only a running program could say is refused, because it
could not be frozen.
"""

import ast
import io
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.errors import ReconcilerError

OURS = "reconciler"

# A call of one of these with a literal name is an import like any other.
_IMPORTERS = frozenset({"import_module", "__import__"})
# What runs code whose source cannot be seen, or finds modules without naming them.
_RUNS_UNSEEN_CODE = frozenset({"exec", "eval", "compile", "__builtins__"})
_HIDDEN_IMPORTERS = frozenset(
    {
        "importlib.util",
        "importlib.machinery",
        "importlib.abc",
        "importlib.resources",
        "builtins",
        "sys.modules",
        "runpy",
        "pkgutil",
        "imp",
        "zipimport",
    }
)


class NotFreezable(ReconcilerError):
    """Frozen code imports what its source does not say; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class _Module:
    """A module of ours that is looked at: its path, its name, and the package it is in."""

    path: str
    name: str
    package: str


def closure(sources: Mapping[str, str], package: str) -> list[str]:
    """List the paths of a package's files and of all files of ours that they import.

    Args:
        sources: every source of ours by its path, `reconciler/model/amounts.py`.
        package: the folder to begin with, `reconciler/sync`.

    Raises:
        NotFreezable: what is imported cannot be told from the source, or is not there.
    """
    todo = [path for path in sources if path.startswith(f"{package}/") and path.endswith(".py")]
    found: set[str] = set()
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found.add(path)
        _hold_unshadowed(path, sources)
        todo += _packages_of(path, sources)
        todo += _imported(_module_of(path), sources)
    return sorted(found)


def parsed(path: str, text: str) -> ast.Module:
    """Parse a source.

    Raises:
        NotFreezable: it is no Python, or Python would read it as another text than this one.
    """
    try:
        # A comment can name an encoding in which what is a comment here is code.
        encoding, _ = tokenize.detect_encoding(io.BytesIO(text.encode()).readline)
        if encoding != "utf-8":
            raise NotFreezable(f"{path} is written in {encoding}: frozen code is written in utf-8")
        return ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise NotFreezable(f"{path} cannot be parsed: {error}") from error


def _hold_unshadowed(path: str, sources: Mapping[str, str]) -> None:
    """Refuse what Python would import before this source, and whose source cannot be seen."""
    stem = path.removesuffix(".py")
    for other in sources:
        if other.endswith(".py"):
            continue
        if other.startswith((f"{stem}.", f"{stem}/__init__.")):
            raise NotFreezable(f"{other} is imported in the place of {path}: remove it")


def _module_of(path: str) -> _Module:
    name = path.removesuffix(".py").replace("/", ".")
    if name.endswith(".__init__"):
        name = name.removesuffix(".__init__")
        return _Module(path, name, name)
    return _Module(path, name, name.rpartition(".")[0])


def _packages_of(path: str, sources: Mapping[str, str]) -> Iterator[str]:
    """Give the `__init__` of each package above: importing a module runs them."""
    folders = path.split("/")[:-1]
    for count in range(1, len(folders) + 1):
        init = "/".join([*folders[:count], "__init__.py"])
        if init in sources:
            yield init


def _imported(module: _Module, sources: Mapping[str, str]) -> Iterator[str]:
    tree = parsed(module.path, sources[module.path])
    calls = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files(alias.name, module, node, sources)
        elif isinstance(node, ast.ImportFrom):
            yield from _from(node, module, sources)
        elif isinstance(node, ast.Call) and _called(node.func) in _IMPORTERS:
            yield from _files(_literal_name(node, module), module, node, sources)
        elif _is_hidden(node, calls):
            raise _refused(module, node, "imports or runs code that its source does not name")


def _from(node: ast.ImportFrom, module: _Module, sources: Mapping[str, str]) -> Iterator[str]:
    base = _absolute("." * node.level + (node.module or ""), module, node)
    if base == "importlib" and any(
        alias.name in _IMPORTERS and alias.asname is not None for alias in node.names
    ):
        raise _refused(module, node, "gives import_module another name")
    yield from _files(base, module, node, sources)
    for alias in node.names:
        if alias.name == "*":
            yield from _submodules(base, sources)
        else:
            yield from _files(f"{base}.{alias.name}", module, node, sources, is_name=True)


def _files(
    name: str,
    module: _Module,
    node: ast.stmt | ast.expr,
    sources: Mapping[str, str],
    *,
    is_name: bool = False,
) -> Iterator[str]:
    """Give the file of a module; of ours there must be one, unless it may be a name in a module."""
    if name in _HIDDEN_IMPORTERS:
        raise _refused(module, node, f"imports {name}, which imports without naming what")
    if name.split(".", maxsplit=1)[0] != OURS:
        return
    folder = name.replace(".", "/")
    # Python takes a package before a module of the same name.
    for path in (f"{folder}/__init__.py", f"{folder}.py"):
        if path in sources:
            yield path
            return
    if not is_name and not any(path.startswith(f"{folder}/") for path in sources):
        raise _refused(module, node, f"imports {name}, which is not there")


def _submodules(package: str, sources: Mapping[str, str]) -> Iterator[str]:
    """Give every module in a package: a star takes at most these."""
    folder = package.replace(".", "/") + "/"
    for path in sources:
        if path.startswith(folder) and path.endswith(".py"):
            yield path


def _called(func: ast.expr) -> str | None:
    if isinstance(func, ast.Name):
        return func.id
    return func.attr if isinstance(func, ast.Attribute) else None


def _literal_name(call: ast.Call, module: _Module) -> str:
    match call.args:
        case [ast.Constant(value=str() as name)] if not call.keywords:
            return _absolute(name, module, call)
        case [ast.Constant(value=str() as name), ast.Name(id="__package__")] if not call.keywords:
            return _absolute(name, module, call)
    raise _refused(module, call, "imports a module whose name only the running program knows")


def _absolute(name: str, module: _Module, node: ast.stmt | ast.expr) -> str:
    """Resolve the dots before a name."""
    bare = name.lstrip(".")
    dots = len(name) - len(bare)
    if not dots:
        return name
    parents = module.package.split(".")
    if dots > len(parents):
        raise _refused(module, node, f"imports {name}, which is above the package")
    return ".".join([*parents[: len(parents) - dots + 1], *([bare] if bare else [])])


def _is_hidden(node: ast.AST, calls: set[int]) -> bool:
    if isinstance(node, ast.Attribute):
        if node.attr == "modules" and isinstance(node.value, ast.Name):
            return node.value.id == "sys"
        return node.attr in _IMPORTERS and id(node) not in calls
    if isinstance(node, ast.Name):
        if node.id in _RUNS_UNSEEN_CODE:
            return True
        return node.id in _IMPORTERS and id(node) not in calls
    return False


def _refused(module: _Module, node: ast.AST, what: str) -> NotFreezable:
    line = getattr(node, "lineno", 0)
    return NotFreezable(f"{module.path}, line {line}: {what}: frozen code cannot")
