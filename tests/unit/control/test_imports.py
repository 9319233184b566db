"""What is frozen: everything of ours that is imported, however it is written."""

import re

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
        "import builtins\nbuiltins.exec(text)",
        "from builtins import exec as run",
        "__builtins__['exec'](text)",
        "from sys import modules",
        "from importlib import resources",
        "import reconciler.gone",
        "from ....other import x",
        "import reconciler.other, (",
    ],
)
def test_what_only_a_running_program_knows_cannot_be_frozen(line: str) -> None:
    """It is refused, with the file."""
    with pytest.raises(NotFreezable, match="reconciler/sync/post"):
        frozen_with(line)


def test_a_package_is_imported_before_a_module_of_its_name() -> None:
    """The folder is what is frozen, as it is what runs."""
    found = frozen_with("import reconciler.other", **{"reconciler/other/__init__.py": "x = 2"})

    assert "reconciler/other/__init__.py" in found
    assert "reconciler/other.py" not in found


@pytest.mark.parametrize(
    "path",
    [
        "reconciler/other.cpython-311-x86_64-linux-gnu.so",
        "reconciler/other.abi3.so",
        "reconciler/other/__init__.pyc",
        "reconciler/sync/__init__.so",
    ],
)
def test_what_is_compiled_cannot_stand_before_a_source(path: str) -> None:
    """Python would import it, and nobody could see what it does."""
    with pytest.raises(NotFreezable, match=re.escape(path)):
        frozen_with("import reconciler.other", **{path: ""})


@pytest.mark.parametrize("encoding", ["utf-7", "unicode_escape", "latin-1"])
def test_a_source_is_what_python_reads(encoding: str) -> None:
    """A comment that names another encoding could make code of comments."""
    with pytest.raises(NotFreezable, match="utf-8"):
        frozen_with(f"# -*- coding: {encoding} -*-\n# +AAo-x = 2\nx = 1\n")


def test_a_source_may_say_that_it_is_in_utf_8() -> None:
    """That is what it is read as."""
    assert "reconciler/other.py" in frozen_with("# coding: utf-8\nimport reconciler.other")
