"""What is frozen: everything of ours that is imported, however it is written."""

import pytest

from reconciler.control.imports import NotFreezable, closure
from tests.unit.control.repository import SOURCES

PACKAGE = "reconciler/sync"


def frozen_with(line: str, **others: str) -> list[str]:
    """The files that are frozen when a file of the package has this line."""
    sources = {**SOURCES, "reconciler/sync/post.py": line, **others}
    return [path for path in closure(sources, PACKAGE) if not path.startswith(PACKAGE)]


def test_the_closure_holds_what_is_imported_and_nothing_else() -> None:
    """Directly, within a function, the packages above; not what nobody imports."""
    assert closure(SOURCES, PACKAGE) == sorted(set(SOURCES) - {"reconciler/other.py"})


@pytest.mark.parametrize(
    "line",
    [
        "import reconciler.other",
        "import reconciler.other as o",
        "from reconciler import other",
        "from reconciler.other import x",
        "from reconciler.other import *",
        "from .. import other",
        "from ..other import x",
        "def f():\n    from ..other import x",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from reconciler import other",
        "import importlib\nimportlib.import_module('reconciler.other')",
        "from importlib import import_module\nimport_module('reconciler.other')",
        "import importlib\nimportlib.import_module('..other', __package__)",
        "__import__('reconciler.other')",
        "try:\n    import reconciler.other\nexcept ImportError:\n    pass",
    ],
)
def test_an_import_counts_wherever_it_stands(line: str) -> None:
    """At the top, in a function, for the type checker alone, by a call."""
    assert "reconciler/other.py" in frozen_with(line)


def test_what_an_import_imports_counts_too() -> None:
    """And what that imports; a star takes every module of a package."""
    deep = {"reconciler/a.py": "from reconciler.deep import *", "reconciler/deep/__init__.py": ""}
    found = frozen_with("import reconciler.a", **deep, **{"reconciler/deep/b.py": "y = 2"})

    assert {"reconciler/a.py", "reconciler/deep/__init__.py", "reconciler/deep/b.py"} <= set(found)


@pytest.mark.parametrize(
    "line",
    [
        "import importlib\nimportlib.import_module(name)",
        "import importlib\nimportlib.import_module('reconciler.' + name)",
        "import importlib\nload = importlib.import_module",
        "from importlib import import_module as load",
        "load = __import__",
        "import importlib.util",
        "from importlib import util",
        "import runpy",
        "exec(text)",
        "eval('1')",
        "import sys\nsys.modules['reconciler.other']",
        "import reconciler.gone",
        "from ....other import x",
        "import reconciler.other, (",
    ],
)
def test_what_only_a_running_program_knows_cannot_be_frozen(line: str) -> None:
    """It is refused, with the file."""
    with pytest.raises(NotFreezable, match="reconciler/sync/post"):
        frozen_with(line)
