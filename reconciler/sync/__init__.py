"""The core sync library: the only code that changes a balance; all four copies or none."""
