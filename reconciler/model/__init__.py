"""Pure values and decisions: no I/O, no clock, no logging, no settings.

Nothing of ours is imported but this package, and money is `decimal.Decimal` all through. A test
imports this package alone and holds it to the promise.
"""
