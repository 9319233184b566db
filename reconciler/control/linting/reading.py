"""Reads the files that are to be searched: the only place of the search that touches the disk."""

import ast
import io
import os
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from reconciler.control.linting.report import Problem
from reconciler.errors import ReconcilerError

FILE_BYTES_MAX = 4_000_000
FILES_MAX = 50_000
_SKIPPED = frozenset({"__pycache__", "node_modules"})


class NothingToSearch(ReconcilerError):
    """A path is not there, or is neither a file nor a directory."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its text, its syntax tree, and where it is."""

    text: str
    tree: ast.Module
    path: PurePosixPath


@dataclass(slots=True)
class Sources:
    """The files that could be read, by the name that they are reported under."""

    by_file: dict[str, Source] = field(default_factory=dict)
    unsearched: list[Problem] = field(default_factory=list)


def read_sources(paths: Sequence[Path], excluded: Sequence[str] = ()) -> Sources:
    """Read files, and all `*.py` below directories.

    Hidden directories, `__pycache__`, `node_modules` and virtual environments are left out, and
    what a glob in `excluded` fits: the whole path as it is reported, its end, or one name in it.

    Raises:
        NothingToSearch: one of the paths is not there.
    """
    for path in paths:
        if not path.is_file() and not path.is_dir():
            raise NothingToSearch(f"{path}: there is no such file or directory to search")
    sources = Sources()
    seen: set[str] = set()
    for path in paths:
        for each in _files(path, excluded, sources.unsearched, seen):
            if len(sources.by_file) >= FILES_MAX:
                what = f"more than {FILES_MAX} files: search parts of it one after the other"
                sources.unsearched.append(Problem(each.as_posix(), 0, what))
                return sources
            _read(each, sources)
    return sources


def _files(
    path: Path, excluded: Sequence[str], problems: list[Problem], seen: set[str]
) -> Iterator[Path]:
    if path.is_file():
        yield from _once(path, excluded, seen)
        return

    def note(error: OSError) -> None:
        problems.append(Problem(str(error.filename), 0, f"cannot be listed: {error.strerror}"))

    for folder, below, files in os.walk(path, onerror=note, followlinks=True):
        below[:] = [
            name for name in sorted(below) if _is_wanted(Path(folder, name), excluded, seen)
        ]
        for name in sorted(files):
            if name.endswith(".py"):
                yield from _once(Path(folder, name), excluded, seen)


def _once(path: Path, excluded: Sequence[str], seen: set[str]) -> Iterator[Path]:
    """Give a file unless it is excluded, or was given under another name."""
    real = os.path.realpath(path)
    if real not in seen and not _is_excluded(path, excluded):
        seen.add(real)
        yield path


def _is_wanted(folder: Path, excluded: Sequence[str], seen: set[str]) -> bool:
    """Whether a directory is gone into; a circle of links is gone round once."""
    is_hidden = folder.name.startswith(".") or folder.name in _SKIPPED
    if is_hidden or _is_excluded(folder, excluded) or (folder / "pyvenv.cfg").is_file():
        return False
    real = os.path.realpath(folder)
    if real in seen:
        return False
    seen.add(real)
    return True


def _is_excluded(path: Path, excluded: Sequence[str]) -> bool:
    shown = path.as_posix()
    return any(
        fnmatch(shown, glob) or fnmatch(path.name, glob) or fnmatch(shown, f"*/{glob.strip('/')}")
        for glob in excluded
    )


def _read(path: Path, sources: Sources) -> None:
    file = path.as_posix()
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            what = f"larger than {FILE_BYTES_MAX} bytes: exclude it if it is generated"
            sources.unsearched.append(Problem(file, 0, what))
            return
        sources.by_file[file] = _parsed(path)
    except OSError as error:
        sources.unsearched.append(Problem(file, 0, f"cannot be read: {error.strerror}"))
    except SyntaxError as error:
        what = f"is not Python that can be parsed here: {error.msg}"
        sources.unsearched.append(Problem(file, error.lineno or 0, what))
    except (ValueError, LookupError):
        sources.unsearched.append(Problem(file, 0, "is not text in the encoding that it declares"))
    except (RecursionError, MemoryError):
        sources.unsearched.append(Problem(file, 0, "is nested too deeply to be parsed"))


def _parsed(path: Path) -> Source:
    raw = path.read_bytes()
    encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
    text = io.TextIOWrapper(io.BytesIO(raw), encoding).read()
    with warnings.catch_warnings():
        # An odd escape in somebody's file is not ours to warn of.
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    return Source(text, tree, PurePosixPath(os.path.abspath(path)))  # noqa: PTH100
