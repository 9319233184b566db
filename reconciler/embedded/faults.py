"""What can go wrong with a server of our own."""


class MongodNotFound(Exception):
    """No `mongod` binary can be run here; the message says how to get one."""


class EmbeddedMongoFailed(Exception):
    """A server of our own did not start, or is not there any more; ends with its last log lines."""
