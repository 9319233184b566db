"""The daemon: scans on a schedule, knows where the exchange stands, and stops in good order."""
