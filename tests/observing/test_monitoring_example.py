"""What docs/monitoring.md tells a newcomer to start is what is there, and works."""

import re

import pytest
import yaml

from tests.observing.panels import ROOT
from tests.observing.tools import output_of

EXAMPLE = ROOT / "alerts" / "prometheus.example.yml"
DOCUMENT = (ROOT / "docs" / "monitoring.md").read_text()


def test_prometheus_takes_the_example() -> None:
    """`promtool check config` takes the example, and finds the rules beside it."""
    said = output_of("promtool", "check", "config", EXAMPLE)

    assert "1 rule files found" in said
    assert "reconciler.rules.yml" in said


def test_the_example_scrapes_and_tells_where_the_document_says() -> None:
    """The daemon's and Alertmanager's addresses are those of the document's commands."""
    example = yaml.safe_load(EXAMPLE.read_text())
    (scraped,) = example["scrape_configs"]
    (target,) = scraped["static_configs"][0]["targets"]
    (told,) = example["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]

    assert scraped["job_name"] == "reconciler"
    assert f"curl -s http://{target}/metrics" in DOCUMENT
    assert f"--web.listen-address={told}" in DOCUMENT


@pytest.mark.parametrize("program", ["prometheus", "prometheus-alertmanager"])
def test_the_document_names_options_that_there_are(program: str) -> None:
    """Each option in a command of the document is one of the program's, each file is there."""
    (command,) = re.findall(rf"^{program} (--(?:.|\\\n)+?[^\\])$", DOCUMENT, re.MULTILINE)
    known = output_of(program, "--help")
    options = re.findall(r"(--[\w.-]+)=", command)

    assert len(options) >= 3
    assert [each for each in options if each not in known] == []
    (config,) = re.findall(r"--config\.file=(\S+)", command)
    assert (ROOT / config).is_file()
