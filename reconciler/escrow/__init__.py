"""The P2P reference write path: how an application makes its own writes with a posting's.

A client of `reconciler.sync` like any other; it knows neither the driver nor the storage.
"""
