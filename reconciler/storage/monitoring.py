"""Tells how long MongoDB's commands take, and on which collection they work."""

from typing import Any, Protocol

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

# Commands on no collection, on one of another database, or whose beginning is forgotten.
NO_COLLECTION = "other"
# Of a cancelled command the driver may never tell the end: past so many the oldest is forgotten.
UNDER_WAY_MAX = 1_000
_MICROSECONDS = 1_000_000


class OperationObserver(Protocol):
    """Is told of each command. It must return at once, and must not raise."""

    def operation_finished(
        self, collection: str, operation: str, seconds: float, *, failed: bool
    ) -> None:
        """The server answered a command, or it failed; `operation` is the command's name."""


class OperationListener(CommandListener):
    """Listens to the driver; the collection is in what begins a command, the time in what ends it.

    Args:
        observer: is told of each command.
        database: the one whose collections are told by name.
    """

    def __init__(self, observer: OperationObserver, *, database: str) -> None:
        self._observer = observer
        self._database = database
        self._collections: dict[int, str] = {}

    def started(self, event: CommandStartedEvent) -> None:
        """Keep the name of the collection until the command ends."""
        while len(self._collections) >= UNDER_WAY_MAX:
            del self._collections[next(iter(self._collections))]
        self._collections[event.request_id] = self._collection_of(event)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Tell of a command that was answered."""
        self._tell(event, failed=False)

    def failed(self, event: CommandFailedEvent) -> None:
        """Tell of a command that failed."""
        self._tell(event, failed=True)

    def _tell(self, event: CommandSucceededEvent | CommandFailedEvent, *, failed: bool) -> None:
        self._observer.operation_finished(
            self._collections.pop(event.request_id, NO_COLLECTION),
            event.command_name,
            event.duration_micros / _MICROSECONDS,
            failed=failed,
        )

    def _collection_of(self, event: CommandStartedEvent) -> str:
        if event.database_name != self._database:
            return NO_COLLECTION
        field = "collection" if event.command_name == "getMore" else event.command_name
        # What carries credentials comes without its content.
        name: Any = event.command.get(field)
        return name if isinstance(name, str) else NO_COLLECTION
