"""Reads accounts by digests: only where the collections differ are accounts read one by one."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from reconciler.errors import CannotLook, ReadInterrupted
from reconciler.model.digest import Agreement, DigestUse, agreement_of
from reconciler.model.report import Consistency
from reconciler.scanning.ports import BalanceSource, KeyRange, Moment, Portion, Selection
from reconciler.scanning.range_reading import reading_exactly
from reconciler.scanning.rules import DigestOptions


class Digesting:
    """The digests of one scan, and how far they went.

    `left_over` are the parts of which every account must be read, nothing of them having been told:
    once digests are of no use for one part they are not tried for any other. `digest_seconds` and
    `drilldown_seconds` are what the two stages took.
    """

    def __init__(self, options: DigestOptions, monotonic: Callable[[], float]) -> None:
        self.left_over: list[KeyRange] = []
        self.digest_seconds = self.drilldown_seconds = 0.0
        self._options = options
        self._monotonic = monotonic
        self._accounts = 0
        self._buckets = self._differing = 0
        self._given_up: str | None = None
        self._read_exactly = reading_exactly(Selection())

    @property
    def use(self) -> DigestUse:
        """How far they went."""
        return DigestUse(self._buckets, self._differing, self._given_up)

    @property
    def range_accounts(self) -> int:
        """Of how many accounts the digests are taken as of one moment."""
        return self._options.range_accounts

    async def prepare(self, source: BalanceSource) -> None:
        """Find out how many accounts there are, by which the number of buckets is chosen."""
        if source.consistency is not Consistency.SNAPSHOT:
            self._given_up = "this server has no snapshots"
            return
        try:
            accounts = await source.estimated_accounts()
        except ReadInterrupted:
            return  # any number of buckets is right
        self._accounts = min(accounts, self._options.range_accounts)

    def left_of(self, ranges: Sequence[KeyRange]) -> list[KeyRange]:
        """Cut ranges to what is left over."""
        return [part for left in self.left_over for each in ranges if (part := each.within(left))]

    async def read_part(
        self, moment: Moment, part: KeyRange
    ) -> AsyncGenerator[tuple[Portion, KeyRange | None], None]:
        """Tell what agrees all at once, and then what the accounts in the other buckets hold.

        Raises:
            SnapshotTooOld, ReadInterrupted, CannotLook: as `Moment.portions`.
        """
        left: KeyRange | None = part
        if part.buckets is None:
            agreed = await self._agreed(moment, part)
            if agreed is None:
                self.left_over.append(part)
                return
            portion, left = agreed
            yield portion, left
        if left is None:
            return
        begun = self._monotonic()
        portions = self._read_exactly(moment, left)
        try:
            async with aclosing(portions):
                async for told in portions:
                    yield told
        finally:
            self.drilldown_seconds += self._monotonic() - begun

    async def _agreed(
        self, moment: Moment, part: KeyRange
    ) -> tuple[Portion, KeyRange | None] | None:
        """Give what digests prove of a part, and what is left of it; None if they are of no use."""
        if self._given_up is not None:
            return None
        begun = self._monotonic()
        try:
            agreement = await self._compared(moment, part)
        finally:
            self.digest_seconds += self._monotonic() - begun
        if agreement is None:
            return None
        self._buckets += agreement.buckets
        self._differing += len(agreement.differing.chosen)
        portion = Portion(agreement.accounts, agreement.users, agreement.currencies, (), None)
        is_all = not agreement.differing.chosen
        return portion, None if is_all else part.of_buckets(agreement.differing)

    async def _compared(self, moment: Moment, part: KeyRange) -> Agreement | None:
        try:
            digests = await moment.digests(
                part,
                accounts=self._accounts,
                collections_parallel=self._options.collections_parallel,
            )
        except CannotLook as error:
            # Whatever it is: reading the accounts works, or says the same in its own words.
            self._given_up = f"digests could not be computed: {error}"
            return None
        if digests is None:
            self._given_up = "this server has no operator to compute digests with"
            return None
        agreement = agreement_of(digests)
        if self._options.drill_limit.is_passed_by(agreement):
            differing = len(agreement.differing.chosen)
            self._given_up = f"{differing} of {agreement.buckets} buckets differ"
            return None
        return agreement
