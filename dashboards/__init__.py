"""The Grafana dashboards, made with Grafana's own SDK: `python -m dashboards` writes the JSON.

Only Prometheus is asked, and only for the metrics that the daemon exports.
"""
