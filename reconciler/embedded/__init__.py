"""A real MongoDB on loopback for the demo, the tests and the benchmarks."""

from reconciler.embedded.binary import find_mongod
from reconciler.embedded.faults import EmbeddedMongoFailed, MongodNotFound
from reconciler.embedded.member import Member
from reconciler.embedded.replica_set import EmbeddedMongo

__all__ = ["EmbeddedMongo", "EmbeddedMongoFailed", "Member", "MongodNotFound", "find_mongod"]
