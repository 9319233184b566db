"""What the watch needs of a database, and the values that go between them.

How changes are read, and how a copy's owner is found, is known behind these Protocols alone.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from reconciler.model.bypassing import BypassingPage, BypassingWrite, WriteOperation
from reconciler.model.finding import FindingState, Sighting, Transition
from reconciler.model.identity import Account
from reconciler.model.scan_record import ScanRecord
from reconciler.scanning.ports import SeenKey

# Where a stream stands; it means nothing here, and is handed back as it came.
Position = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventName:
    """What names an event, and sorts by time; and when it was, by the database's clock."""

    event_id: str
    time: datetime


@dataclass(slots=True)
class CopyWritten:
    """One write to a balance collection.

    `key` is whose copy it is, where the event says so. `may_have_moved` says that the document may
    have been another account's before. `transaction` is the same for all writes of one, and None
    outside of any. `name` names the event, which is asked for few of them.
    """

    name: Callable[[], EventName]
    collection: str
    operation: WriteOperation
    document: Hashable
    key: SeenKey | None
    may_have_moved: bool
    transaction: Hashable | None


@dataclass(slots=True)
class EntryWritten:
    """One journal entry that was written: the accounts for which it answers."""

    transaction: Hashable | None
    keys: tuple[SeenKey, ...]


@dataclass(slots=True)
class CollectionChanged:
    """A collection was dropped, or renamed from or to its name: what it holds is another thing."""

    collection: str
    what: str


Event = CopyWritten | EntryWritten | CollectionChanged


@dataclass(frozen=True, slots=True)
class Batch:
    """What came next in the stream, in order, and where it stands behind that.

    `is_last` says that nothing more was there at that moment; `behind_seconds` is how much older
    the last event is than what the server did last. `is_over` says that no more will come: the
    database was dropped.
    """

    events: Sequence[Event]
    position: Position
    is_last: bool
    behind_seconds: float
    is_over: bool = False


class ChangeStream(Protocol):
    """An open stream. Its methods may raise `ReadInterrupted`, `CannotLook` or `PositionLost`."""

    @property
    def position(self) -> Position:
        """Where it stands."""

    async def read(self, *, wait_seconds: float) -> Batch:
        """Give what is there, or wait so long for something."""

    async def close(self) -> None:
        """Tell the server that no more is wanted, if it can be told."""


class ChangeSource(Protocol):
    """Opens streams of what is written to the balances and the journal."""

    async def open(self, position: Position | None) -> ChangeStream:
        """Open one behind a position; None begins with what is written from now on.

        Raises:
            PositionLost: it cannot go on there.
            UnsupportedServer: this server keeps no history to stream.
            ReadInterrupted, CannotLook: it could not be opened.
        """


class Positions(Protocol):
    """Where the position is kept, beside the lease."""

    async def load(self) -> Position | None:
        """Give the last one; None if there is none.

        Raises:
            ReadInterrupted, CannotLook: it could not be read.
        """

    async def store(self, position: Position, *, token: int) -> None:
        """Keep one.

        Raises:
            Fenced: the lease has gone to another holder. ReadInterrupted, CannotLook: as above.
        """


class Owners(Protocol):
    """Says whose copy a document is."""

    async def find(
        self, documents: Mapping[str, Sequence[Hashable]]
    ) -> Mapping[tuple[str, Hashable], SeenKey]:
        """Find documents, by collection; those that are gone are not in the answer.

        Raises:
            ReadInterrupted, CannotLook: they could not be read.
        """

    def account_of(self, key: SeenKey) -> Account | None:
        """Name the account; None for a document that belongs to none."""

    def text_of(self, document: Hashable) -> str:
        """Write a document's `_id` for people."""


class BypassingWrites(Protocol):
    """Where writes past the library are kept. Its methods may raise as those above."""

    async def add(self, writes: Sequence[BypassingWrite]) -> Sequence[BypassingWrite]:
        """Keep writes; give those that were not kept before."""

    async def page(self, *, before: str | None, limit: int) -> BypassingPage:
        """List them, the youngest first, those whose id is below `before`."""


class WatchedFindings(Protocol):
    """Where findings are kept, as far as the watch asks; see `scanning.records`."""

    async def open_among(self, keys: Sequence[str]) -> Mapping[str, FindingState]:
        """Tell which of these keys have an open finding, and its state."""

    async def note(
        self, record: ScanRecord, *, sightings: Sequence[Sighting], cleared: Sequence[str]
    ) -> Sequence[Transition]:
        """Write down what was seen; give what became of the findings."""
