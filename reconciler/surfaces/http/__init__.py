"""The HTTP interface: what is asked is checked here, and done by the running daemon."""
