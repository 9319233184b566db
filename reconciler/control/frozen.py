"""What the frozen code is now: read from where the package is, and taken to its digest."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.machinery import all_suffixes
from pathlib import Path

import reconciler
from reconciler.control.imports import OURS, NotFreezable, closure
from reconciler.control.units import VERSION, VERSION_PATH, digest_of, text_digest, units_of

FROZEN_PACKAGE = "reconciler/sync"
SPECIFICATION = "docs/PAYMENT_SYNC_SPEC.md"
FREEZE_FILE = "freeze.toml"
EVIDENCE_FOLDER = "freezes"
CHECKSUM_DIGITS = 9

# A wheel carries the documents here, laid out as in a checkout.
_SHIPPED = "control/record"


@dataclass(frozen=True, slots=True)
class FrozenCode:
    """The pieces of the frozen code with their digests, and the one digest over all of them."""

    units: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The digest over all pieces, as 64 hex digits."""
        return digest_of(self.units)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the frozen code is, and where the documents about it are.

    `sources` is the folder that holds `reconciler/`; `documents` the one that holds `freeze.toml`,
    `freezes/`, `docs/` and `scripts/`: the same one in a checkout.
    """

    sources: Path
    documents: Path

    @property
    def is_checkout(self) -> bool:
        """Whether a freeze can be proposed here: an installed package is not changed."""
        return self.sources == self.documents

    @property
    def freeze_path(self) -> Path:
        """Where `freeze.toml` is."""
        return self.documents / FREEZE_FILE

    def frozen_code(self) -> FrozenCode:
        """Read the code as it is now.

        Raises:
            NotFreezable: it cannot be read, or imports what its source does not say.
        """
        return frozen_code(_Sources(self.sources), _read(self.documents, SPECIFICATION))


def installed_place() -> Place:
    """Give the place of the package that is running."""
    package = Path(reconciler.__file__).resolve().parent
    shipped = package / _SHIPPED
    return Place(package.parent, shipped if shipped.is_dir() else package.parent)


def frozen_code(sources: Mapping[str, str], specification: str) -> FrozenCode:
    """Take the sources of ours, by path, and the specification to the pieces that are frozen.

    The number of a release does not count as long as no frozen code reads it.

    Raises:
        NotFreezable: what is imported cannot be told from a source.
    """
    paths = closure(sources, FROZEN_PACKAGE)
    reads_version = any(VERSION in sources[path] for path in paths if path != VERSION_PATH)
    units = {SPECIFICATION: text_digest(specification)}
    for path in paths:
        units |= units_of(path, sources[path], counts_version=path != VERSION_PATH or reads_version)
    return FrozenCode(units)


@functools.cache
def running_code() -> FrozenCode:
    """Give the frozen code of the running package, read once in a process.

    Raises:
        NotFreezable: it cannot be read.
    """
    return installed_place().frozen_code()


def checksum(prefix: str) -> str:
    """Give the checksum of the running package's frozen code: the prefix and nine hex digits."""
    return prefix + running_code().digest[:CHECKSUM_DIGITS]


class _Sources(Mapping[str, str]):
    """What can be imported below a folder, each source read when it is asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._paths = frozenset(path.relative_to(root).as_posix() for path in _importable(root))

    def __getitem__(self, path: str) -> str:
        if path not in self._paths:
            raise KeyError(path)
        return _read(self._root, path)

    def __contains__(self, path: object) -> bool:
        return path in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def _importable(root: Path) -> Iterator[Path]:
    """Give the files that Python imports: sources, and what is compiled already."""
    suffixes = tuple(all_suffixes())
    for path in (root / OURS).rglob("*"):
        if path.is_symlink() and path.is_dir():
            raise NotFreezable(f"{path.relative_to(root)} is a link to a folder: it is not frozen")
        # Python holds what is in its cache against the sources.
        if path.name.endswith(suffixes) and path.parent.name != "__pycache__":
            yield path


def _read(root: Path, path: str) -> str:
    try:
        return (root / path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise NotFreezable(
            f"{path} is part of what is frozen and cannot be read: {reason}"
        ) from error
