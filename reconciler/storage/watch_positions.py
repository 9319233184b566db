"""Where the watch stands in the stream, kept within the lease's own document.

One update on one document both asks for the token and writes: whoever lost the lease cannot move
the position of whoever holds it.
"""

from typing import Any

from reconciler.errors import Fenced
from reconciler.storage.calls import Calls
from reconciler.storage.leasing import LEASES, SCANNER
from reconciler.storage.transactions import Database, own_records
from reconciler.watching.ports import Position

CALL_SECONDS_MAX = 5.0
_WHAT = "the position of the watch"


class MongoPositions:
    """The position of one database's watch."""

    def __init__(self, database: Database) -> None:
        self._leases = own_records(database)[LEASES]

    async def load(self) -> Position | None:
        """Give the last one; None if there is none."""
        async with Calls(deadline_seconds=CALL_SECONDS_MAX).bounded(_WHAT):
            found = await self._leases.find_one({"_id": SCANNER}, {"watch": 1})
        kept: dict[str, Any] = (found or {}).get("watch") or {}
        return kept.get("position")

    async def store(self, position: Position, *, token: int) -> None:
        """Keep one.

        Raises:
            Fenced: the lease has gone to another holder.
            ReadInterrupted, CannotLook: it could not be written.
        """
        async with Calls(deadline_seconds=CALL_SECONDS_MAX).bounded(_WHAT, is_write=True):
            done = await self._leases.update_one(
                {"_id": SCANNER, "token": token},
                [
                    {
                        "$set": {
                            "watch": {"position": {"$literal": position}, "stored_at": "$$NOW"},
                        }
                    }
                ],
            )
        if not done.matched_count:
            raise Fenced("another daemon watches now: the position was not moved")
