"""Reads the sources, lays them over each other, and says what is wrong all at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reconciler.errors import InvalidMapping
from reconciler.settings.problems import InvalidSettings, Location, Problem, complaints_of
from reconciler.settings.sections import Settings
from reconciler.settings.sources import (
    CONFIG_VARIABLE,
    Source,
    Table,
    dotted,
    from_options,
    read_environment,
    read_file,
)


def load_settings(
    *,
    environment: Mapping[str, str],
    config_file: Path | None = None,
    options: Mapping[str, tuple[str, Any]] | None = None,
) -> Settings:
    """Load the settings: file, overlaid by environment, overlaid by options.

    `options` goes from an option's name to its dotted key and its value, None for one that was not
    given: `{"--database": ("mongo.database", "exchange")}`. Without `config_file` the variable
    RECONCILER_CONFIG names the file, if any.

    Raises:
        InvalidSettings: with every problem found, and no value of any setting.
    """
    named = environment.get(CONFIG_VARIABLE)
    path = config_file or (Path(named) if named else None)
    sources = [read_file(path)] if path else []
    sources += [read_environment(environment), from_options(options or {})]
    problems = [problem for source in sources for problem in source.problems]
    settings = _validated(sources, problems)
    if problems or settings is None:
        raise InvalidSettings(problems)
    return settings


def _validated(sources: Sequence[Source], problems: list[Problem]) -> Settings | None:
    table: Table = {}
    for source in sources:
        table = _over(table, source.table)
    try:
        settings = Settings(**table)
        settings.mappings()
    except ValidationError as error:
        problems += [_problem(sources, *complaint) for complaint in complaints_of(error)]
    except InvalidMapping as error:
        problems.append(_problem(sources, ("collections",), str(error)))
    else:
        return settings
    return None


def _over(lower: Table, upper: Table) -> Table:
    """Lay one table over another, key by key; lists are replaced whole."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        merged[key] = _over(below, value) if both else value  # type: ignore[arg-type]
    return merged


def _problem(sources: Sequence[Source], location: Location, what: str) -> Problem:
    """Name the source that gave the value: the last one that holds it, or what is around it."""
    for length in range(len(location), 0, -1):
        for source in reversed(sources):
            if source.holds(location[:length]):
                return Problem(source.name, source.key_of(location), what)
    return Problem("defaults", dotted(location), what)
