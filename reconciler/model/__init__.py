"""Pure values and decisions: no I/O, no clock, no logging, no settings, nothing of ours but this package.

Money is `decimal.Decimal` all through. A test imports this package alone and holds it to the promise.
"""
