"""What we compare ourselves with: the obvious ways to do the same."""
