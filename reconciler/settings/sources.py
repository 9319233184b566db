"""Where settings come from: each source as a nested table that remembers how to name its keys."""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.settings.problems import InvalidSettings, Location, Problem, unknown_key
from reconciler.settings.sections import Settings

ENVIRONMENT_PREFIX = "RECONCILER_"
CONFIG_VARIABLE = "RECONCILER_CONFIG"
# Variables with our prefix that are not settings.
_NOT_SETTINGS = frozenset({"CONFIG", "REQUIRE_SERVICES"})
# Tables whose keys are currencies, and lists of tables: JSON in the environment.
_BY_CURRENCY = (("currencies", "scales"), ("valuation", "prices_usd"))
_LISTS = (("collections",), ("api", "tokens"))
_FILE_BYTES_MAX = 1_000_000

Table = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """Settings of one origin; `key_of` writes a location as it is spelled there."""

    name: str
    table: Table
    key_of: Callable[[Location], str]
    problems: tuple[Problem, ...] = field(default=())

    def holds(self, location: Location) -> bool:
        """Whether this source gave a value at the location, or the table around it."""
        at: Any = self.table
        for key in location:
            try:
                at = at[key]
            except (KeyError, IndexError, TypeError):
                return False
        return True


def dotted(location: Location) -> str:
    """Write a location as in TOML: `scan.settle_seconds`, `collections[2].name`."""
    text = ""
    for key in location:
        text += f"[{key + 1}]" if isinstance(key, int) else f".{key}"
    return text.removeprefix(".")


def read_file(path: Path) -> Source:
    """Read a TOML file.

    Raises:
        InvalidSettings: it cannot be read, is too large, or is no TOML.
    """
    name = f"file {path}"
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise _unusable(f"{name}: cannot be read ({error.strerror})") from None
    if len(content) > _FILE_BYTES_MAX:
        raise _unusable(f"{name}: is larger than {_FILE_BYTES_MAX} bytes; is it the right file?")
    try:
        table = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise _unusable(f"{name}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise _unusable(f"{name}: is not TOML: {error}") from None
    return Source(name, table, dotted)


def _unusable(what: str) -> InvalidSettings:
    return InvalidSettings([Problem("", "", what)])


def read_environment(environment: Mapping[str, str]) -> Source:
    """Read the variables with our prefix: `RECONCILER_SCAN__SETTLE_SECONDS=0.5`.

    A variable of a whole table or list holds JSON; one of a single key in it goes over that.
    """
    table: Table = {}
    problems = []
    ours = {
        name.upper().removeprefix(ENVIRONMENT_PREFIX): (name, text)
        for name, text in environment.items()
        if name.upper().startswith(ENVIRONMENT_PREFIX)
    }
    # Shorter names first: a key of a table goes over the table's own variable.
    for key in sorted(ours.keys() - _NOT_SETTINGS, key=lambda key: (key.count("__"), key)):
        name, text = ours[key]
        location = _cased(key)
        if location[0] not in Settings.model_fields:
            problems.append(Problem("environment", name, unknown_key(location[:1])))
            continue
        try:
            place(table, location, _value(location, text))
        except (ValueError, TypeError):
            problems.append(
                Problem("environment", name, "must be JSON here, a table as {…} or a list as […]")
            )
    return Source("environment", table, _variable, tuple(problems))


def _cased(key: str) -> tuple[str, ...]:
    """Make a location of a variable's name; currencies alone are written in capitals."""
    parts = key.split("__")
    table = tuple(part.lower() for part in parts[:2])
    if table in _BY_CURRENCY:
        return (*table, *parts[2:])
    return tuple(part.lower() for part in parts)


def _value(location: Location, text: str) -> Any:
    is_table = len(location) == 1 and location[0] != "source_of_truth"
    if is_table or location in _BY_CURRENCY or location in _LISTS:
        value = json.loads(text)
        if not isinstance(value, list if location in _LISTS else dict):
            raise TypeError("not the right kind of JSON")
        return value
    return text


def _variable(location: Location) -> str:
    return ENVIRONMENT_PREFIX + "__".join(
        f"[{key + 1}]" if isinstance(key, int) else key.upper() for key in location
    )


def from_options(options: Mapping[str, tuple[str, Any]]) -> Source:
    """Take what the command line said: from each option's name to its dotted key and value."""
    table: Table = {}
    names: dict[Location, str] = {}
    for option, (key, value) in options.items():
        if value is not None:
            location = tuple(key.split("."))
            place(table, location, value)
            names[location] = option
    return Source("command line", table, lambda location: names.get(location) or dotted(location))


def place(table: Table, location: tuple[str, ...], value: Any) -> None:
    """Put a value into a nested table, making the tables on the way.

    Raises:
        TypeError: a single value stands where a table is needed.
    """
    *parents, last = location
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise TypeError("a single value stands where a table is needed")
    table[last] = value
