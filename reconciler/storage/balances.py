"""Opens the balance collections for the scanner, on whatever kind of server they are."""

import secrets
import time
from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager

from pymongo import ReadPreference
from pymongo.asynchronous.client_session import AsyncClientSession

from reconciler.errors import DatabaseUnavailable, ReadInterrupted
from reconciler.model.digest import bucketing_for
from reconciler.model.mapping import Mappings
from reconciler.model.report import Consistency
from reconciler.scanning.ports import Bound, KeyRange
from reconciler.storage.bucketing import Choose, ChosenBucketing, KnownIds
from reconciler.storage.calls import QUICK_SECONDS_MAX, Calls, Database
from reconciler.storage.digests import MongoDigests
from reconciler.storage.dividing import RANGE_ACCOUNTS, Dividing
from reconciler.storage.moments import BATCH_DOCUMENTS, MongoMoment
from reconciler.storage.server import Client, Server, probe
from reconciler.storage.wire import CODEC_OPTIONS


class MongoBalanceStore:
    """Opens sources on a database.

    Args:
        database: where the balance collections are.
        mappings: which they are.
        range_accounts: the size at which ranges aim.
        batch_documents: how many documents come at once from each collection.
        choose_bucketing: decides how the digests of a scan divide users into buckets.
        answer_seconds_max: how long the server may take to say what it is.
        monotonic: a clock in seconds, for the deadline.
    """

    def __init__(
        self,
        database: Database,
        mappings: Mappings,
        *,
        range_accounts: int = RANGE_ACCOUNTS,
        batch_documents: int = BATCH_DOCUMENTS,
        choose_bucketing: Choose = bucketing_for,
        answer_seconds_max: float = QUICK_SECONDS_MAX,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        # A snapshot on the primary has every write that was acknowledged before; a secondary lags.
        self._database = database.with_options(
            codec_options=CODEC_OPTIONS, read_preference=ReadPreference.PRIMARY
        )
        self._mappings = mappings
        self._range_accounts = range_accounts
        self._batch_documents = batch_documents
        self._choose_bucketing = choose_bucketing
        self._known_ids = KnownIds()
        self._answer_seconds_max = answer_seconds_max
        self._monotonic = monotonic

    @property
    def client(self) -> Client:
        """The connection, for asking its server how busy it is."""
        return self._database.client

    async def open(self, *, deadline_seconds: float) -> "MongoBalanceSource":
        """Find out what server this is, and bind all reads to a deadline.

        Raises:
            ReadInterrupted: the server did not answer.
            CannotLook: it does not let us in.
        """
        calls = Calls(deadline_seconds=deadline_seconds, monotonic=self._monotonic)
        try:
            seconds = min(calls.remaining(), self._answer_seconds_max)
            server = await probe(self._database.client, deadline_seconds=seconds)
        except DatabaseUnavailable as error:
            raise ReadInterrupted(str(error)) from error
        dividing = Dividing(
            self._database, self._mappings, calls, range_accounts=self._range_accounts
        )
        return MongoBalanceSource(
            self._database,
            self._mappings,
            server,
            calls,
            dividing,
            batch_documents=self._batch_documents,
            bucketing=ChosenBucketing(self._choose_bucketing, dividing.draw_ids, self._known_ids),
        )


class MongoBalanceSource:
    """The balance collections during one scan."""

    def __init__(
        self,
        database: Database,
        mappings: Mappings,
        server: Server,
        calls: Calls,
        dividing: Dividing,
        *,
        batch_documents: int,
        bucketing: ChosenBucketing,
    ) -> None:
        self._database = database
        self._mappings = mappings
        self._server = server
        self._calls = calls
        self._dividing = dividing
        self._batch_documents = batch_documents
        self._bucketing = bucketing

    @property
    def consistency(self) -> Consistency:
        """Whether its moments are snapshots."""
        if self._server.has_snapshots:
            return Consistency.SNAPSHOT
        return Consistency.CONFIRMED_READS

    async def collections(self) -> Mapping[str, Hashable]:
        """Name the mapped collections that exist, with the server's unique id of each."""
        wanted = {"name": {"$in": list(self._mappings.names)}}
        async with self._calls.bounded("the list of collections", is_quick=True):
            cursor = await self._database.list_collections(filter=wanted)
            found = await cursor.to_list()
        return {each["name"]: each.get("info", {}).get("uuid") for each in found}

    async def estimated_accounts(self) -> int:
        """Estimate the number of accounts by the largest collection."""
        return max(await self._dividing.estimates())

    async def ranges(self, *, accounts: int | None = None) -> Sequence[KeyRange]:
        """Divide all accounts into ranges of roughly equal size, by the data."""
        return await self._dividing.ranges(accounts)

    async def middle(self, key_range: KeyRange) -> Bound | None:
        """Find a user id that divides a range by its data; None if it holds no two users."""
        return await self._dividing.middle(key_range)

    @asynccontextmanager
    async def moment(self) -> AsyncIterator[MongoMoment]:
        """Open a new moment, not before now."""
        if not self._server.has_snapshots:
            yield self._moment(None)
            return
        async with self._database.client.start_session(snapshot=True) as session:
            # In a fresh session, reads that start together each get a moment of their own; the
            # answer to this one fixes it for all.
            truth = self._mappings.source_of_truth
            async with self._calls.bounded(truth, is_quick=True):
                await self._database[truth].find_one({}, {"_id": 1}, session=session)
            yield self._moment(session)

    def _moment(self, session: AsyncClientSession | None) -> MongoMoment:
        digests = MongoDigests(
            self._database,
            self._mappings,
            self._calls,
            session,
            bucketing=self._bucketing,
            # As hard to guess as it is that sums agree by chance. Where ids are UUIDs, it fills no
            # further block of MD5, though it is in each text twice.
            salt=secrets.token_urlsafe(5),
        )
        return MongoMoment(
            self._database,
            self._mappings,
            self._calls,
            session,
            batch_documents=self._batch_documents,
            digests=digests,
        )
