"""What a mutant is: a small, named, reviewed patch, and the ordinary tests that must notice it."""

from dataclasses import dataclass
from pathlib import Path


class StalePatch(Exception):
    """The source no longer contains a patch's old text exactly once."""


@dataclass(frozen=True)
class Edit:
    """One replacement in one file; `old` must be found there exactly once."""

    file: str
    old: str
    new: str

    def applied_to(self, text: str) -> str:
        """Give the broken text.

        Raises:
            StalePatch: `old` is not there exactly once, or the edit changes nothing.
        """
        count = text.count(self.old)
        if count != 1 or self.old == self.new:
            raise StalePatch(f"{self.file}: found {count} times: {self.old!r}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Mutant:
    """One way to break the source, what that breaks, and the tests (pytest arguments) to run."""

    name: str
    breaks: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]

    @property
    def modules(self) -> tuple[str, ...]:
        """The dotted names of the modules that are broken."""
        return tuple(
            dict.fromkeys(
                edit.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
                for edit in self.edits
            )
        )

    def apply(self, root: Path) -> None:
        """Break the tree at `root`.

        Raises:
            StalePatch: an edit does not fit; the tree may be broken in part by then.
        """
        for edit in self.edits:
            path = root / edit.file
            if not path.is_file():
                raise StalePatch(f"{edit.file} is not there")
            path.write_text(edit.applied_to(path.read_text()))
