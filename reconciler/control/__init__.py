"""Change control: what the frozen code is."""

from reconciler.control.checksum import checksum

__all__ = ["checksum"]
