"""Mutants: the source broken on purpose, one way at a time, which the ordinary tests must notice.

`make mutants` runs them. A mutant that survives is a promise that no test keeps.
"""
