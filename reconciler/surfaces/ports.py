"""What the surfaces ask of the running system, and the values that come back.

`bootstrap` gives them objects that do this; no surface knows a database.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from reconciler.model.comparison import Mismatch
from reconciler.model.copies import Balance, BalanceView
from reconciler.model.identity import Account
from reconciler.model.mapping import Mappings
from reconciler.model.posting import Delta
from reconciler.model.report import ScanReport
from reconciler.model.schema import RequiredIndex

# Called with the accounts looked at so far and the estimated total.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class JournalLine:
    """What one journal entry did to the account that is explained."""

    time: datetime
    sequence: int
    kind: str
    reason: str
    op_id: str
    delta: Delta
    after: Balance


@dataclass(frozen=True, slots=True)
class Explanation:
    """One account as of one moment: its copies, what is wrong, its last postings, newest first."""

    view: BalanceView
    mismatch: Mismatch | None
    journal: tuple[JournalLine, ...]

    @property
    def is_known(self) -> bool:
        """Whether there is anything under this id and currency."""
        return bool(self.journal) or any(self.view.copies.values())


class IndexState(StrEnum):
    """What became of an index that is needed."""

    MADE = "made"
    PRESENT = "present"
    MISSING = "missing"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class DuplicateAccount:
    """An account with more than one document in a collection: what keeps an index from being."""

    account: Account
    documents: int


@dataclass(frozen=True, slots=True)
class IndexReport:
    """An index that is needed, and its state; `duplicates` may be cut, its count never is."""

    index: RequiredIndex
    state: IndexState
    duplicates: tuple[DuplicateAccount, ...] = ()
    duplicate_count: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SchemaReport:
    """What the server is, which mapped collections it lacks, and every index that is needed."""

    server: str
    collections_missing: tuple[str, ...]
    indexes: tuple[IndexReport, ...]
    warnings: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether postings can be made."""
        return all(each.state in {IndexState.MADE, IndexState.PRESENT} for each in self.indexes)


class Backend(Protocol):
    """The running system, as the commands see it."""

    async def check(
        self, user_id: str | None, currency: str | None, *, progress: Progress
    ) -> ScanReport:
        """Compare the copies of all accounts, or of those of one user or currency or both.

        Raises:
            DatabaseUnavailable: there is no server to ask.
        """

    async def explain(self, user_id: str, currency: str) -> Explanation:
        """Show one account as of one moment.

        Raises:
            DatabaseUnavailable, CannotLook: it could not be read.
        """

    async def init_schema(self) -> SchemaReport:
        """Make what is missing; safe to repeat.

        Raises:
            DatabaseUnavailable, CannotLook: it could not be done.
        """

    async def schema_status(self) -> SchemaReport:
        """Say what is there.

        Raises:
            DatabaseUnavailable, CannotLook: it could not be read.
        """


class Stage(Protocol):
    """A small exchange on a server of its own, for the demo."""

    @property
    def uri(self) -> str:
        """The connection string of the server."""

    @property
    def database(self) -> str:
        """The database of the exchange."""

    @property
    def mappings(self) -> Mappings:
        """The collections of the exchange."""

    @property
    def backend(self) -> Backend:
        """The running system on that server."""

    @property
    def drifted(self) -> Sequence[Account]:
        """The accounts that `bypass` drifts."""

    async def seed(self) -> int:
        """Write the balances that years of old code left; give the number of accounts."""

    async def make_postings(self) -> int:
        """Make an ordinary day's postings through the sync library; give their number."""

    async def bypass(self) -> Sequence[str]:
        """Write past the library as old call sites do; say what was written, a clause each."""
