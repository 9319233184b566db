"""A real MongoDB on loopback for the demo, the tests and the benchmarks."""

from reconciler.embedded.binary import find_mongod
from reconciler.embedded.member import Member
from reconciler.embedded.replica_set import EmbeddedMongo
from reconciler.errors import EmbeddedMongoFailed, MongodNotFound

__all__ = ["EmbeddedMongo", "EmbeddedMongoFailed", "Member", "MongodNotFound", "find_mongod"]
