"""Writes measured figures into `docs/performance.md`, between its markers."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Section

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


class MarkerMissing(Exception):
    """The page has no place for a section."""


def write(page: Path, sections: Sequence[Section], machine: dict[str, Any], command: str) -> None:
    """Replace what stands between the markers of each section."""
    text = page.read_text()
    for section in sections:
        text = replaced(text, section.name, _text_of(section, machine, command))
    page.write_text(text)


def replaced(text: str, name: str, content: str) -> str:
    """Put content between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`.

    Raises:
        MarkerMissing: the two are not there exactly once.
    """
    begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    place = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if len(place.findall(text)) != 1:
        raise MarkerMissing(f"the page needs {begin} and {end} exactly once")
    return place.sub(lambda _: f"{begin}\n{content}\n{end}", text)


def _text_of(section: Section, machine: dict[str, Any], command: str) -> str:
    origin = (
        f"Measured on {machine['time'][:10]} by `{command}`: {machine['cores']} cores "
        f"({machine['processor']}), {machine['memory_gb']:g} GB, {machine['system']}, "
        f"MongoDB {machine['mongodb']}, PyMongo {machine['pymongo']}, Python {machine['python']}; "
        f"server and client share the machine (load before: {machine['load_average'][0]:.1f})."
    )
    parts = [origin, *(table.as_markdown() for table in section.tables)]
    parts += [
        "\n".join(
            f"- {'Met' if bar.is_met else '**Missed**'}: {bar.what}, wanted {bar.wanted}, "
            f"observed {bar.observed}."
            for bar in section.bars
        )
    ]
    return "\n\n".join(part for part in parts if part)
