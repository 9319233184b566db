"""Reads trades, balances and journal as they are stored, and holds them against each other."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from reconciler.model.report import Verdict
from tests.integration.scanning.scanning import scanner
from tests.integration.sync.stored import Stored

NOW = datetime(2026, 1, 2, 3, 4, 5, 6000, UTC)

# The kind of the posting that ends a trade in a state.
_ENDS = {"locked": set(), "released": {"release"}, "cancelled": {"unlock"}}


@dataclass(frozen=True)
class Ledger:
    """The stored truth about trades."""

    database: AsyncDatabase[dict[str, Any]]
    stored: Stored

    async def document(self, trade_id: str) -> dict[str, Any] | None:
        """The trade as it is stored."""
        return await self.database["p2p_trades"].find_one({"_id": trade_id})

    async def kinds(self, trade_id: str) -> list[str]:
        """The kinds of the postings that were made for a trade, by their reasons, sorted."""
        wanted = {"reason": {"$regex": f"^trade {trade_id}:"}, "kind": {"$ne": "opening"}}
        entries = await self.database["balance_journal"].find(wanted).to_list()
        return sorted(entry["kind"] for entry in entries)

    async def assert_agreed(self, trade_id: str) -> str:
        """Give the state of a trade, or `none`; fail unless the journal has its postings, once."""
        document = await self.document(trade_id)
        kinds = await self.kinds(trade_id)
        if document is None:
            assert kinds == []
            return "none"
        assert kinds == sorted({"lock"} | _ENDS[document["state"]])
        for step, op_id in document["op_ids"].items():
            entries = self.database["balance_journal"].find({"op_id": op_id})
            (entry,) = await entries.to_list()
            assert entry["kind"] == {"create": "lock", "cancel": "unlock"}.get(step, step)
        assert len(document["op_ids"]) == len(kinds)
        assert (document["closed_at"] is None) is (document["state"] == "locked")
        return str(document["state"])

    async def holding(self, user_id: str, currency: str = "BTC") -> tuple[str, str]:
        """What all four copies agree on: available and locked; zeros without any copy."""
        if not any((await self.stored.documents(user_id, currency)).values()):
            return "0", "0"
        ((available, locked, total),) = await self.stored.amounts(user_id, currency)
        assert total == available + locked
        assert await self.stored.replayed(user_id, currency) == (available, locked)
        return f"{available:f}", f"{locked:f}"

    async def owed(self, currency: str = "BTC") -> Decimal:
        """The sum over all users, in the source of truth."""
        copies = await self.database["wallets"].find({"currency": currency}).to_list()
        return sum((copy["total_balance"].to_decimal() for copy in copies), Decimal(0))

    async def assert_healthy(self) -> None:
        """Fail unless the exact scan finds all copies in agreement."""
        report = await scanner(self.database).scan_all()
        assert report.verdict is Verdict.HEALTHY
        assert report.coverage.accounts > 0
