"""The indexes on records of our own, and what to say where one is not there."""

from collections.abc import Sequence

from pymongo import IndexModel
from pymongo.errors import OperationFailure

from reconciler.model.schema import RECORD_INDEXES, RecordIndex
from reconciler.storage.calls import Calls, Database

BUILD_SECONDS_MAX = 60.0
_NO_SUCH_COLLECTION = 26


async def make_record_indexes(database: Database, calls: Calls | None = None) -> None:
    """Make those that are missing; safe to repeat, and to do twice at once.

    Raises:
        ReadInterrupted, CannotLook: they could not be made.
    """
    bounds = calls or Calls(deadline_seconds=BUILD_SECONDS_MAX)
    for collection in dict.fromkeys(index.collection for index in RECORD_INDEXES):
        wanted = [_model(each) for each in RECORD_INDEXES if each.collection == collection]
        async with bounds.bounded(collection, is_write=True):
            await database[collection].create_indexes(wanted)


async def missing_record_indexes(database: Database, calls: Calls) -> Sequence[RecordIndex]:
    """List those that are not there, by their names.

    Raises:
        ReadInterrupted, CannotLook: it could not be read.
    """
    there = set()
    for collection in dict.fromkeys(index.collection for index in RECORD_INDEXES):
        async with calls.bounded(collection):
            try:
                names = await database[collection].index_information()
            except OperationFailure as error:
                if error.code != _NO_SUCH_COLLECTION:
                    raise
                names = {}
        there |= {(collection, name) for name in names}
    return [each for each in RECORD_INDEXES if (each.collection, each.name) not in there]


def _model(index: RecordIndex) -> IndexModel:
    keys = [(field, 1) for field in index.fields]
    if index.expires:
        return IndexModel(keys, name=index.name, expireAfterSeconds=0)
    return IndexModel(keys, name=index.name)
