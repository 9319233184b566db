"""Change control: what the frozen code is, and whether it still is what was approved."""
