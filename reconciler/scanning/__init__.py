"""What is wrong: ranges, comparison, confirmation. Shares no code with the sync library."""
