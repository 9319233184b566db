"""The daemon as an operator starts it: a process of its own, set by its environment."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.observing.processes import Process, Processes, free_port, until

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0
QUICK = {
    "RECONCILER_SCAN__INTERVAL_SECONDS": "1",
    "RECONCILER_SCAN__SETTLE_SECONDS": "0.1",
    "RECONCILER_SCAN__JITTER_SECONDS": "0",
    "RECONCILER_LEASE__TTL_SECONDS": "2",
    # What a mutant changed is not frozen: the tests of the freeze alone are to find that.
    "RECONCILER_FREEZE__UNFROZEN_REPAIR_ALLOWED": "true",
}


@dataclass
class Daemon:
    """Can be started again after it was killed, at the same address."""

    place: Processes
    mongo_uri: str
    database: str
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: Process | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and wait until it listens."""
        self.process = await self.place.start(
            "daemon",
            [sys.executable, "-m", "reconciler", "run"],
            {
                "PYTHONPATH": str(ROOT),
                "RECONCILER_MONGO__URI": self.mongo_uri,
                "RECONCILER_MONGO__DATABASE": self.database,
                "RECONCILER_API__PORT": str(self.port),
                **QUICK,
                **self.settings,
            },
        )
        await self.process.answers(self._listens, within_seconds=START_SECONDS)

    async def kill(self) -> None:
        """End it as the kernel would: no goodbye."""
        assert self.process is not None, "started before"
        await self.process.kill()

    async def scans_again(self, *, within_seconds: float) -> None:
        """Wait until a scan that has not begun yet has ended."""
        seen = len(self.events("scan_finished"))

        async def look() -> bool:
            # The next one may be under way by now.
            return len(self.events("scan_finished")) >= seen + 2

        await until(look, "two more scans of the daemon", within_seconds=within_seconds)

    async def post(self, path: str, body: Mapping[str, object]) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            return await client.post(f"http://{self.address}{path}", json=body)

    def events(self, name: str) -> list[dict[str, Any]]:
        """What this start of the daemon has logged under a name."""
        return [event for event in self._logged() if event.get("event") == name]

    async def _listens(self) -> bool:
        return bool(self.events("http_listening"))

    def _logged(self) -> Iterator[dict[str, Any]]:
        assert self.process is not None, "started before"
        # The last line may be half written.
        for line in self.process.log.read_text(errors="replace").split("\n")[:-1]:
            if line.startswith("{"):
                yield json.loads(line)
