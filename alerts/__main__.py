"""Writes the rules and the Alertmanager configuration beside this package, or where it is told."""

import argparse
from pathlib import Path

from alerts.routing import Routing, alertmanager_file
from alerts.rules import Places, as_yaml, rule_file
from alerts.timing import Timing

RULES = "reconciler.rules.yml"
ALERTMANAGER = "alertmanager.yml"


def write(
    folder: Path,
    *,
    timing: Timing | None = None,
    places: Places | None = None,
    routing: Routing | None = None,
) -> None:
    """Write both files into a folder."""
    rules = as_yaml(rule_file(timing or Timing(), places or Places()))
    (folder / RULES).write_text(rules, encoding="utf-8")
    alertmanager = as_yaml(alertmanager_file(routing or Routing()))
    (folder / ALERTMANAGER).write_text(alertmanager, encoding="utf-8")


def main(words: list[str] | None = None) -> None:
    """Write what the options say."""
    parser = argparse.ArgumentParser(prog="python -m alerts", description=__doc__)
    places, routing = Places(), Routing()
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    parser.add_argument("--job", default=places.job, help="the scrape job of the daemons")
    parser.add_argument("--runbooks-url", default=places.runbooks_url)
    parser.add_argument("--dashboards-url", default=places.dashboards_url)
    parser.add_argument("--escalation-contact", default=places.escalation_contact)
    parser.add_argument("--receivers-url", default=routing.receivers_url)
    chosen = parser.parse_args(words)
    if not chosen.folder.is_dir():
        parser.error(f"there is no folder {str(chosen.folder)!r} to write to; make it first")
    write(
        chosen.folder,
        places=Places(
            chosen.job,
            chosen.runbooks_url,
            chosen.dashboards_url,
            chosen.escalation_contact,
        ),
        routing=Routing(chosen.receivers_url),
    )


if __name__ == "__main__":
    main()
