"""The commands that a reader is told to run next, ready to be pasted."""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.model.identity import Account
from reconciler.surfaces.escape import shell_quoted

_SAFE_TYPES = frozenset({"string", "objectId"})


@dataclass(frozen=True, slots=True)
class Invocation:
    """How this program was called: its name, and the options that the next call needs as well."""

    program: str = "reconciler"
    options: tuple[str, ...] = ()

    def command(self, *words: str) -> str:
        """Write a command line, each argument quoted."""
        return " ".join([self.program, *map(shell_quoted, (*self.options, *words))])

    def explain(self, account: Account) -> str:
        """Write the command that explains an account."""
        return self.command("explain", *_after_options([*_words(account)]))

    def check(self, account: Account) -> str:
        """Write the command that checks an account again."""
        user_id, currency = _words(account)
        return self.command("check", f"--user={user_id}", f"--currency={currency}")


def program_name() -> str:
    """Give the program as it was called, `.venv/bin/reconciler` if that is below here."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shell_quoted(_shown_path(Path(sys.executable)))} -m reconciler"
    return shell_quoted(_shown_path(called))


def can_be_named(account: Account) -> bool:
    """Whether an account can be given on a command line at all: its id is a text."""
    return account.user_id.bson_type in _SAFE_TYPES and account.currency.bson_type == "string"


def _shown_path(path: Path) -> str:
    if os.sep not in str(path):
        return str(path)
    # Not resolved: the python of a .venv is a link to another one.
    try:
        return str(Path(os.path.abspath(path)).relative_to(Path.cwd()))  # noqa: PTH100
    except ValueError:
        is_on_path = shutil.which(path.name) == str(path)
        return path.name if is_on_path else os.path.abspath(path)  # noqa: PTH100


def _words(account: Account) -> tuple[str, str]:
    return account.user_id.text, account.currency.text


def _after_options(words: Sequence[str]) -> list[str]:
    return ["--", *words] if any(word.startswith("-") for word in words) else list(words)
