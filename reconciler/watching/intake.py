"""Takes events in: which accounts changed, and which writes no journal entry accounts for."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.bypassing import (
    BypassingWrite,
    JudgedWrite,
    WriteOperation,
    judge_writes,
)
from reconciler.scanning.ports import SeenKey
from reconciler.watching.grouping import Grouping, WrittenTogether
from reconciler.watching.observer import ScanWanted, WatchObserver
from reconciler.watching.pending import PendingAccounts
from reconciler.watching.ports import (
    Batch,
    BypassingWrites,
    CollectionChanged,
    CopyWritten,
    Owners,
)

# Of so many documents is remembered whose copy they are, for when they are deleted.
KNOWN_MAX = 20_000

WantScan = Callable[[ScanWanted, str], None]


class KnownOwners:
    """Whose copy a document was when it was seen last: a deletion does not say it."""

    def __init__(self, documents_max: int = KNOWN_MAX) -> None:
        self._documents_max = documents_max
        self._owners: OrderedDict[tuple[str, Hashable], SeenKey] = OrderedDict()

    def remember(self, collection: str, document: Hashable, key: SeenKey) -> None:
        """Keep an owner; the one seen longest ago makes room."""
        place = (collection, document)
        self._owners[place] = key
        self._owners.move_to_end(place)
        if len(self._owners) > self._documents_max:
            self._owners.popitem(last=False)

    def pop(self, collection: str, document: Hashable) -> SeenKey | None:
        """Give an owner and forget it; None if it is not known."""
        return self._owners.pop((collection, document), None)

    def forget(self, collection: str) -> None:
        """Forget all documents of a collection: it is another one now."""
        for place in [place for place in self._owners if place[0] == collection]:
            del self._owners[place]


@dataclass(slots=True)
class _Doubtful:
    """A group with writes that are bypassing, or may be."""

    group: WrittenTogether
    bypassing: set[int]
    unclear: set[int]


class Intake:
    """Takes the batches of one stream.

    Args:
        pending: gets the accounts that changed.
        owners: says whose copy a document is.
        known: remembers that; it outlives the stream.
        bypassing: where writes past the library are kept.
        observer: is told of them.
        want_scan: asks for a full scan where an account cannot be known.
        now: the time of day.
    """

    def __init__(
        self,
        pending: PendingAccounts,
        owners: Owners,
        known: KnownOwners,
        bypassing: BypassingWrites,
        observer: WatchObserver,
        *,
        want_scan: WantScan,
        now: Callable[[], datetime],
    ) -> None:
        self._pending = pending
        self._owners = owners
        self._known = known
        self._bypassing = bypassing
        self._observer = observer
        self._want_scan = want_scan
        self._now = now
        self._grouping = Grouping()

    @property
    def oldest_mark(self) -> int | None:
        """The batch of the oldest event that was not taken to its end; None if there is none."""
        return self._grouping.open_mark

    async def take(self, batch: Batch, *, mark: int, at: float) -> None:
        """Take a batch; a transaction is taken once what follows it is known, or that nothing does.

        Raises:
            ReadInterrupted, CannotLook: the database could not be asked; take the stream up again.
        """
        groups: list[WrittenTogether] = []
        for event in batch.events:
            if isinstance(event, CollectionChanged):
                self._known.forget(event.collection)
                detail = f"{event.collection}: {event.what}"
                self._want_scan(ScanWanted.COLLECTION_CHANGED, detail)
            else:
                groups += self._grouping.take(event, mark=mark)
        if not batch.events:
            groups += self._grouping.end()
        doubtful = [found for group in groups if (found := self._judged(group, at, batch))]
        if doubtful:
            await self._decide(doubtful, at, batch)

    def _judged(self, group: WrittenTogether, at: float, batch: Batch) -> _Doubtful | None:
        """Note the accounts of the entries; give the group if they do not account for all of it."""
        accounts = group.accounts
        if accounts is not None:
            for key in accounts.values():
                self._touch(key, group, at, batch)
        verdicts = judge_writes([_judgeable(write) for write in group.writes], accounts)
        if verdicts.bypassing or verdicts.unclear:
            return _Doubtful(group, set(verdicts.bypassing), set(verdicts.unclear))
        if accounts is not None and len(accounts) == 1:
            (key,) = accounts.values()
            for write in group.writes:
                self._known.remember(write.collection, write.document, key)
        return None

    async def _decide(self, doubtful: Sequence[_Doubtful], at: float, batch: Batch) -> None:
        await self._look_up(doubtful)
        bypassing: list[BypassingWrite] = []
        for each in doubtful:
            writes = each.group.writes
            if each.unclear:
                judged = [
                    _judgeable(write, is_looked_up=number in each.unclear)
                    for number, write in enumerate(writes)
                ]
                each.bypassing = set(judge_writes(judged, each.group.accounts).bypassing)
            for number in sorted(each.bypassing):
                bypassing.append(self._bypassed(writes[number], each.group, at, batch))
        new = await self._bypassing.add(bypassing) if bypassing else ()
        if new:
            self._observer.bypassing(new)

    async def _look_up(self, doubtful: Sequence[_Doubtful]) -> None:
        """Find the owners of the documents that are still there."""
        unowned = [
            write
            for each in doubtful
            for number, write in enumerate(each.group.writes)
            if number in each.bypassing | each.unclear
            and write.key is None
            and write.operation is not WriteOperation.DELETE
        ]
        if not unowned:
            return
        documents: dict[str, list[Hashable]] = {}
        for write in unowned:
            documents.setdefault(write.collection, []).append(write.document)
        found = await self._owners.find(documents)
        for write in unowned:
            write.key = found.get((write.collection, write.document))

    def _bypassed(
        self, write: CopyWritten, group: WrittenTogether, at: float, batch: Batch
    ) -> BypassingWrite:
        """Note the accounts that a write has changed, and give what is kept of it."""
        before = self._known.pop(write.collection, write.document)
        is_gone = write.operation is WriteOperation.DELETE
        key = before if is_gone else write.key
        for each in (before, key):
            if each is not None:
                self._touch(each, group, at, batch)
        if key is not None and not is_gone:
            self._known.remember(write.collection, write.document, key)
        has_left = is_gone or write.may_have_moved or (key is not None and not key.is_account)
        if has_left and before is None:
            detail = f"{write.operation} in {write.collection}: whose copy it was is not known"
            self._want_scan(ScanWanted.UNKNOWN_OWNER, detail)
        name = write.name()
        return BypassingWrite(
            write_id=name.event_id,
            collection=write.collection,
            operation=write.operation,
            document_id=self._owners.text_of(write.document),
            account=None if key is None else self._owners.account_of(key),
            time=name.time,
            seen_at=self._now(),
        )

    def _touch(self, key: SeenKey, group: WrittenTogether, at: float, batch: Batch) -> None:
        self._pending.touch(key, mark=group.mark, now=at, behind_seconds=batch.behind_seconds)


def _judgeable(write: CopyWritten, *, is_looked_up: bool = False) -> JudgedWrite:
    key = write.key
    return JudgedWrite(
        write.collection,
        write.operation,
        write.document,
        None if key is None else key.order,
        is_owner_known=is_looked_up or key is not None,
    )
