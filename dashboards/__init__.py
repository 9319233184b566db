"""The Grafana dashboards, made with Grafana's own SDK: `python -m dashboards` writes the JSON.

Only Prometheus is asked, and only for the metrics that the daemon exports.
"""

import warnings

# The SDK warns at import that there is a newer schema, which only the newest Grafana can import.
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "Prefer using dashboardv2", DeprecationWarning)
    import grafana_foundation_sdk.builders.dashboard
    import grafana_foundation_sdk.builders.stat  # noqa: F401 -- the other schemas
