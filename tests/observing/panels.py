"""Reads the committed dashboards as Grafana would, and fills in their variables."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "dashboards").glob("*.json"))
DEFAULTS = {
    "job": "reconciler",
    "instance": ".+",
    "__rate_interval": "1m",
    "__interval": "15s",
}


@dataclass(frozen=True, slots=True)
class Target:
    """One query of one panel, or of an annotation, as it is written."""

    dashboard: str
    title: str
    expression: str

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.title}"

    def filled(self, **variables: str) -> str:
        """The expression as Prometheus gets it."""
        text = self.expression
        for name, value in (DEFAULTS | variables).items():
            text = text.replace(f"${name}", value)
        assert "$" not in text, f"a variable that nothing fills in: {text}"
        return text


def read(path: Path) -> dict[str, Any]:
    """The dashboard in a file."""
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def panel_targets() -> Iterator[Target]:
    """Every query of every panel."""
    for path in FILES:
        for panel in read(path)["panels"]:
            for target in panel["targets"]:
                yield Target(path.stem, panel["title"], target["expr"])


def annotation_targets() -> Iterator[Target]:
    """Every query for marks on the time axis."""
    for path in FILES:
        for annotation in read(path)["annotations"]["list"]:
            yield Target(path.stem, annotation["name"], annotation["expr"])
