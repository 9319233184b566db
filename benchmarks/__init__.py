"""Measurements against a real server: `make bench`."""
