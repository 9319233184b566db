"""Change control: what the frozen code is."""
