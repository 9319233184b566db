"""The checksum of the frozen code: what it says, not how it is laid out.

SHA-256 over the syntax trees of all files of `reconciler.sync`. Comments, docstrings and layout do
not count; any other change does.
"""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

FROZEN_PACKAGE = "reconciler.sync"
CHECKSUM_DIGITS = 9

_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def checksum(prefix: str) -> str:
    """Give the checksum of the installed sync library: the prefix and nine hex digits."""
    return prefix + digest_of(installed_sources())[:CHECKSUM_DIGITS]


def installed_sources() -> dict[str, str]:
    """Read the sync library's source from where it is installed, by relative path."""
    return dict(_sources(files(FROZEN_PACKAGE), ""))


def digest_of(sources: Mapping[str, str]) -> str:
    """Give the SHA-256, as hex digits, over the syntax trees of sources in order of their paths."""
    digest = hashlib.sha256()
    for path in sorted(sources):
        form = normal_form(ast.parse(sources[path]))
        digest.update(f"{path}\0{form}\0".encode())
    return digest.hexdigest()


def normal_form(node: object) -> str:
    """Write a syntax tree as text that is the same under every supported Python.

    Empty fields are left out, because newer versions add fields (`type_params` in 3.12), and so is
    the `kind` of a constant, which is how it was spelled.
    """
    if isinstance(node, ast.AST):
        fields = (
            f"{name}={normal_form(value)}"
            for name, value in _fields(node)
            if value is not None and value != []
        )
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(map(normal_form, node))}]"
    return f"{type(node).__name__}:{node!r}"


def _fields(node: ast.AST) -> Iterator[tuple[str, object]]:
    if isinstance(node, ast.Constant):
        # A constant None is a value here, not an empty field.
        yield "value", f"{type(node.value).__name__}:{node.value!r}"
        return
    if isinstance(node, ast.JoinedStr):
        yield "values", _joined(node.values)
        return
    for name, value in sorted(ast.iter_fields(node)):
        if name == "body" and isinstance(node, _WITH_DOCSTRING):
            value = _without_docstring(node.body)
        yield name, value


def _joined(values: list[ast.expr]) -> list[object]:
    """Join the texts of an f-string: versions cut them differently, some with empty pieces."""
    joined: list[object] = []
    for value in values:
        text = value.value if isinstance(value, ast.Constant) else None
        if not isinstance(text, str):
            joined.append(value)
        elif joined and isinstance(joined[-1], str):
            joined[-1] += text
        elif text:
            joined.append(text)
    return joined


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            return rest
    return body


def _sources(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield prefix + entry.name, entry.read_text(encoding="utf-8")
