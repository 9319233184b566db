"""What the surfaces ask of the running system, and the values that come back.

`bootstrap` gives them objects that do this; no surface knows a database.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from reconciler.model.explanation import Explanation, JournalLine
from reconciler.model.identity import Account
from reconciler.model.mapping import Mappings
from reconciler.model.report import ScanReport
from reconciler.model.schema import DuplicateAccount, IndexReport, IndexState, SchemaReport

__all__ = [
    "Backend",
    "DuplicateAccount",
    "Explanation",
    "IndexReport",
    "IndexState",
    "JournalLine",
    "Progress",
    "SchemaReport",
    "Stage",
]

# Called with the accounts looked at so far and the estimated total.
Progress = Callable[[int, int], None]


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
