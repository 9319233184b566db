"""Metrics for Prometheus, in a registry of their own. The only place that knows its client.

No label holds anything of a user: facts about one account are in findings and log lines.
"""

from reconciler.surfaces.metrics.metrics import Metrics

__all__ = ["Metrics"]
