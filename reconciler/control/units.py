"""The pieces of frozen code that are named when they change, each with its digest.

A piece is a function of a module or of a class, with its decorators and its signature; a class
without its functions; a module without both; and the specification. What stands in a function
belongs to it.
"""

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.control.imports import parsed
from reconciler.control.normal_form import normal_form, statements_of

MODULE_BODY = "module body"
CLASS_BODY = "class body"
VERSION_PATH = "reconciler/__init__.py"
VERSION = "__version__"

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Difference:
    """A piece that is not as it was frozen; `change` is `changed`, `added` or `removed`."""

    unit: str
    change: str

    def __str__(self) -> str:
        """Say it in words: `reconciler/sync/poster.py: BalancePoster.post changed`."""
        return f"{self.unit} {self.change}"


def units_of(path: str, text: str, *, counts_version: bool = True) -> dict[str, str]:
    """Give the digest of each piece of a source, by `path: Class.function`.

    Args:
        path: the source's path.
        text: the source.
        counts_version: whether the number in `__version__ = "…"` counts.

    Raises:
        NotFreezable: it is no Python.
    """
    module = parsed(path, text)
    if not counts_version:
        module.body = [each for each in module.body if not _is_version(each)]
    names: Counter[str] = Counter()
    units: dict[str, str] = {}
    for name, form in _pieces(module, ""):
        names[name] += 1
        # A property's getter and setter have one name.
        number = f" ({names[name]})" if names[name] > 1 else ""
        units[f"{path}: {name}{number}"] = _sha256(form)
    return units


def digest_of(units: Mapping[str, str]) -> str:
    """Give the one digest over all pieces, as 64 hex digits."""
    return _sha256("".join(f"{units[unit]}  {unit}\n" for unit in sorted(units)))


def text_digest(text: str) -> str:
    """Give the digest of a document; line ends and white space before them do not count."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return _sha256("\n".join(lines).rstrip("\n") + "\n")


def differences(frozen: Mapping[str, str], current: Mapping[str, str]) -> Sequence[Difference]:
    """Say what is not as it was frozen, in order of the pieces' names."""
    found = []
    for unit in sorted({*frozen, *current}):
        if unit not in current:
            found.append(Difference(unit, "removed"))
        elif unit not in frozen:
            found.append(Difference(unit, "added"))
        elif frozen[unit] != current[unit]:
            found.append(Difference(unit, "changed"))
    return found


def _pieces(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, str]]:
    """Give the name and text of each piece; what is a piece of its own leaves its name behind."""
    rest: list[str] = []
    for statement in statements_of(node.body):
        if isinstance(statement, _Function):
            rest.append(f"def:{statement.name!r}")
            yield prefix + statement.name, normal_form(statement)
        elif isinstance(statement, ast.ClassDef):
            rest.append(f"class:{statement.name!r}")
            yield from _pieces(statement, f"{prefix}{statement.name}.")
        else:
            rest.append(normal_form(statement))
    if isinstance(node, ast.Module):
        yield MODULE_BODY, f"[{','.join(rest)}]"
        return
    head = ast.ClassDef(**{**dict(ast.iter_fields(node)), "body": []})
    yield f"{prefix.removesuffix('.')} ({CLASS_BODY})", f"{normal_form(head)}[{','.join(rest)}]"


def _is_version(statement: ast.stmt) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str())):
            return name == VERSION
    return False


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
