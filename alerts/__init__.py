"""Prometheus rules and the Alertmanager configuration: `python -m alerts` writes both.

They are generated so that a test can run the same rules faster, and each name is written once.
"""
