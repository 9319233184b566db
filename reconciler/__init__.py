"""Keeps four MongoDB balance collections in agreement, and proves that they agree."""

__version__ = "0.1.0"
