"""Which dashboards there are, and how one becomes a file."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.findings import build_findings
from dashboards.overview import build_overview
from dashboards.repair_audit import build_repair_audit
from dashboards.write_path import build_write_path

# By the name of the file.
DASHBOARDS: Mapping[str, Callable[[], Dashboard]] = MappingProxyType(
    {
        "overview": build_overview,
        "findings": build_findings,
        "write_path": build_write_path,
        "repair_audit": build_repair_audit,
    }
)


def as_json(dashboard: Dashboard) -> str:
    """Write a dashboard as Grafana imports it, the same text each time."""
    return JSONEncoder(sort_keys=True, indent=2).encode(dashboard) + "\n"


def from_json(text: str) -> Dashboard:
    """Read a file as Grafana's model of a dashboard does."""
    register_default_plugins()
    return Dashboard.from_json(json.loads(text))
