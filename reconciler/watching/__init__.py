"""Sees drift about a second after the write: follows the stream of changes, checks what changed."""
