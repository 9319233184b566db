"""What a source says, and not how it is laid out: its syntax tree as a text.

Comments, docstrings, `pass` and layout do not count; any other change does. The text is the same
under every supported Python.
"""

import ast
from collections.abc import Iterator

_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_EMPTY: tuple[object, ...] = (None, [])


def normal_form(node: object) -> str:
    """Write a syntax tree as text that is the same under every supported Python.

    Empty fields are left out, because newer versions add fields (`type_params` in 3.12), and so is
    the `kind` of a constant, which is how it was spelled.
    """
    if isinstance(node, ast.AST):
        fields = (
            f"{name}={normal_form(value)}" for name, value in _fields(node) if value not in _EMPTY
        )
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(map(normal_form, node))}]"
    return f"{type(node).__name__}:{node!r}"


def statements_of(body: list[ast.stmt]) -> list[ast.stmt]:
    """Give the statements of a body that do something: neither its docstring nor a `pass`."""
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            body = rest
    return [statement for statement in body if not isinstance(statement, ast.Pass)]


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
            value = statements_of(node.body)
        elif name == "body" and isinstance(value, list):
            value = [each for each in value if not isinstance(each, ast.Pass)]
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
