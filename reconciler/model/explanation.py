"""What is known of one account: its copies, what is wrong with them, and its last postings."""

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.comparison import Mismatch
from reconciler.model.copies import Balance, BalanceView
from reconciler.model.posting import Delta


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
